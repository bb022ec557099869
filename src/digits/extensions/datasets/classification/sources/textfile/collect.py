"""Reads the lists of a text file source."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from digits.core.errors import DataError
from digits.core.events import Warned
from digits.data import gather
from digits.data.addresses import is_address
from digits.data.fetch import Fetcher, UrlRules
from digits.data.inventory import Inventory, InventoryWriter
from digits.data.reader import Answer, TargetKind
from digits.data.rules import DBS, Rules
from digits.extensions.datasets.classification.sources.textfile.check import dbs, field_of
from digits.extensions.datasets.classification.sources.textfile.lines import BadLineError, Entry, entries, label_names
from digits.extensions.datasets.classification.sources.textfile.spec import KINDS, TextfileSource
from digits.extensions.datasets.paths import outside, printable


def collect(source: TextfileSource, writer: InventoryWriter) -> Inventory:
    """Read the lists; a line that cannot be used is refused with its number.

    Raises:
        DataError: a file cannot be read, or a list has not one good line.
        StoppedError: asked to stop.
    """
    kind = KINDS[source.label_kind]
    labels = _labels(source, writer)
    writer.ask_for(kind)
    size = len(labels) if labels else None
    with Fetcher(UrlRules.of(writer.settings)) as fetcher, gather.Gatherer(writer) as gatherer:
        for db in dbs(source):
            size = _List(source, db, writer, (gatherer, fetcher), kind, size).read()
        read = gatherer.finish()
    return writer.finish(
        labels=labels or [f"value {number}" for number in range(size or 0)],
        read=read,
        rules=Rules(labels_given=True, shuffle=bool(source.shuffle)),
        origin=getattr(source, field_of(source, "train_images")),
    )


def _labels(source: TextfileSource, writer: InventoryWriter) -> list[str]:
    """Return the names of the classes, or of the numbers where there are any."""
    text = getattr(source, field_of(source, "labels_file"))
    if not text.strip():
        return []
    try:
        labels = label_names(writer.file(text))
    except OSError as error:
        raise DataError(f"The names of the classes cannot be read: {error.strerror or error}.") from error
    if len(set(labels)) < len(labels):
        writer.emit(
            Warned(message="Two classes have one name.", hint="Look at the file with the names of the classes.")
        )
    return labels


class _List:
    """The list for one database; ``size`` classes there are, or numbers in a line (None: as many as the first has)."""

    def __init__(
        self,
        source: TextfileSource,
        db: str,
        writer: InventoryWriter,
        into: tuple[gather.Gatherer, Fetcher],
        kind: TargetKind,
        size: int | None,
    ) -> None:
        self._db, self._number, self._writer, self._kind, self._size = db, DBS.index(db), writer, kind, size
        self._gatherer, self._fetcher = into
        self._path = writer.file(getattr(source, field_of(source, f"{db}_images")))
        folder = getattr(source, f"{db}_folder").strip()
        here = str(self._path.parent) if source.use_local_files else ""
        self._folder = os.fsencode(Path(folder).expanduser()) if folder else os.fsencode(here)

    def read(self) -> int | None:
        """Read it, and return the size."""
        good = 0
        try:
            for entry in entries(self._path, self._kind):
                if isinstance(entry, BadLineError):
                    self._writer.refuse(self._db, entry.text, entry, entry.line)
                elif problem := self._problem(entry):
                    self._writer.refuse(self._db, entry.path, problem, entry.line)
                else:
                    self._take(entry)
                    good += 1
        except OSError as error:
            raise DataError(
                f"The list cannot be read: {error.strerror or error}.", where=printable(self._path.name)
            ) from error
        if not good:
            raise DataError(
                f"No line of the list for {self._db} names a picture and its class.",
                where=printable(self._path.name),
                hint="A line is a path, a blank and the number of a class, from 0; refused.csv says what is wrong with each.",
                rule="LIST_EMPTY",
            )
        return self._size

    def _take(self, entry: Entry) -> None:
        if address := _address(entry):
            found = gather.Entry(entry.path, entry.answer, self._number, entry.line)
            self._gatherer.add_fetched(found, partial(self._fetcher.get, address))
        else:
            self._gatherer.add_file(gather.Entry(self._place(entry.path), entry.answer, self._number, entry.line))

    def _place(self, path: bytes) -> bytes:
        if path.startswith(b"~"):
            path = os.path.expanduser(path)
        return os.path.join(self._folder, path)

    def _problem(self, entry: Entry) -> DataError | None:
        if problem := self._answer_problem(entry.answer):
            return problem
        if _address(entry):
            return None  # whether it may be fetched is told when it is
        place = self._place(entry.path)
        if not os.path.isabs(place):
            return DataError(
                "The path is not absolute.", hint="Name the image folder that goes before it.", rule="PATH_RELATIVE"
            )
        return outside(place, self._writer.settings.data_roots)

    def _answer_problem(self, answer: Answer) -> DataError | None:
        values = (answer,) if isinstance(answer, int) else answer
        if self._kind == "vector":
            self._size = self._size or len(values)
            if len(values) == self._size:
                return None
            return DataError(f"The line has {len(values)} numbers, not {self._size}.", rule="LABEL_COUNT")
        unknown = next((value for value in values if value >= (self._size or 0)), None)
        if unknown is None:
            return None
        return DataError(f"There is no class {unknown}: the labels name {self._size}, from 0.", rule="LABEL_UNKNOWN")


def _address(entry: Entry) -> str:
    """Return the address that stands in the place of a path; empty where none does."""
    text = entry.path.decode("utf-8", "replace")
    return text if is_address(text) else ""
