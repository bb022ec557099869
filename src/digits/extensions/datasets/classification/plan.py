"""What a dataset of a manifest or a list would take, from its lines alone: pictures, classes, disk, hours and shards.

Lines are counted as they pass: two hundred million take no more memory than two hundred, and nothing is written. What is good or bad is
told by the code that reads the same lines when the dataset is made; whether the files are there and can be decoded only that will tell.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digits.core.errors import DataError
from digits.data.databases import Encoding
from digits.data.example import pace
from digits.data.images import read_file
from digits.data.resize import ResizeMode
from digits.data.rules import DBS, UNDECIDED
from digits.data.tables import BadRow, Table, open_table
from digits.data.tables.text import CsvTable
from digits.extensions.datasets.classification.sources.classids import ClassIds, TooManyClassesError
from digits.extensions.datasets.classification.sources.columns import db_of, wanted
from digits.extensions.datasets.classification.sources.manifest.check import recognise
from digits.extensions.datasets.classification.sources.textfile.lines import BadLineError, entries
from digits.extensions.datasets.paths import printable

RECORD_BYTES = 250
"""A record's key, its rows in the index and in the list, and what its pages leave empty, on average."""
_SHOWN_REFUSED = 20
_SAMPLES = 64
_REPORT_LINES = 100_000
_UNDECIDED = "undecided"
# Of ordinary photos, by benchmarks/records/dataset_photos.json: seconds to decode one, then bytes and seconds for each value that is stored.
_DECODE_S = 1e-3
_USUAL: dict[Encoding, tuple[float, float]] = {"png": (0.53, 6e-9), "jpg": (0.1, 2e-9), "none": (1.0, 1e-9)}


@dataclass(frozen=True)
class Form:
    """What each picture is to become."""

    width: int = 256
    height: int = 256
    channels: int = 3
    mode: ResizeMode = "squash"
    encoding: Encoding = "png"


@dataclass
class Plan:
    """What was counted, and what follows from it."""

    images: int = 0
    classes: int = 0
    dbs: dict[str, int] = field(default_factory=dict)
    smallest: tuple[str, int] = ("", 0)
    largest: tuple[str, int] = ("", 0)
    refused: dict[str, int] = field(default_factory=dict)
    """Lines that cannot be used, by rule."""
    first_refused: list[dict[str, Any]] = field(default_factory=list)
    shards: int = 1
    picture_bytes: float = 0.0
    picture_s: float = 0.0
    measured: int = 0
    """Pictures that the two were measured on; 0 where none lies on this machine, and they are those of ordinary photos."""
    bytes: int = 0
    hours: float = 0.0
    seconds: float = 0.0
    """What planning took."""


