"""Walks the folders of a folder source."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from digits.core.errors import DataError
from digits.data.inventory import Inventory, InventoryWriter, read_files
from digits.data.rules import DBS, UNDECIDED
from digits.extensions.datasets.classification.paths import printable
from digits.extensions.datasets.classification.scan import class_folders, walk
from digits.extensions.datasets.classification.sources.folder.check import roots, shares
from digits.extensions.datasets.classification.sources.folder.spec import FolderSource
from digits.extensions.datasets.classification.sources.shares import rules


def collect(source: FolderSource, writer: InventoryWriter) -> Inventory:
    """Walk the folders.

    Raises:
        DataError: one of them cannot be listed.
        StoppedError: asked to stop.
    """
    ids: dict[bytes, int] = {}
    labels: list[str] = []
    for db, root in roots(source).items():
        path = os.fsencode(Path(root).expanduser())
        try:
            folders = class_folders(path, partial(writer.refuse, db))
        except OSError as error:
            raise DataError(
                f"The folder cannot be listed: {error.strerror or error}.", where=printable(path)
            ) from error
        number = UNDECIDED if db == "train" else DBS.index(db)
        for folder in folders:
            if folder.name not in ids:
                ids[folder.name] = len(labels)
                labels.append(folder.label)
            for found in walk(path, folder.path):
                if isinstance(found, bytes):
                    writer.add(found, ids[folder.name], number)
                else:
                    writer.refuse(db, *found)
    return writer.finish(labels=labels, read=read_files, rules=rules(source, *shares(source)), origin=source.train)
