"""Pictures as tables name them: by path, by address, or with their bytes in the row."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from digits.core.errors import DataError
from digits.core.work import WorkerSettings
from digits.data.addresses import is_address
from digits.data.gather import Entry, Gatherer
from digits.data.inventory import Inventory
from digits.data.rules import UNDECIDED
from digits.data.tables import BadRow, Table
from digits.extensions.datasets.classification.sources.classids import ClassIds, TooManyClassesError
from digits.extensions.datasets.classification.sources.columns import Wanted, db_of
from digits.extensions.datasets.classification.sources.dealt import DealtSource
from digits.extensions.datasets.classification.sources.shares import rules
from digits.extensions.datasets.paths import outside


@dataclass
class Taker:
    """Takes pictures as rows name them."""

    gatherer: Gatherer
    ids: ClassIds
    settings: WorkerSettings
    fetch: Callable[[str], bytes]

    def take_rows(self, table: Table, wanted: Wanted, *, base: Path | None, called: str, db: int = UNDECIDED) -> None:
        """Take all pictures of a table; a row that cannot be used is refused with its number.

        Args:
            table: the table.
            wanted: its columns.
            base: where relative paths begin; None where they have no place.
            called: the table, in the names of pictures that have none.
            db: the database of all its pictures, by number, where no column says it.

        Raises:
            DataError: the table is damaged, or has too many classes.
            StoppedError: asked to stop.
        """
        for row in table.rows(wanted.columns):
            if isinstance(row, BadRow):
                self.gatherer.refuse(Entry(_bytes(row.text), 0, db, row.line), row.error)
                continue
            picture, label, *split = row.values
            entry = Entry(_name(picture) or _bytes(f"{called}#{row.line}"), 0, db, row.line)
            try:
                decided = db_of(split[0]) if split else UNDECIDED
                if decided != UNDECIDED:
                    entry = entry._replace(db=decided)
                self.take(entry._replace(answer=self.ids.of(label)), picture, base)
            except TooManyClassesError:
                raise
            except DataError as error:
                self.gatherer.refuse(entry, error)

    def take(self, entry: Entry, picture: Any, base: Path | None) -> None:
        """Take one picture: a path, an address, bytes, or a mapping of "bytes" and "path".

        Raises:
            DataError: it cannot be taken.
            StoppedError: asked to stop.
        """
        if isinstance(picture, Mapping):
            data, picture = picture.get("bytes"), picture.get("path")
            if data is not None:
                self.gatherer.add_bytes(entry, bytes(data))
                return
        if isinstance(picture, bytes):
            self.gatherer.add_bytes(entry, picture)
        elif not isinstance(picture, str) or not picture.strip():
            raise DataError("The row names no picture.", rule="IMAGE_MISSING")
        elif is_address(picture.strip()):
            self.gatherer.add_fetched(entry, partial(self.fetch, picture.strip()))
        else:
            self.gatherer.add_file(entry._replace(name=self._path(picture.strip(), base)))

    def _path(self, text: str, base: Path | None) -> bytes:
        path = _bytes(text)
        if path.startswith(b"~"):
            path = os.path.expanduser(path)
        path = os.path.join(os.fsencode(base) if base else b"", path)
        if b"\0" in path:
            raise DataError("A path has no NUL character.", rule="IMG_UNREADABLE")
        if not os.path.isabs(path):
            hint = "Only beside a table on the server can it be relative."
            raise DataError("The path is not absolute.", hint=hint, rule="PATH_RELATIVE")
        if self.settings.data_roots and (problem := outside(path, self.settings.data_roots)):
            raise problem
        return path


def _name(picture: Any) -> bytes:
    """Return what a row calls its picture; empty for bytes without a name."""
    if isinstance(picture, Mapping):
        picture = picture.get("path")
    return _bytes(picture.strip()) if isinstance(picture, str) else b""


def _bytes(text: str) -> bytes:
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:  # JSON can hold half a character
        return text.encode("utf-8", "replace")


def with_rules(
    source: DealtSource,
    inventory: Inventory,
    *,
    shares: tuple[float, float] | None = None,
    labels_given: bool = False,
) -> Inventory:
    """Return ``inventory`` with the rules of a source that may say itself which database a picture is for.

    Args:
        source: the source.
        inventory: its pictures.
        shares: of undecided pictures for validation and testing, in percent, where they are not those of the source.
        labels_given: see ``Rules``.
    """
    decided = not len(inventory) or int(np.min(inventory.dbs)) != UNDECIDED
    pct_val, pct_test = (0.0, 0.0) if decided else shares or (source.pct_val, source.pct_test)
    found = rules(source, pct_val, pct_test, dbs_given=decided)
    return replace(inventory, rules=replace(found, labels_given=labels_given))
