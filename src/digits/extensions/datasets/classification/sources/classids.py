"""Ids of classes that a source names on the way, by name or by number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from digits.core.errors import DataError
from digits.data.inventory import Inventory

MAX_CLASSES = 100_000
_PIECE = 1 << 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_WHOLE = re.compile(r"-?\d{1,18}(\.0*)?")


class ClassIds:
    """Gives each class an id.

    With names given, a class is one of them or its number, from 0. Without, every class is taken as it turns up, under an id
    that :meth:`in_order` changes at the end.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._given = tuple(names)
        self._ids = {name: number for number, name in reversed(list(enumerate(self._given)))}

    def of(self, value: Any) -> int:
        """Return the id of the class that a row names.

        Raises:
            DataError: it names none (LABEL_MISSING), or none that is known (LABEL_UNKNOWN); a source of too many classes is refused
                as a whole by :class:`TooManyClassesError`.
        """
        name = _name(value)
        found = self._ids.get(name)
        if found is not None:
            return found
        if not name:
            raise DataError("The row names no class.", rule="LABEL_MISSING")
        if not self._given:
            if len(self._ids) >= MAX_CLASSES:
                raise TooManyClassesError
            return self._ids.setdefault(name, len(self._ids))
        if name.isascii() and name.isdecimal() and int(name) < len(self._given):
            return int(name)
        raise DataError(
            f"There is no class {name[:100]!r}: {len(self._given)} are named.",
            hint="A class is one of the names, or its number from 0.",
            rule="LABEL_UNKNOWN",
        )

    def labels(self) -> list[str]:
        """Return the names in the order that datasets have: as given, else by number if all are numbers, else by name."""
        if self._given:
            return list(self._given)
        if all(_WHOLE.fullmatch(name) for name in self._ids):
            return sorted(self._ids, key=lambda name: (int(name), name))
        return sorted(self._ids, key=lambda name: name.encode("utf-8", "surrogateescape"))

    def in_order(self, inventory: Inventory, scratch: Path) -> Inventory:
        """Return ``inventory`` with the ids that :meth:`labels` stand for in the place of those given on the way."""
        if self._given or not len(inventory):
            return inventory
        new = np.empty(len(self._ids), np.int32)
        for number, name in enumerate(self.labels()):
            new[self._ids[name]] = number
        column = np.lib.format.open_memmap(scratch / "ordered.npy", mode="w+", dtype=np.int32, shape=(len(inventory),))
        for start in range(0, len(inventory), _PIECE):
            column[start : start + _PIECE] = new[inventory.classes[start : start + _PIECE]]
        return replace(inventory, classes=column)


class TooManyClassesError(DataError):
    """A column that names no classes was taken for one that does."""

    def __init__(self) -> None:
        super().__init__(
            f"There are more than {MAX_CLASSES:,} classes.",
            hint="Is this the column that names the class of each picture?",
            rule="TOO_MANY_CLASSES",
        )


def _name(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # tables with a blank somewhere hold whole numbers as floats
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str | int | float):
        raise DataError("A class is a name or a number.", rule="LABEL_UNKNOWN")
    text = str(value)
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")  # bytes that were no UTF-8, or half a character of JSON
    return _CONTROL.sub(" ", text).strip()
