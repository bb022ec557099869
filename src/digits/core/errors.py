"""What went wrong, where, and what to do: the one tree of errors for mistakes a user can make.

``str(error)`` is one line a person can act on: ``where: message Hint.`` ``code`` is a heading of
``docs/errors.md``. A slip of our own is an ``assert``, never one of these.
"""

from __future__ import annotations

from typing import ClassVar


class DigitsError(Exception):
    """A mistake with a place and a remedy.

    Args:
        message: the fact, one sentence.
        where: the place: ``file:line``, a row, a field; empty where there is none.
        hint: what to do about it, one sentence; empty where nothing can be said.
    """

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 400
    trace: str = ""
    """The last lines of a traceback through code of a user's own."""

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.message} {self.hint}".strip()


class SpecError(DigitsError):
    """Fields of a spec do not hold together; ``problems`` maps a field's dotted path to its texts."""

    code = "bad-field"

    def __init__(self, problems: dict[str, list[str]]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, texts in problems.items() for text in texts))
        self.problems = problems


class DataError(DigitsError):
    """A picture, record or list that cannot be used; ``rule`` is its short id (``IMG_TRUNCATED``)."""

    code = "bad-data"

    def __init__(self, message: str, *, where: str = "", hint: str = "", rule: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.rule = rule


class NetworkError(DigitsError):
    """A network definition that cannot be read or built; ``where`` is ``file:line``."""

    code = "bad-network"


class UnknownLayerError(NetworkError):
    """A layer type that no converter is registered for."""

    code = "unknown-layer"


class WeightsError(DigitsError):
    """A weight file that does not fit the network it is loaded into."""

    code = "bad-weights"


class TrainingError(DigitsError):
    """A training that cannot go on: the loss became NaN, or memory ran out."""

    code = "training-failed"


class JobError(DigitsError):
    """A move that the state of a job does not allow."""

    code = "job-state"
    http_status = 403


class NotFoundError(DigitsError):
    """No job, file or page of that name."""

    code = "not-found"
    http_status = 404


class NotOwnerError(DigitsError):
    """The job belongs to somebody else."""

    code = "not-owner"
    http_status = 403


class LoginError(DigitsError):
    """The action needs a name, and none was given."""

    code = "login"
    http_status = 401


class SetupError(DigitsError):
    """The machine is not ready: a port taken, a folder without rights, no disk left."""

    code = "setup"
    http_status = 503
