"""Class folders that lie elsewhere: which there are, and every picture in them, fetched into the pack."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from digits.core.errors import DataError
from digits.data.gather import Entry, Gatherer
from digits.data.remote import SUFFIXES, Tree, files_below
from digits.extensions.datasets.classification.scan import label_names


class FolderClasses:
    """The classes of several roots, matched by the names of their folders; ``labels`` are what people read, by id."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        self._ids: dict[bytes, int] = {}

    def number(self, name: bytes, label: str) -> int:
        """Return the id of the class whose folder is called ``name``."""
        if name not in self._ids:
            self._ids[name] = len(self.labels)
            self.labels.append(label)
        return self._ids[name]


def take_tree(
    tree: Tree,
    root: str,
    *,
    db: int,
    classes: FolderClasses,
    gatherer: Gatherer,
    get: Callable[[str], bytes] | None = None,
) -> None:
    """Take every picture below the class folders of the folder at ``root``.

    Args:
        tree: what ``root`` belongs to; it stays open until the gatherer has finished.
        root: its address.
        db: the database, by number.
        classes: gives the ids.
        gatherer: fetches.
        get: what it fetches with, where that is not the tree's own.

    Raises:
        DataError: the root cannot be listed.
        StoppedError: asked to stop.
    """
    try:
        folders = sorted((os.fsencode(name), at) for name, at in tree.list(root).folders.items() if name[0] != ".")
    except DataError as error:
        raise DataError(error.message, where=root, hint=error.hint, rule=error.rule) from error
    for (name, folder), label in zip(folders, label_names([name for name, _ in folders]), strict=True):
        number = classes.number(name, label)
        for found in files_below(tree, folder):
            if isinstance(found, DataError):
                gatherer.refuse(Entry(found.where.encode("utf-8", "replace"), number, db), found)
                continue
            file, address = found
            entry = Entry(address.encode("utf-8", "replace"), number, db)
            if file.lower().endswith(SUFFIXES):
                gatherer.add_fetched(entry, partial(get or tree.get, address))
            else:
                gatherer.refuse(entry, DataError("The name is none of a picture.", rule="IMG_NOT_A_PICTURE"))
