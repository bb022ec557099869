"""How a process is started, found again, asked and stopped: one protocol for a laptop and for a cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True)
class Command:
    """What to run: ``python -m digits.workers.<worker> <folder>`` with these resources."""

    worker: str
    folder: Path
    gpus: tuple[int, ...] = ()
    num_threads: int = 1
    arguments: tuple[str, ...] = ()
    output: Path | None = None
    """Where what it prints goes: ``output.log`` in the folder when None."""
    environment: dict[str, str] = field(default_factory=dict)
    python: str = ""
    """The interpreter; the runner's own when empty."""


class Handle(BaseModel):
    """Finds a process again after the runner has gone; kept in the store."""

    model_config = ConfigDict(frozen=True)
    pid: int
    created: str
    """Its start, as ``digits.core.platform.process_start`` tells it: a pid that was given away again is not adopted."""
    gpus: tuple[int, ...] = ()


@dataclass(frozen=True)
class Status:
    """How a process ended; ``code`` is None where it cannot be known (an adopted one)."""

    code: int | None


class Executor(Protocol):
    """Starts worker processes that outlive the one who started them."""

    def start(self, command: Command) -> Handle | None:
        """Start it in a session of its own, or return None where there is no room now."""

    def adopt(self, handle: Handle) -> bool:
        """Take over a process that another runner started; False if it is gone."""

    def poll(self, handle: Handle) -> Status | None:
        """Return how it ended, or None while it lives; a zombie counts as ended. How is told once."""

    def stop(self, handle: Handle, grace_s: float) -> None:
        """Ask it to stop now, and kill it ``grace_s`` seconds later; does not wait."""
