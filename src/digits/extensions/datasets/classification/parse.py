"""From folders to lists: which pictures of which classes go into which database."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.events import Emit, Progress, Warned
from digits.core.work import StopCheck, StoppedError
from digits.data.columns import PathList, PathListWriter
from digits.data.refused import RefusedWriter
from digits.extensions.datasets.classification.check import shares
from digits.extensions.datasets.classification.scan import ClassFolder, class_folders, walk
from digits.extensions.datasets.classification.spec import FolderSource
from digits.extensions.datasets.classification.split import num_sets, split_counts

TASK = "parse_folder"
_REPORT_S = 0.5


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
    pct_val, pct_test = shares(source)
    roots = {"train": source.train}
    if source.has_val_folder:
        roots["val"] = source.val
    if source.has_test_folder:
        roots["test"] = source.test
    writer = PathListWriter(scratch)
    scanner = _Scanner(writer, refused, emit, stop)
    scanned = {name: scanner.scan(name, Path(root).expanduser()) for name, root in roots.items()}
    writer.close()

    rng = np.random.default_rng(seed)
    least = max(source.train_min_per_class or 1, num_sets(pct_val, pct_test))
    chosen = _usable(scanned["train"], least, "training", emit)
    if len(chosen) < 2:
        raise _too_few(scanned["train"], least, str(source.train))
    classes = np.full(scanner.count, -1, np.int32)
    picked: dict[str, list[NDArray[np.int64]]] = {"train": [], "val": [], "test": []}
    for class_id, (_, items) in enumerate(chosen):
        classes[items.start : items.stop] = class_id
        shuffled = _shuffled(items, source.train_max_per_class, rng)
        train, val, _ = split_counts(len(shuffled), pct_val, pct_test)
        for name, part in zip(picked, np.split(shuffled, [train, train + val]), strict=True):
            picked[name].append(part)
    ids = {folder.name: class_id for class_id, (folder, _) in enumerate(chosen)}
    for name, title in (("val", "validation"), ("test", "testing")):
        if name not in scanned:
            continue
        least = getattr(source, f"{name}_min_per_class") or 1
        for folder, items in _usable(scanned[name], least, title, emit):
            if folder.name not in ids:
                emit(Warned(message=f"Class {folder.label!r} is in the folder for {title} alone, and is left out."))
                continue
            classes[items.start : items.stop] = ids[folder.name]
            picked[name].append(_shuffled(items, getattr(source, f"{name}_max_per_class"), rng))

    log(f"Found {scanner.count} images in {len(chosen)} categories.")
    parts = {}
    for name, title in (("train", "training"), ("val", "validation"), ("test", "testing")):
        items_ = np.concatenate(picked[name]) if picked[name] else np.empty(0, np.int64)
        if len(items_):
            parts[name] = Part(name, items_, rng.permutation(items_))
            log(f"Selected {len(items_)} for {title}.")
        elif name in scanned:
            raise DataError(f"No picture is left for {title}.", where=_printable(roots[name]), rule="DB_EMPTY")
    return Parsed([folder.label for folder, _ in chosen], PathList(scratch), classes, parts)


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
            self._emit(
                Progress(
                    task=TASK, done=self.count, total=0, unit="pictures", text=f"Found {self.count:,} pictures",
                    rate=self.count / (now - self._started),
                )
            )  # fmt: skip


def _usable(scanned: _Scanned, least: int, title: str, emit: Emit) -> list[tuple[ClassFolder, range]]:
    """Return the classes with at least ``least`` pictures, and warn of the others."""
    chosen = []
    for folder, items in zip(scanned.folders, scanned.ranges, strict=True):
        if len(items) >= least:
            chosen.append((folder, items))
        else:
            emit(
                Warned(
                    message=f"Class {folder.label!r} is left out for {title}: {len(items)} pictures, {least} wanted."
                )
            )
    return chosen


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


def _shuffled(items: range, most: int | None, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.permutation(np.arange(items.start, items.stop))[:most]


def _printable(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "replace")
