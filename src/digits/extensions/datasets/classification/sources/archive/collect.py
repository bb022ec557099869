"""Finds the pictures of an archive."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from digits.core.errors import DataError
from digits.core.work import StoppedError
from digits.data.archive.members import Archive, Member, open_archive
from digits.data.columns import ColumnWriter, read_column
from digits.data.inventory import Inventory, InventoryWriter, Read
from digits.data.rules import Rules
from digits.data.sniff import HEAD_BYTES, sniff
from digits.extensions.datasets.classification.scan import label_names
from digits.extensions.datasets.classification.sources.archive.layout import Layout, is_junk, layout_of
from digits.extensions.datasets.classification.sources.archive.spec import ArchiveSource
from digits.extensions.datasets.classification.sources.pictures import with_rules
from digits.extensions.datasets.classification.sources.shares import Splits
from digits.extensions.datasets.paths import printable


def collect(source: ArchiveSource, writer: InventoryWriter) -> Inventory:
    """Read the headers of an archive twice: for its folders, then for its pictures.

    Raises:
        DataError: it is no archive, or a damaged one.
        StoppedError: asked to stop.
    """
    path = writer.file(source.file or source.path)
    where = printable(path.name) if source.path else "the archive"
    try:
        archive = open_archive(path, writer.scratch, stop=writer.stop)
        members = _heeding(archive, writer)
        layout = layout_of(member.parts for member in members if not member.problem)
        names = sorted({place[0] for member in _heeding(archive, writer) if (place := _place(layout, member))})
        places = _take(archive, layout, {name: number for number, name in enumerate(names)}, writer)
    except DataError as error:
        raise DataError(error.message, where=where, hint=error.hint, rule=error.rule) from error
    inventory = writer.finish(labels=label_names(names), read=lambda _: places, rules=Rules(), origin=where)
    return with_rules(source, inventory, shares=Splits.of(layout.dbs).shares(source))


def _heeding(archive: Archive, writer: InventoryWriter) -> Iterator[Member]:
    for member in archive.members():
        if writer.stop():
            raise StoppedError
        yield member


def _place(layout: Layout, member: Member) -> tuple[bytes, int] | None:
    if member.problem or is_junk(member.parts) or b".." in member.parts:
        return None
    return layout.place(member.parts)


def _take(archive: Archive, layout: Layout, ids: dict[bytes, int], writer: InventoryWriter) -> Read:
    """Add every picture to the inventory, and return what reads it."""
    offsets = ColumnWriter(writer.scratch / "places.npy", "<i8")
    sizes = ColumnWriter(writer.scratch / "sizes.npy", "<i8")
    seen: set[bytes] = set()
    splits = Splits.of(layout.dbs)
    for member in archive.members():
        found = _place(layout, member)
        problem = member.problem or _problem(archive, member, found, seen)
        if problem or not found:
            writer.refuse("", member.name, problem or _no_class(member))
            continue
        name, db = found
        writer.add(member.name, ids[name], splits.db(db))
        offsets.append(member.place)
        sizes.append(member.size)
    for column in (offsets, sizes):
        column.close(durable=False)
    places, lengths = read_column(writer.scratch / "places.npy"), read_column(writer.scratch / "sizes.npy")
    return lambda item: archive.read(int(places[item]), int(lengths[item]))


def _problem(archive: Archive, member: Member, found: tuple[bytes, int] | None, seen: set[bytes]) -> DataError | None:
    if b".." in member.parts:
        return DataError("The name leads out of the archive.", rule="ARCHIVE_PATH")
    try:
        sniff(archive.read(member.place, min(member.size, HEAD_BYTES)))
    except DataError as error:
        return error
    if found is None:
        return None
    key = hashlib.blake2b(member.name, digest_size=8).digest()
    if key in seen:
        return DataError("The archive holds another file of this name.", rule="ARCHIVE_DOUBLE")
    seen.add(key)
    return None


def _no_class(member: Member) -> DataError:
    if is_junk(member.parts):
        return DataError("It is hidden, as what systems keep for themselves is.", rule="HIDDEN")
    return DataError("It lies in no class folder.", hint="Pictures lie in one folder for each class.", rule="NO_CLASS")
