"""From folders to lists: which pictures of which classes go into which database."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.events import Emit, Progress, Warned
from digits.core.work import StopCheck, StoppedError
from digits.data.columns import PathList, PathListWriter
from digits.data.refused import RefusedWriter
from digits.extensions.datasets.classification.check import shares, wanted_dbs
from digits.extensions.datasets.classification.scan import ClassFolder, class_folders, walk
from digits.extensions.datasets.classification.spec import FolderSource
from digits.extensions.datasets.classification.split import num_sets, split_counts

TASK = "parse_folder"
_REPORT_S = 0.5
_TITLES = {"train": "training", "val": "validation", "test": "testing"}


@dataclass(frozen=True)
class Part:
    """One database to be: ``items`` class by class, ``order`` the same ones shuffled."""

    name: str
    items: NDArray[np.int64]
    order: NDArray[np.int64]


@dataclass(frozen=True)
class Parsed:
    """What the folders hold; items are indices into ``paths`` and ``classes`` (class ids)."""

    labels: list[str]
    paths: PathList
    classes: NDArray[np.int32]
    parts: dict[str, Part]


@dataclass
class _Scanned:
    """One root: its classes with the range of items that each has."""

    folders: list[ClassFolder]
    ranges: list[range] = field(default_factory=list)


def parse(
    source: FolderSource,
    scratch: Path,
    *,
    seed: int,
    refused: RefusedWriter,
    log: Callable[[str], None],
    emit: Emit,
    stop: StopCheck,
) -> Parsed:
    """Scan the folders of ``source``, choose the classes, and split; the list of paths stays in ``scratch``.

    Raises:
        DataError: a folder cannot be listed, or fewer than two classes are usable.
        StoppedError: asked to stop.
    """
    roots = {"train": source.train}
    if source.has_val_folder:
        roots["val"] = source.val
    if source.has_test_folder:
        roots["test"] = source.test
    writer = PathListWriter(scratch)
    scanner = _Scanner(writer, refused, emit, stop)
    scanned = {name: scanner.scan(name, Path(root).expanduser()) for name, root in roots.items()}
    writer.close(durable=False)  # gone with the build

    picker = _Picker(source, scanner.count, default_rng(seed), emit)
    labels = picker.pick_training(scanned["train"])
    for name in ("val", "test"):
        if name in scanned:
            picker.pick_matching(name, scanned[name])
    log(f"Found {scanner.count} images in {len(labels)} categories.")
    parts = {part.name: part for part in map(picker.part, _TITLES) if len(part.items)}
    for name in wanted_dbs(source):
        if name not in parts:
            raise DataError(
                f"No picture is left for {_TITLES[name]}.",
                where=_printable(roots.get(name, source.train)),
                rule="DB_EMPTY",
            )
        log(f"Selected {len(parts[name].items)} for {_TITLES[name]}.")
    return Parsed(labels, PathList(scratch), picker.classes, parts)


class _Picker:
    """Chooses classes and pictures; ``classes`` gives each item its class id, -1 where it is left out."""

    def __init__(self, source: FolderSource, num_items: int, rng: Generator, emit: Emit) -> None:
        self._source, self._rng, self._emit = source, rng, emit
        self._ids: dict[bytes, int] = {}
        self._picked: dict[str, list[NDArray[np.int64]]] = {name: [] for name in _TITLES}
        self.classes = np.full(num_items, -1, np.int32)

    def pick_training(self, scanned: _Scanned) -> list[str]:
        """Choose the classes, split each one's pictures, and return the labels."""
        pct_val, pct_test = shares(self._source)
        least = max(self._source.train_min_per_class or 1, num_sets(pct_val, pct_test))
        chosen = self._usable(scanned, least, "train")
        if len(chosen) < 2:
            raise _too_few(scanned, least, self._source.train)
        for class_id, (folder, items) in enumerate(chosen):
            self._ids[folder.name] = class_id
            shuffled = self._shuffled(items, class_id, self._source.train_max_per_class)
            train, val, _ = split_counts(len(shuffled), pct_val, pct_test)
            for name, part in zip(_TITLES, np.split(shuffled, [train, train + val]), strict=True):
                self._picked[name].append(part)
        return [folder.label for folder, _ in chosen]

    def pick_matching(self, name: str, scanned: _Scanned) -> None:
        """Take the pictures of a folder of their own, whose classes are matched by name."""
        least, most = (getattr(self._source, f"{name}_{bound}_per_class") for bound in ("min", "max"))
        for folder, items in self._usable(scanned, least or 1, name):
            if folder.name in self._ids:
                self._picked[name].append(self._shuffled(items, self._ids[folder.name], most))
            else:
                where = f"the folder for {_TITLES[name]}"
                self._emit(Warned(message=f"Class {folder.label!r} is in {where} alone, and is left out."))

    def part(self, name: str) -> Part:
        """Return what was picked for database ``name``."""
        items = np.concatenate([np.empty(0, np.int64), *self._picked[name]])
        return Part(name, items, self._rng.permutation(items))

    def _usable(self, scanned: _Scanned, least: int, name: str) -> list[tuple[ClassFolder, range]]:
        """Return the classes with at least ``least`` pictures, and warn of the others."""
        chosen = []
        for folder, items in zip(scanned.folders, scanned.ranges, strict=True):
            if len(items) >= least:
                chosen.append((folder, items))
                continue
            text = f"Class {folder.label!r} is left out for {_TITLES[name]}: {len(items)} pictures, {least} wanted."
            self._emit(Warned(message=text))
        return chosen

    def _shuffled(self, items: range, class_id: int, most: int | None) -> NDArray[np.int64]:
        self.classes[items.start : items.stop] = class_id
        return self._rng.permutation(np.arange(items.start, items.stop))[:most]


class _Scanner:
    """Walks roots one after another into one list of paths."""

    def __init__(self, writer: PathListWriter, refused: RefusedWriter, emit: Emit, stop: StopCheck) -> None:
        self._writer, self._refused, self._emit, self._stop = writer, refused, emit, stop
        self.count = 0
        self._started = self._reported = time.monotonic()

    def scan(self, name: str, root: Path) -> _Scanned:
        path = os.fsencode(root)
        try:
            folders = class_folders(path, lambda link, error: self._refused.add(name, link, error))
        except OSError as error:
            raise DataError(
                f"The folder cannot be listed: {error.strerror or error}.", where=_printable(str(root))
            ) from error
        scanned = _Scanned(folders)
        for folder in folders:
            first = self.count
            for found in walk(path, folder.path):
                if isinstance(found, bytes):
                    self._writer.append(found)
                    self.count += 1
                else:
                    self._refused.add(name, *found)
                self._tick()
            scanned.ranges.append(range(first, self.count))
        return scanned

    def _tick(self) -> None:
        if self._stop():
            raise StoppedError
        now = time.monotonic()
        if now - self._reported >= _REPORT_S:
            self._reported = now
            text, rate = f"Found {self.count:,} pictures", self.count / (now - self._started)
            self._emit(Progress(task=TASK, done=self.count, total=0, unit="pictures", text=text, rate=rate))


def _too_few(scanned: _Scanned, least: int, root: str) -> DataError:
    counts = ", ".join(
        f"{folder.label}: {len(items):,}" for folder, items in zip(scanned.folders[:20], scanned.ranges, strict=False)
    )
    return DataError(
        f"A dataset needs two classes of at least {least} pictures; found {counts or 'no sub-folder'}.",
        where=_printable(root),
        hint="The folder holds one sub-folder for each class.",
        rule="TOO_FEW_CLASSES",
    )


def _printable(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "replace")
