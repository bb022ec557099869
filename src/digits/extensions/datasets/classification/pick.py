"""Which pictures of an inventory go into which database: classes with too few are left out, shares are dealt class by class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.events import Emit, Warned
from digits.data.inventory import Inventory
from digits.data.reader import Answer
from digits.data.rules import DBS, UNDECIDED
from digits.extensions.datasets.classification.split import split_counts
from digits.extensions.datasets.paths import printable

_TITLES = {"train": "training", "val": "validation", "test": "testing"}
Items = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """One database to be: ``items`` class by class (in the source's order where that is kept), ``order`` as they are written."""

    name: str
    items: Items
    order: Items


@dataclass(frozen=True)
class Picked:
    """What is made of an inventory; items are its numbers, ``classes`` gives each its class id, -1 where it is left out."""

    inventory: Inventory
    labels: list[str]
    classes: NDArray[np.int32]
    parts: dict[str, Part]

    def answer(self, item: int) -> Answer:
        """Return an item's answer as it is written."""
        return int(self.classes[item]) if self.inventory.kind == "class" else self.inventory.answer(item)


def pick(
    inventory: Inventory,
    wanted: tuple[str, ...],
    *,
    seed: int,
    emit: Emit,
    log: Callable[[str], None],
    least_classes: int = 2,
) -> Picked:
    """Choose the classes, and share their pictures out.

    Args:
        inventory: what the source has.
        wanted: the databases that must not stay empty.
        seed: where chance starts.
        emit: told of what is left out.
        log: gets the lines that scripts know.
        least_classes: so many must be usable.

    Raises:
        DataError: too few classes are usable, or a database would be empty.
    """
    picker = _Picker(inventory, default_rng(seed), emit)
    labels, found = picker.keep_all() if inventory.rules.labels_given else picker.choose(least_classes)
    log(f"Found {len(inventory)} images in {len(labels)} categories.")
    parts = {part.name: part for part in found if len(part.items)}
    for name in wanted:
        if name not in parts:
            if inventory.rules.dbs_given and name != "train":
                continue
            raise DataError(
                f"No picture is left for {_TITLES[name]}.", where=printable(inventory.origin), rule="DB_EMPTY"
            )
        log(f"Selected {len(parts[name].items)} for {_TITLES[name]}.")
    return Picked(inventory, labels, picker.classes, parts)


class _Picker:
    def __init__(self, inventory: Inventory, rng: Generator, emit: Emit) -> None:
        self._inventory, self._rules, self._rng, self._emit = inventory, inventory.rules, rng, emit
        self.classes = np.full(len(inventory), -1, np.int32)

    def keep_all(self) -> tuple[list[str], list[Part]]:
        """Take every picture under the class that its source says."""
        self.classes = np.asarray(self._inventory.classes)
        decided = self._all_decided()
        return self._inventory.labels, [
            self._part(name, np.flatnonzero(decided == number)) for number, name in enumerate(DBS)
        ]

    def _all_decided(self) -> NDArray[np.int8]:
        """Return the database of each picture, -1 for one beyond the most of its class: those left undecided are dealt."""
        given, dbs = self._inventory.dbs, np.maximum(self._inventory.dbs, 0)  # what no list claims is for training
        most = self._rules.most.get("train")
        if most is None and not self._rules.pct_val and not self._rules.pct_test:
            return dbs
        for items in _grouped(self._inventory.classes, len(self._inventory.labels)):
            dbs[self._shuffled(items[given[items] == 0])[most or len(items) :]] = -1
            undecided = self._shuffled(items[given[items] == UNDECIDED])
            dbs[undecided] = -1
            train, val, _ = split_counts(len(undecided[:most]), self._rules.pct_val, self._rules.pct_test)
            for number, part in enumerate(np.split(undecided[:most], [train, train + val])):
                dbs[part] = number
        return dbs

    def choose(self, least_classes: int) -> tuple[list[str], list[Part]]:
        """Choose the classes by the pictures for training, deal those that are undecided, and match the others to the classes."""
        by_class = _grouped(self._inventory.classes, len(self._inventory.labels))
        counts = [int(np.count_nonzero(self._inventory.dbs[items] <= 0)) for items in by_class]
        chosen = [old for old, count in enumerate(counts) if self._is_enough("train", old, count)]
        if len(chosen) < least_classes:
            raise self._too_few(counts)
        picked: dict[str, list[Items]] = {name: [] for name in DBS}
        for new, old in enumerate(chosen):
            self.classes[by_class[old]] = new
            for name, items in self._dealt(by_class[old]).items():
                picked[name].append(items)
        self._match(by_class, set(chosen), picked)
        empty = np.empty(0, np.int64)
        parts = [self._part(name, np.concatenate([empty, *picked[name]])) for name in DBS]
        return [self._inventory.labels[old] for old in chosen], parts

    def _dealt(self, items: Items) -> dict[str, Items]:
        """Share out one class's pictures that are undecided, and add those that are for training anyway."""
        dbs = self._inventory.dbs[items]
        undecided = self._shuffled(items[dbs == UNDECIDED])[: self._rules.most.get("train")]
        train, val, _ = split_counts(len(undecided), self._rules.pct_val, self._rules.pct_test)
        shares = dict(zip(DBS, np.split(undecided, [train, train + val]), strict=True))
        given = self._shuffled(items[dbs == 0])
        shares["train"] = np.concatenate([shares["train"], given])[: self._rules.most.get("train")]
        return shares

    def _match(self, by_class: list[Items], chosen: set[int], picked: dict[str, list[Items]]) -> None:
        """Take the pictures that are for validation or testing anyway, of the classes that were chosen."""
        for number, name in enumerate(DBS[1:], start=1):
            for old, all_items in enumerate(by_class):
                items = all_items[self._inventory.dbs[all_items] == number]
                if not len(items):
                    continue
                if old not in chosen:
                    where = f"the folder for {_TITLES[name]}"
                    text = f"Class {self._inventory.labels[old]!r} is in {where} alone, and is left out."
                    self._emit(Warned(message=text))
                elif self._is_enough(name, old, len(items)):
                    picked[name].append(self._shuffled(items)[: self._rules.most.get(name)])
                else:
                    self.classes[items] = -1

    def _is_enough(self, name: str, class_id: int, count: int) -> bool:
        least = self._rules.least.get(name, 1)
        if count < least and (count or name == "train"):
            label = self._inventory.labels[class_id]
            text = f"Class {label!r} is left out for {_TITLES[name]}: {count} pictures, {least} wanted."
            self._emit(Warned(message=text))
        return count >= least

    def _shuffled(self, items: Items) -> Items:
        return self._rng.permutation(items) if self._rules.shuffle else items

    def _part(self, name: str, items: Items) -> Part:
        return Part(name, items, self._shuffled(items))

    def _too_few(self, counts: list[int]) -> DataError:
        labels, least = self._inventory.labels, self._rules.least.get("train", 1)
        listed = ", ".join(f"{label}: {count:,}" for label, count in zip(labels[:20], counts, strict=False))
        return DataError(
            f"A dataset needs two classes of at least {least} pictures; found {listed or 'no sub-folder'}.",
            where=printable(self._inventory.origin),
            hint="The folder holds one sub-folder for each class.",
            rule="TOO_FEW_CLASSES",
        )


def _grouped(classes: NDArray[np.int32], num_classes: int) -> list[Items]:
    """Return the items of each class, in the source's order."""
    order = np.argsort(classes, kind="stable")
    return np.split(order, np.searchsorted(classes[order], np.arange(1, num_classes))) if num_classes else []
