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
        NotFoundError: there is no such script.
    """
    if not script.is_file():
        raise NotFoundError("There is no such script.", where=str(script))
    install()
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    runpy.run_path(str(script), run_name="__main__")
