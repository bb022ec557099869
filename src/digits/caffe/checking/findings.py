"""One thing that is wrong: where, what, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from digits.caffeproto.place import place
from digits.core.errors import DigitsError


@dataclass(frozen=True)
class Finding:
    """A line of the report."""

    where: str
    """``file:line``."""
    what: str
    hint: str = ""
    is_note: bool = False
    """Good to know; the file is sound for all that."""

    @classmethod
    def of(cls, error: DigitsError, *, file: str) -> Finding:
        """Return what an error says; of the file, where it names no place."""
        return cls(error.where or file, error.message, error.hint)

    def __str__(self) -> str:
        return " ".join(f"{self.where}: {'note: ' * self.is_note}{self.what} {self.hint}".split())


def line_of(text: str, field: str) -> int:
    """Return the first line that sets a field of a solver file; 0 where none does."""
    for number, line in enumerate(text.splitlines(), 1):
        if field and field in {word.strip() for word in line.partition("#")[0].replace("{", ":").split(":")[:-1]}:
            return number
    return 0


def at(path: str, text: str, field: str) -> str:
    """Return ``file:line`` of a field."""
    return place(path, line_of(text, field))
