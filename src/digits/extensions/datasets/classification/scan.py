"""Walks a folder with one sub-folder a class, and tells pictures from other files by their first bytes.

Links are followed inside the folder only; a folder that was read before (a loop, or a second link to it) is not read again.
Every file of a class that is no picture is told as refused, hidden ones too. No numpy here: the form's check walks as well.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from digits.core.errors import DataError
from digits.data.walk import is_folder, is_inside, outside


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
            if entry.name.startswith(b".") or not is_folder(entry):
                continue
            if entry.is_symlink() and not is_inside(real_root, entry.path):
                if refuse:
                    refuse(entry.path, outside(entry.path))
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
