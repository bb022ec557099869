"""Finds the pictures of tar shards, which are read where they lie."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from digits.core.errors import DataError
from digits.data.archive.kinds import kind_of
from digits.data.archive.members import open_archive
from digits.data.gather import Entry, Gatherer
from digits.data.inventory import Inventory, InventoryWriter
from digits.data.rules import Rules
from digits.data.sniff import HEAD_BYTES, sniff
from digits.extensions.datasets.classification.sources.classids import ClassIds, TooManyClassesError
from digits.extensions.datasets.classification.sources.pictures import with_rules
from digits.extensions.datasets.classification.sources.shares import Splits
from digits.extensions.datasets.classification.sources.textfile.lines import label_names
from digits.extensions.datasets.classification.sources.webdataset.samples import class_in, samples
from digits.extensions.datasets.classification.sources.webdataset.shards import Shard, folder_of, shards
from digits.extensions.datasets.classification.sources.webdataset.spec import WebDatasetSource
from digits.extensions.datasets.paths import outside, printable

_NAMES = ("labels.txt", "classnames.txt", "classes.txt")
"""Beside the shards: the names of the classes, the first that of class 0."""


def collect(source: WebDatasetSource, writer: InventoryWriter) -> Inventory:
    """Read the headers of every shard, and the classes; a sample without one, or without a picture, is refused.

    Raises:
        DataError: there is no shard, or one is damaged.
        StoppedError: asked to stop.
    """
    found = shards(source.path)
    splits = Splits.of(shard.db for shard in found)
    ids = ClassIds(_names_beside(folder_of(source.path)))
    with Gatherer(writer) as gatherer:
        for number, shard in enumerate(found):
            if problem := outside(bytes(shard.path), writer.settings.data_roots):
                raise problem
            try:
                _read(
                    replace(shard, db=splits.db(shard.db)), writer.scratch / f"shard-{number:06}", ids, gatherer, writer
                )
            except DataError as error:
                where = printable(str(shard.path))
                raise DataError(error.message, where=where, hint=error.hint, rule=error.rule) from error
        read = gatherer.finish()
    inventory = writer.finish(labels=ids.labels(), read=read, rules=Rules(), origin=source.path)
    return with_rules(source, ids.in_order(inventory, writer.scratch), shares=splits.shares(source))


def _names_beside(folder: Path) -> list[str]:
    if folder.is_file():
        folder = folder.parent
    path = next((folder / name for name in _NAMES if (folder / name).is_file()), None)
    return label_names(path) if path else []


def _read(shard: Shard, scratch: Path, ids: ClassIds, gatherer: Gatherer, writer: InventoryWriter) -> None:
    path = shard.path
    kind = kind_of(path)
    if not kind or kind == "zip":
        raise DataError("This is no tar file.", rule="ARCHIVE_UNKNOWN")
    if kind != "tar":
        scratch.mkdir()
        path = scratch / "archive.tar"
    archive = open_archive(shard.path, scratch, stop=writer.stop)
    file = gatherer.file(path)
    for sample in samples(archive):
        writer.tick()
        picture, label = sample.picture, sample.label
        called = picture.name if picture else sample.key
        entry = Entry(b"%b/%b" % (bytes(shard.path), called), 0, shard.db)
        try:
            if picture is None:
                raise DataError("No picture lies under this key.", rule="IMAGE_MISSING")
            if label is None:
                hint = "Put it into a file of the same key: .cls, .txt or .json."
                raise DataError("No class lies under this key.", hint=hint, rule="LABEL_MISSING")
            if picture.problem:
                raise picture.problem
            sniff(archive.read(picture.place, min(picture.size, HEAD_BYTES)))
            number = ids.of(class_in(archive, label))
        except TooManyClassesError:
            raise
        except DataError as error:
            gatherer.refuse(entry, error)
            continue
        gatherer.add_slice(Entry(entry.name, number, shard.db), file, picture.place, picture.size)
