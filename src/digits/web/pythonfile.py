"""A file of layers written in Python, looked at before it becomes part of a job: read and parsed, never run here."""

from __future__ import annotations

from pathlib import Path

from digits.core.errors import DigitsError
from digits.core.pythontext import parse_python

MAX_BYTES = 1_000_000


def read_python(path: Path) -> str:
    """Return the source in a file.

    Raises:
        DigitsError: it cannot be read, is compiled code, or no Python that this server runs; with its line.
    """
    where = path.name if path.suffix == ".py" else ""
    if path.suffix == ".pyc":
        raise DigitsError("Compiled code (.pyc) is not taken.", where=path.name, hint="Give the source, a .py file.")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DigitsError(f"The file cannot be read: {error.strerror}.", where=str(path)) from error
    if len(data) > MAX_BYTES:
        raise DigitsError(f"The file has more than {MAX_BYTES:,} bytes.", where=where)
    if b"\0" in data:
        raise DigitsError(
            "This is no Python source.", where=where, hint="Compiled code is not taken: give the .py file."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DigitsError("This is no text in UTF-8.", where=where, hint="Save it as UTF-8.") from error
    return checked_python(text, where=where)


def checked_python(text: str, *, where: str) -> str:
    """Return ``text`` if it is Python.

    Raises:
        DigitsError: it is none that this server runs; with its line.
    """
    parse_python(text, where=where)
    return text
