"""Why a path that somebody typed cannot be read, in words. It runs in the web process; nothing is opened."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from digits.core.errors import DataError
from digits.core.platform import user_name
from digits.core.settings import Settings


def folder_problem(text: str, settings: Settings) -> str:
    """Return why the folder at ``text`` cannot be read; empty where it can."""
    return _problem(text, settings, is_folder=True)


def file_problem(text: str, settings: Settings) -> str:
    """Return why the file at ``text`` cannot be read; empty where it can."""
    return _problem(text, settings, is_folder=False)


def _problem(text: str, settings: Settings, *, is_folder: bool) -> str:
    if not text.strip():
        return f"Name a {'folder' if is_folder else 'file'} on the server."
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        return f"{text} names a user that this machine does not know."
    if not path.is_absolute():
        return f"{text} is not absolute: begin it with / or ~."
    if "\0" in text:
        return "A path has no NUL character."
    if forbidden := outside(os.fsencode(path), tuple(map(str, settings.data_roots))):
        return str(forbidden)
    folders = (*reversed(path.parents), path) if is_folder else tuple(reversed(path.parents))
    for part in folders:
        if problem := _folder_problem(part, is_last=part == path):
            return problem
    return "" if is_folder else _file_problem(path)


def outside(path: bytes, roots: Sequence[str]) -> DataError | None:
    """Return what is said of a path outside the folders that may be used; None where it may. Without roots any path may."""
    real = [os.fsencode(Path(root).resolve()) for root in roots]
    if not real or any(_is_inside(os.path.realpath(path), root) for root in real):
        return None
    listed = ", ".join(map(printable, real))
    return DataError(f"{printable(path)} lies outside the folders that may be used: {listed}.", rule="PATH_OUTSIDE")


def _is_inside(path: bytes, root: bytes) -> bool:
    return path == root or path.startswith(root.rstrip(b"/\\") + os.fsencode(os.sep))


def _folder_problem(part: Path, *, is_last: bool) -> str:
    try:
        if not part.is_dir():
            return f"{part} is not a folder." if part.exists() else f"{part} does not exist."
        readable = os.access(part, os.X_OK | (os.R_OK if is_last else 0))
    except OSError as error:
        return f"{part} cannot be read: {error.strerror or error}."
    return "" if readable else _no_right(f"{'list' if is_last else 'enter'} {part}")


def _file_problem(path: Path) -> str:
    try:
        if not path.is_file():
            return f"{path} is not a file." if path.exists() else f"{path} does not exist."
        readable = os.access(path, os.R_OK)
    except OSError as error:
        return f"{path} cannot be read: {error.strerror or error}."
    return "" if readable else _no_right(f"read {path}")


def _no_right(what: str) -> str:
    return f"User {user_name()!r}, who runs the server, has no right to {what}."


def printable(path: bytes | str) -> str:
    """Return a path for people; bytes that are no UTF-8 become U+FFFD."""
    return os.fsencode(path).decode("utf-8", "replace")
