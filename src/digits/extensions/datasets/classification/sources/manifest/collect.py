"""Reads the rows of a manifest."""

from __future__ import annotations

from digits.core.errors import DataError
from digits.data.fetch import Fetcher, UrlRules
from digits.data.gather import Gatherer
from digits.data.inventory import Inventory, InventoryWriter
from digits.data.rules import Rules
from digits.data.tables import open_table
from digits.extensions.datasets.classification.sources.classids import ClassIds
from digits.extensions.datasets.classification.sources.columns import wanted
from digits.extensions.datasets.classification.sources.manifest.spec import ManifestSource
from digits.extensions.datasets.classification.sources.pictures import Taker, with_rules
from digits.extensions.datasets.classification.sources.textfile.lines import label_names
from digits.extensions.datasets.paths import printable


def collect(source: ManifestSource, writer: InventoryWriter) -> Inventory:
    """Read the table row by row; a row that cannot be used is refused with its line.

    Raises:
        DataError: it is no table, is damaged, or has no columns for picture and class.
        StoppedError: asked to stop.
    """
    path = writer.file(source.file or source.path)
    where = "the manifest" if source.file else printable(path.name)
    names = _names(source, writer)
    try:
        table = open_table(path)
        columns = wanted(table.columns)
        ids = ClassIds(names or columns.names)
        with Fetcher(UrlRules.of(writer.settings)) as fetcher, Gatherer(writer) as gatherer:
            taker = Taker(gatherer, ids, writer.settings, fetcher.get)
            taker.take_rows(table, columns, base=None if source.file else path.parent, called=where)
            read = gatherer.finish()
    except DataError as error:
        raise DataError(error.message, where=where, hint=error.hint, rule=error.rule) from error
    inventory = writer.finish(labels=ids.labels(), read=read, rules=Rules(), origin=where)
    return with_rules(source, ids.in_order(inventory, writer.scratch), labels_given=bool(names))


def _names(source: ManifestSource, writer: InventoryWriter) -> list[str]:
    text = source.labels_file or source.labels_path
    if not text:
        return []
    try:
        return label_names(writer.file(text))
    except OSError as error:
        raise DataError(f"The names of the classes cannot be read: {error.strerror or error}.") from error
