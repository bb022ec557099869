"""Walks the folders of a folder source."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from digits.core.errors import DataError
from digits.data.gather import Entry, Gatherer
from digits.data.inventory import Inventory, InventoryWriter
from digits.data.remote import is_remote, open_tree
from digits.data.rules import DBS, UNDECIDED
from digits.data.walk import walk
from digits.extensions.datasets.classification.scan import class_folders
from digits.extensions.datasets.classification.sources.folder.check import roots, shares
from digits.extensions.datasets.classification.sources.folder.spec import FolderSource
from digits.extensions.datasets.classification.sources.shares import rules
from digits.extensions.datasets.classification.sources.trees import FolderClasses, take_tree
from digits.extensions.datasets.paths import printable


def collect(source: FolderSource, writer: InventoryWriter) -> Inventory:
    """Walk the folders, here or behind an address.

    Raises:
        DataError: one of them cannot be listed.
        StoppedError: asked to stop.
    """
    classes = FolderClasses()
    with ExitStack() as open_trees, Gatherer(writer) as gatherer:
        for db, root in roots(source).items():
            number = UNDECIDED if db == "train" else DBS.index(db)
            if is_remote(root):
                tree = open_trees.enter_context(open_tree(root, writer.settings))
                take_tree(tree, root, db=number, classes=classes, gatherer=gatherer)
            else:
                _take_folder(root, number, classes, gatherer, writer)
        read = gatherer.finish()
    return writer.finish(labels=classes.labels, read=read, rules=rules(source, *shares(source)), origin=source.train)


def _take_folder(root: str, db: int, classes: FolderClasses, gatherer: Gatherer, writer: InventoryWriter) -> None:
    path = os.fsencode(Path(root).expanduser())
    named = DBS[max(db, 0)]
    try:
        folders = class_folders(path, partial(writer.refuse, named))
    except OSError as error:
        raise DataError(f"The folder cannot be listed: {error.strerror or error}.", where=printable(path)) from error
    for folder in folders:
        number = classes.number(folder.name, folder.label)
        for found in walk(path, folder.path):
            if isinstance(found, bytes):
                gatherer.add_file(Entry(found, number, db))
            else:
                writer.refuse(named, *found)