def make_plan(
    path: Path,
    form: Form,
    *,
    num_threads: int,
    shard_above: int,
    shard_images: int,
    progress: Callable[[int], None] = lambda _lines: None,
) -> Plan:
    """Read the manifest or list at ``path`` through.

    Args:
        path: a table with columns for picture and class, or ``path label`` lines.
        form: what the pictures are to become.
        num_threads: decoding threads that the dataset will be made with.
        shard_above: larger databases are made in shards ...
        shard_images: ... of so many pictures.
        progress: told the number of lines now and then.

    Raises:
        DataError: it is neither, or has not one good line.
        OSError: it cannot be read.
    """
    started, plan, tally = time.monotonic(), Plan(), _Tally()
    for lines in tally.read(path):
        progress(lines)
    if not tally.counts:
        raise DataError("Not one line names a picture and its class.", where=path.name, rule="LIST_EMPTY")
    _count(plan, tally.counts)
    plan.refused, plan.first_refused = dict(tally.refused.most_common()), tally.first_refused
    is_sharded = plan.images > shard_above
    plan.shards = sum(-(-count // shard_images) for count in plan.dbs.values()) if is_sharded else len(plan.dbs)
    _estimate(plan, form, tally.samples, path.parent, num_threads)
    plan.seconds = round(time.monotonic() - started, 3)
    return plan


class _Tally:
    """Counts lines by class and database."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.refused: Counter[str] = Counter()
        self.first_refused: list[dict[str, Any]] = []
        self.samples: list[str] = []
        self._lines = 0

    def read(self, path: Path) -> Iterator[int]:
        """Read all lines, and yield now and then how many there were."""
        told = 0
        for _ in self._table(open_table(path)) if recognise(path) else self._list(path):
            if self._lines >= told + _REPORT_LINES:
                told = self._lines
                yield told

    def _list(self, path: Path) -> Iterator[None]:
        for entry in entries(path):
            if isinstance(entry, BadLineError):
                self._refuse(entry, entry.where)
            else:
                self._take(os.fsdecode(entry.path), str(entry.answer), _UNDECIDED)
            yield

    def _table(self, table: Table) -> Iterator[None]:
        columns = wanted(table.columns)
        known, dbs = ClassIds(columns.names), _Dbs()
        rows = table.tallies(columns.columns) if isinstance(table, CsvTable) else table.rows(columns.columns)
        for row in rows:
            if isinstance(row, Counter):
                where = f"lines {self._lines:,} to {self._lines + row.total():,}"
                for values, count in row.items():
                    self._row(("", *values), known, dbs, where, count)
            elif isinstance(row, BadRow):
                self._refuse(row.error, f"line {row.line}")
            else:
                picture = row.values[0]
                is_named = picture.strip() if isinstance(picture, str) else isinstance(picture, (bytes, dict))
                self._row(row.values if is_named else (None, *row.values[1:]), known, dbs, f"line {row.line}", 1)
            yield

    def _row(self, values: tuple[Any, ...], known: ClassIds, dbs: _Dbs, where: str, count: int) -> None:
        picture, label, *split = values
        try:
            known.of(label)
            db = dbs[split[0]] if split else _UNDECIDED
            if picture is None:
                raise DataError("The row names no picture.", rule="IMAGE_MISSING")
        except TooManyClassesError:
            raise
        except DataError as error:
            self._refuse(error, where, count)
        else:
            self._take(picture if isinstance(picture, str) else "", str(label).strip(), db, count)

    def _take(self, picture: str, label: str, db: str, count: int = 1) -> None:
        self._lines += count
        self.counts[label, db] += count
        if picture and len(self.samples) < _SAMPLES:
            self.samples.append(picture)

    def _refuse(self, error: DataError, where: str, count: int = 1) -> None:
        self._lines += count
        self.refused[error.rule] += count
        if len(self.first_refused) < _SHOWN_REFUSED:
            self.first_refused.append({"where": where, "rule": error.rule, "reason": error.message})


class _Dbs(dict[Any, str]):
    """Names of databases by what a row says; there are few, and each is told once."""

    def __missing__(self, value: Any) -> str:
        number = db_of(value)
        self[value] = name = _UNDECIDED if number == UNDECIDED else DBS[number]
        return name


def _count(plan: Plan, counts: Counter[tuple[str, str]]) -> None:
    classes: Counter[str] = Counter()
    for (label, db), count in counts.items():
        classes[label] += count
        plan.dbs[db] = plan.dbs.get(db, 0) + count
    by_size = classes.most_common()
    plan.images, plan.classes = classes.total(), len(classes)
    plan.largest, plan.smallest = by_size[0], by_size[-1]


def _estimate(plan: Plan, form: Form, samples: list[str], folder: Path, num_threads: int) -> None:
    """Measure those of the first pictures that lie here; else take what ordinary photos take on one core."""
    measured = pace(
        [data for name in samples if (data := _read(folder, name))],
        width=form.width, height=form.height, channels=form.channels, mode=form.mode, encoding=form.encoding,
    )  # fmt: skip
    usual_bytes, usual_s = _USUAL[form.encoding]
    values = form.width * form.height * form.channels
    plan.measured = measured.get("measured", 0)
    plan.picture_bytes = measured.get("picture_bytes", usual_bytes * values)
    plan.picture_s = measured.get("picture_s", _DECODE_S + usual_s * values)
    plan.bytes = round(plan.images * (plan.picture_bytes + RECORD_BYTES))
    plan.hours = plan.images * plan.picture_s / num_threads / 3600


def _read(folder: Path, name: str) -> bytes:
    """Return a picture that lies on this machine; nothing for one that does not."""
    if not name or "://" in name:
        return b""
    try:
        return read_file(folder / Path(name).expanduser())
    except (DataError, ValueError, RuntimeError):
        return b""


def as_json(plan: Plan) -> dict[str, Any]:
    """Return a plan for programs."""
    facts = dict(plan.__dict__)
    for name in ("smallest", "largest"):
        label, count = facts[name]
        facts[f"{name}_class"] = {"label": printable(label), "count": count}
        del facts[name]
    return facts
