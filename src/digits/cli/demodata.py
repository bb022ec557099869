"""The demo's pictures: MNIST, or digits drawn in its place, as class folders below the root, written once."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from digits.cli.waiting import step
from digits.core.files import read_json, write_json
from digits.core.settings import Settings
from digits.download.folders import write_class_folders
from digits.download.mnist import MNIST, Fetched, fetch_mnist

DONE = "complete.json"


@dataclass(frozen=True)
class Prepared:
    """Class folders on the disk."""

    folder: str
    name: str
    origin: str
    is_drawn: bool

    @property
    def train_folder(self) -> Path:
        """One sub-folder a digit, for training and validation."""
        return Path(self.folder) / "train"

    @property
    def test_folder(self) -> Path:
        """The same for the test."""
        return Path(self.folder) / "test"

    @property
    def test_list(self) -> Path:
        """Lines ``path label`` of the test digits."""
        return self.test_folder / "test.txt"


def prepare(settings: Settings, mnist: Path | None, *, limit: int | None) -> Prepared:
    """Return the class folders, of the first ``limit`` training pictures; they are written where they are not there yet.

    Raises:
        DigitsError: ``mnist`` does not hold the set, or the disk is full.
    """
    kept = settings.cache / ("mnist-png" if limit is None else f"mnist-png-{limit}")
    known = _known(kept)
    if known and mnist is None and not known.is_drawn:
        with step("Getting MNIST") as at:
            at.result = f"the pictures in {kept}"
        return known
    with step("Getting MNIST") as at:
        fetched = fetch_mnist(MNIST, cache=settings.cache, folder=mnist, say=at.say)
        at.result = fetched.origin
    return _write(kept, fetched, limit)


def _known(kept: Path) -> Prepared | None:
    try:
        return Prepared(**read_json(kept / DONE))
    except (OSError, ValueError, TypeError):
        return None


def _write(kept: Path, fetched: Fetched, limit: int | None) -> Prepared:
    with step("Writing the pictures") as at:
        shutil.rmtree(kept, ignore_errors=True)
        train, test = fetched.train.first(limit).inverted(), fetched.test.inverted()
        total = len(train) + len(test)
        write_class_folders(
            train, kept, "train", labels=fetched.labels, progress=lambda done, _: at.update(done, total)
        )
        write_class_folders(
            test, kept, "test", labels=fetched.labels, progress=lambda done, _: at.update(len(train) + done, total)
        )
        at.result = f"{len(train):,} + {len(test):,} PNG files in {kept}"
    name = "drawn digits" if fetched.is_drawn else "MNIST"
    prepared = Prepared(str(kept), name, fetched.origin, fetched.is_drawn)
    write_json(kept / DONE, asdict(prepared))
    return prepared
