"""Reads the tables of a Hugging Face folder."""

from __future__ import annotations

import os
from pathlib import Path

from digits.core.errors import DataError
from digits.core.events import Warned
from digits.data.fetch import Fetcher, UrlRules
from digits.data.gather import Gatherer
from digits.data.inventory import Inventory, InventoryWriter
from digits.data.rules import Rules
from digits.data.tables import open_table
from digits.extensions.datasets.classification.sources.classids import ClassIds
from digits.extensions.datasets.classification.sources.columns import wanted
from digits.extensions.datasets.classification.sources.huggingface.check import UNKNOWN
from digits.extensions.datasets.classification.sources.huggingface.layout import Layout, columns_of, layout
from digits.extensions.datasets.classification.sources.huggingface.spec import HuggingFaceSource
from digits.extensions.datasets.classification.sources.pictures import Taker, with_rules
from digits.extensions.datasets.classification.sources.shares import Splits
from digits.extensions.datasets.paths import outside, printable


def collect(source: HuggingFaceSource, writer: InventoryWriter) -> Inventory:
    """Read every table; a row that cannot be used is refused with its number.

    Raises:
        DataError: the folder is none of the Hugging Face libraries, or a table is damaged.
        StoppedError: asked to stop.
    """
    root = Path(source.path).expanduser()
    try:
        found = layout(root)
    except OSError as error:
        raise DataError(f"The folder cannot be listed: {error.strerror or error}.", where=source.path) from error
    if found is None:
        raise DataError(UNKNOWN, where=source.path, rule="SOURCE_UNKNOWN")
    if found.skipped:
        listed = ", ".join(found.skipped)
        writer.emit(Warned(message=f"These splits are no database, and are left out: {listed}."))
    splits = Splits.of(part.db for part in found.parts)
    with Fetcher(UrlRules.of(writer.settings)) as fetcher, Gatherer(writer) as gatherer:
        taker = Taker(gatherer, ClassIds(), writer.settings, fetcher.get)
        for number, part in enumerate(found.parts):
            if problem := outside(os.fsencode(part.path), writer.settings.data_roots):
                raise problem
            try:
                _read(part.path, splits.db(part.db), found, taker, root, first=number == 0)
            except DataError as error:
                raise DataError(error.message, where=str(part.path), hint=error.hint, rule=error.rule) from error
        read = gatherer.finish()
    inventory = writer.finish(labels=taker.ids.labels(), read=read, rules=Rules(), origin=source.path)
    return with_rules(source, taker.ids.in_order(inventory, writer.scratch), shares=splits.shares(source))


def _read(path: Path, db: int, found: Layout, taker: Taker, root: Path, *, first: bool) -> None:
    table = open_table(path)
    columns = wanted(columns_of(table.columns, found))
    if first:
        taker.ids = ClassIds(columns.names)
    taker.take_rows(table, columns, base=path.parent, called=printable(str(path.relative_to(root))), db=db)
