"""What a worker says while it works: one JSON object a line, appended to ``events.jsonl``.

The file is the only channel out of a worker process. The runner tails it, the store indexes it, and the web page
shows it; none of them reads a worker's stdout to learn a number. Values of curves go to ``metrics/`` (see
``digits.core.metrics``), because there are many of them; the event ``Metric`` carries the newest value alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from digits.core.files import mend


class _Event(BaseModel):
    # A loss that is not a number is said as "NaN", which JSON itself has no word for.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")
    time: float = Field(default_factory=time.time, description="Unix seconds.")


class Progress(_Event):
    """A task of the job moved on; the first one of a task starts it, ``state`` "done" ends it."""

    type: Literal["progress"] = "progress"
    task: str = Field(description="Name of the task, as planned when the job was submitted.")
    title: str = Field(default="", description="What people read, of a task that was not planned.")
    done: float = Field(ge=0, description="Units finished: pictures, epochs.")
    total: float = Field(ge=0, description="Units in all; 0 while unknown.")
    unit: str = ""
    text: str = Field(default="", description="One short line for people: 'Epoch 6.4 of 10'.")
    rate: float | None = Field(default=None, description="Pictures a second.")
    state: Literal["running", "done"] = "running"
    facts: dict[str, Any] = Field(default_factory=dict, description="What the task found: counts, sizes.")


class Metric(_Event):
    """The newest values of the curves; every point stands in ``metrics/``."""

    type: Literal["metric"] = "metric"
    step: int
    epoch: float
    values: dict[str, float] = Field(description="Series name ('loss/train', 'lr') to its newest value.")


class Snapshot(_Event):
    """Weights were written whole."""

    type: Literal["snapshot"] = "snapshot"
    epoch: float
    step: int
    file: str = Field(description="Path below the job folder.")
    bytes: int
    metrics: dict[str, float] = Field(default_factory=dict)


class SnapshotRemoved(_Event):
    """A snapshot is about to go, as no more are to be kept."""

    type: Literal["snapshot_removed"] = "snapshot_removed"
    file: str = Field(description="Path below the job folder.")


class Preview(_Event):
    """A picture to look at was written (the mean image, say)."""

    type: Literal["preview"] = "preview"
    name: str
    file: str


class Warned(_Event):
    """Something a person should know, and the job goes on."""

    type: Literal["warned"] = "warned"
    message: str
    where: str = ""
    hint: str = ""


class Resumed(_Event):
    """A training goes on from a snapshot, or begins again at step 0; later events of the former attempt do not count."""

    type: Literal["resumed"] = "resumed"
    step: int
    attempt: int
    epoch: float = 0.0


class Stopped(_Event):
    """The worker was asked to stop, and stopped in good order."""

    type: Literal["stopped"] = "stopped"
    message: str = ""


class Done(_Event):
    """All work is finished; ``facts`` are what the job's page shows about the result."""

    type: Literal["done"] = "done"
    facts: dict[str, Any] = Field(default_factory=dict)


class Failed(_Event):
    """The worker cannot go on; the words are for people."""

    type: Literal["failed"] = "failed"
    message: str
    where: str = ""
    hint: str = ""
    trace: str = ""


Event = Annotated[
    Progress | Metric | Snapshot | SnapshotRemoved | Preview | Warned | Resumed | Stopped | Done | Failed,
    Field(discriminator="type"),
]
_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


class Emit(Protocol):
    """What a worker's code is given to speak with."""

    def __call__(self, event: Event, /) -> None:
        """Say it."""


class EventWriter:
    """Appends events to a file, each in one write, so that a reader never sees half of two lines."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        os.write(self._fd, mend(self._fd))

    def __call__(self, event: Event, /) -> None:
        """Append ``event`` as one line."""
        os.write(self._fd, event.model_dump_json().encode() + b"\n")

    def close(self) -> None:
        """Force what was written to the disk, and close the file."""
        os.fsync(self._fd)
        os.close(self._fd)


def parse_event(line: bytes | str) -> Event:
    """Return the event of one line.

    Raises:
        pydantic.ValidationError: the line is no event.
    """
    return _ADAPTER.validate_json(line)


def read_events(path: Path, offset: int = 0) -> Iterator[tuple[int, Event]]:
    """Yield each whole event from byte ``offset`` on, with the offset just after it.

    A last line without its newline is still being written: it is left for the next call. A line that is no event
    (a torn write of a killed process) is passed over.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            try:
                event = parse_event(line)
            except ValueError:
                continue
            yield offset, event
