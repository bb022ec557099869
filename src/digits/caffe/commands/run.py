"""``digits caffe run``: a script that says ``import caffe``, as it is."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from digits.caffe.alias import install
from digits.core.errors import NotFoundError


def run(script: Path, arguments: Sequence[str]) -> None:
    """Run a script as Python would, with ``caffe`` and its modules importable.

    Raises:
        NotFoundError: there is no such script, or it is of another Python.
    """
    if not script.is_file():
        raise NotFoundError("There is no such script.", where=str(script))
    install()
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SyntaxError as error:
        if "print" not in str(error.msg):
            raise
        place = f"{error.filename}:{error.lineno}"
        raise NotFoundError(
            "This is Python 2.", where=place, hint="Write print(...) for print ..., and run it again."
        ) from error
