"""The files below a folder: pictures told from others by their first bytes, with the reason why another is none.

Links are followed inside the folder only; a folder that was read before (a loop, or a second link to it) is not read again.
No numpy here: the web process walks as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from digits.core.errors import DataError
from digits.data.sniff import HEAD_BYTES, sniff

Found = bytes | tuple[bytes, DataError]
"""A picture's path, or a path with the reason why it is none."""


def walk(root: bytes, folder: bytes) -> Iterator[Found]:
    """Yield the files below the class folder ``folder`` in sorted order: pictures, and those that are none with the reason."""
    real_root = os.path.realpath(root)
    seen: set[tuple[int, int]] = set()
    pending = [folder]
    while pending:
        here = pending.pop()
        try:
            status = os.stat(here)
            if (status.st_dev, status.st_ino) in seen:
                yield here, DataError("The link leads to a folder that was read before.", rule="LINK_LOOP")
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(here) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield here, unreadable(error)
            continue
        folders = []
        for entry in entries:
            if entry.is_symlink() and not is_inside(real_root, entry.path):
                yield entry.path, outside(entry.path)
            elif is_folder(entry):
                folders.append(entry.path)
            else:
                problem = _problem(entry)
                yield (entry.path, problem) if problem else entry.path
        pending.extend(reversed(folders))


def is_folder(entry: os.DirEntry[bytes]) -> bool:
    """Return whether an entry is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _problem(entry: os.DirEntry[bytes]) -> DataError | None:
    try:
        if not entry.is_file():
            if entry.is_symlink():
                return DataError("The link leads nowhere.", rule="LINK_BROKEN")
            return DataError("This is no ordinary file.", rule="IMG_NOT_A_PICTURE")
        with open(entry.path, "rb", buffering=0) as file:
            sniff(file.read(HEAD_BYTES))
    except OSError as error:
        return unreadable(error)
    except DataError as error:
        return error
    return None


def is_inside(real_root: bytes, path: bytes) -> bool:
    """Return whether ``path``, links followed, lies below ``real_root``."""
    real = os.path.realpath(path)
    return real == real_root or real.startswith(real_root.rstrip(os.fsencode(os.sep)) + os.fsencode(os.sep))


def outside(path: bytes) -> DataError:
    """Return what is said of a link that leads out of its folder."""
    target = os.fsdecode(os.path.realpath(path))
    return DataError(
        f"The link leads out of the folder, to {target}.", hint="Copy it here instead.", rule="LINK_OUTSIDE"
    )


def unreadable(error: OSError) -> DataError:
    """Return what is said of a file or folder that cannot be read."""
    return DataError(f"It cannot be read: {error.strerror or error}.", rule="IMG_UNREADABLE")
