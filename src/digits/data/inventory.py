"""What a dataset will be made of, before anything is decoded: pictures by number, each with a name, a class and its bytes.

A source (a folder, a list, an archive ...) fills an :class:`InventoryWriter`; what happens afterwards (which classes count, which picture
goes into which database, decoding, writing) is the same for all of them. Columns lie on disk: a million pictures cost no memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.events import Emit, Progress
from digits.core.work import StopCheck, StoppedError, WorkerSettings
from digits.data.columns import ColumnWriter, PathList, PathListWriter, Ragged, RaggedWriter, read_column
from digits.data.images import read_file
from digits.data.reader import Answer, TargetKind
from digits.data.refused import RefusedWriter
from digits.data.rules import PARSE_TASK, UNDECIDED, Rules
from digits.data.stored import StoredPicture

_REPORT_S = 0.5

Read = Callable[[int], bytes]
"""Item number to the bytes of its picture file; called by several threads; raises DataError for an item that cannot be read."""


@dataclass
class Fetches:
    """What a source has fetched, or in a look left where it is."""

    count: int = 0
    """Pictures that a build fetches."""
    done: int = 0
    num_bytes: int = 0
    """Of those that were fetched."""
    seconds: float = 0.0

    def told(self) -> dict[str, float]:
        """Return ``count``, about how many ``bytes`` all of them have, and how many ``seconds`` those take that were left."""
        each = 1 / max(1, self.done)
        left_s = self.seconds * each * (self.count - self.done)
        return {"count": self.count, "bytes": round(self.num_bytes * each * self.count), "seconds": round(left_s, 3)}


@dataclass(frozen=True)
class Inventory:
    """Every picture that a source has; the columns have one row an item."""

    names: PathList
    """How each is called in lists and on pages: its path, its address, its place in an archive."""
    classes: NDArray[np.int32]
    """Index into ``labels``."""
    dbs: NDArray[np.int8]
    """Index into ``DBS``, or ``UNDECIDED``."""
    lines: NDArray[np.int32]
    """The line of the list that names it; 0 where no list does."""
    labels: list[str]
    read: Read
    rules: Rules
    origin: str
    """The source in words, for messages: a folder, a file, an address."""
    kind: TargetKind = "class"
    """What an item's answer is."""
    answers: Ragged | None = None
    """Several class ids ("classes") or numbers ("vector", as many as ``labels``) an item; then ``classes`` says the first, or 0."""

    stored: Callable[[int], StoredPicture | None] = lambda _item: None
    """The record that an item is in another dataset; None for a file."""
    close: Callable[[], None] = lambda: None
    """Lets go of what ``read`` and ``stored`` hold open."""

    def answer(self, item: int) -> Answer:
        """Return an item's answer."""
        return int(self.classes[item]) if self.answers is None else tuple(self.answers[item].tolist())

    def __len__(self) -> int:
        return len(self.classes)


class InventoryWriter:
    """Takes what a source finds, in the source's order; says how far it is, and hears when it is to stop."""

    def __init__(
        self,
        folder: Path,
        scratch: Path,
        refused: RefusedWriter,
        settings: WorkerSettings,
        *,
        emit: Emit = lambda _event: None,
        stop: StopCheck = lambda: False,
        is_look: bool = False,
    ) -> None:
        """Start an empty inventory of one class a picture; see :meth:`ask_for`.

        Args:
            folder: the job's; what was uploaded lies below it.
            scratch: is gone with the build; a source may keep files of its own there.
            refused: where files that cannot be used are written down.
            settings: what the worker was given.
            emit: told about twice a second how many were found.
            stop: asked at each item.
            is_look: nothing will be made of it: of what must be fetched, the first pictures of each class will do.
        """
        self.folder, self.scratch, self.settings = folder, scratch, settings
        self.emit, self.stop, self.is_look = emit, stop, is_look
        self.count = 0
        self.fetches = Fetches()
        self._refused = refused
        self._names = PathListWriter(scratch)
        self._classes = ColumnWriter(scratch / "classes.npy", "<i4")
        self._dbs = ColumnWriter(scratch / "dbs.npy", "|i1")
        self._lines = ColumnWriter(scratch / "lines.npy", "<i4")
        self._kind: TargetKind = "class"
        self._answers: RaggedWriter | None = None
        self._started = self._reported = time.monotonic()

    def ask_for(self, kind: TargetKind) -> None:
        """Take answers of ``kind`` from now on; before the first :meth:`add`."""
        assert not self.count
        self._kind = kind
        if kind != "class":
            self._answers = RaggedWriter(self.scratch / "answers", "<i4" if kind == "classes" else "<f4")

    def part(self, name: str) -> InventoryWriter:
        """Return a writer of an inventory of its own, for what goes into this one afterwards."""
        scratch = self.scratch / name
        return InventoryWriter(self.folder, scratch, self._refused, self.settings, emit=self.emit, stop=self.stop)

    def file(self, text: str) -> Path:
        """Return the file that a field of a spec names: on the server, or one that was uploaded."""
        return self.folder / Path(text).expanduser()

    def add(self, name: bytes, answer: Answer, db: int = UNDECIDED, line: int = 0) -> None:
        """Add one picture with its class id, or what else was asked for; ``line`` is that of the list which names it.

        Raises:
            StoppedError: asked to stop.
        """
        self._names.append(name)
        if self._answers is not None:
            assert isinstance(answer, tuple)
            self._answers.append(answer)
            answer = int(answer[0]) if self._kind == "classes" and answer else 0
        assert isinstance(answer, int)
        self._classes.append(answer)
        self._dbs.append(db)
        self._lines.append(line)
        self.count += 1
        self.tick()

    def refuse(self, db: str, name: bytes, error: DataError, line: int | None = None) -> None:
        """Write down something that is no picture, or cannot be taken; ``line`` is that of the list which named it.

        Raises:
            StoppedError: asked to stop.
        """
        self._refused.add(db, name, error, line)
        self.tick()

    def tick(self) -> None:
        """Say how far it is, when it is time to.

        Raises:
            StoppedError: asked to stop.
        """
        if self.stop():
            raise StoppedError
        now = time.monotonic()
        if now - self._reported >= _REPORT_S:
            self._reported = now
            text, rate = f"Found {self.count:,} pictures", self.count / (now - self._started)
            self.emit(Progress(task=PARSE_TASK, done=self.count, total=0, unit="pictures", text=text, rate=rate))

    def finish(self, *, labels: list[str], read: Callable[[PathList], Read], rules: Rules, origin: str) -> Inventory:
        """Return the inventory.

        Args:
            labels: names of the classes by id.
            read: makes, from the names, what returns an item's bytes.
            rules: how the source wants its pictures to be taken.
            origin: the source in words.
        """
        for column in (self._names, self._classes, self._dbs, self._lines, self._answers):
            if column is not None:
                column.close(durable=False)  # gone with the build
        names = PathList(self.scratch)
        return Inventory(
            names=names,
            classes=read_column(self.scratch / "classes.npy"),
            dbs=read_column(self.scratch / "dbs.npy"),
            lines=read_column(self.scratch / "lines.npy"),
            labels=labels,
            read=read(names),
            rules=rules,
            origin=origin,
            kind=self._kind,
            answers=Ragged(self.scratch / "answers") if self._answers is not None else None,
        )


def read_files(names: PathList) -> Read:
    """Return what reads the files whose paths are the names."""
    return lambda item: read_file(names[item])
