"""Walks a folder with one sub-folder a class, and tells pictures from other files by their first bytes.

Links are followed inside the folder only; a folder that was read before (a loop, or a second link to it) is not read again.
Every file of a class that is no picture is told as refused, hidden ones too. No numpy here: the form's check walks as well.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from digits.core.errors import DataError
from digits.data.sniff import HEAD_BYTES, sniff

Found = bytes | tuple[bytes, DataError]
"""A picture's path, or a path with the reason why it is none."""


@dataclass(frozen=True)
class ClassFolder:
    """A sub-folder of the root; ``label`` is what people read."""

    path: bytes
    name: bytes
    label: str


def class_folders(root: bytes, refuse: Callable[[bytes, DataError], None] | None = None) -> list[ClassFolder]:
    """Return the class folders below ``root``, sorted by name; hidden ones and links out of the root are no classes.

    The label is the name with spaces for underscores; where two would be alike, the names stay as they are.

    Raises:
        OSError: the root cannot be listed.
    """
    real_root, names = os.path.realpath(root), []
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.name.startswith(b".") or not _is_folder(entry):
                continue
            if entry.is_symlink() and not _inside(real_root, entry.path):
                if refuse:
                    refuse(entry.path, _outside(entry.path))
                continue
            names.append(entry.name)
    names.sort()
    return [
        ClassFolder(os.path.join(root, name), name, label)
        for name, label in zip(names, label_names(names), strict=True)
    ]


def label_names(names: Sequence[bytes]) -> list[str]:
    """Return what people read for the names, no two alike."""
    pretty = [_text(name).replace("_", " ") for name in names]
    count = Counter(pretty)
    taken: set[str] = set()
    for index, name in enumerate(names):
        label = pretty[index] if count[pretty[index]] == 1 else _text(name)
        while label in taken:  # two names whose undecodable bytes read alike
            label += "'"
        taken.add(label)
        pretty[index] = label
    return pretty


def _text(name: bytes) -> str:
    """Return a name for people: bytes that are no UTF-8 become U+FFFD, line breaks and the like a space."""
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", " ", name.decode("utf-8", "replace"))


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
            yield here, _unreadable(error)
            continue
        folders = []
        for entry in entries:
            if entry.is_symlink() and not _inside(real_root, entry.path):
                yield entry.path, _outside(entry.path)
            elif _is_folder(entry):
                folders.append(entry.path)
            else:
                problem = _problem(entry)
                yield (entry.path, problem) if problem else entry.path
        pending.extend(reversed(folders))


def _is_folder(entry: os.DirEntry[bytes]) -> bool:
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
        return _unreadable(error)
    except DataError as error:
        return error
    return None


def _inside(real_root: bytes, path: bytes) -> bool:
    real = os.path.realpath(path)
    return real == real_root or real.startswith(real_root.rstrip(os.fsencode(os.sep)) + os.fsencode(os.sep))


def _outside(path: bytes) -> DataError:
    target = os.fsdecode(os.path.realpath(path))
    return DataError(
        f"The link leads out of the folder, to {target}.", hint="Copy it here instead.", rule="LINK_OUTSIDE"
    )


def _unreadable(error: OSError) -> DataError:
    return DataError(f"It cannot be read: {error.strerror or error}.", rule="IMG_UNREADABLE")
