"""Kinds of answer: one file a kind, which says all that depends on it. The loop and the predictor ask it and name none.

A module here is called as its kind ("class" with an underscore, as Python keeps that word to itself) and holds ``make``, which takes
``Answers`` and returns the kind's ``Target``. A kind of your own may say how its answers move with the pixels of a picture (``move``)
and count something over a whole validation (``tally``).
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.core.errors import TrainingError
from digits.training.geometry import Moves

Move = Callable[[Tensor, Moves], Tensor]

Cells = Iterable[Sequence[object]]
"""Rows of a table, cell by cell."""


@dataclass(frozen=True)
class Answers:
    """What a dataset says about its answers."""

    labels: tuple[str, ...] = ()
    """Names of the classes, or of the numbers."""
    ignore_label: int | None = None
    """Of masks: the value of pixels that have no class."""
    rgb: bool = False
    """Of pictures: the network sees colours as red, green, blue; else the other way around."""
    means: tuple[float, ...] = ()
    """Of numbers: the mean of each in training; empty where it is not known."""

    @classmethod
    def of(cls, facts: Mapping[str, Any], *, rgb: bool = False) -> Answers:
        """Return what ``dataset.json`` says."""
        means = tuple(float(each["mean"]) for each in facts.get("numbers") or ())
        return cls(tuple(facts["labels"]), facts.get("ignore_label"), rgb, means)


class Tally(Protocol):
    """Counts over a whole validation, on the device, what no mean over batches gives; of one attempt at it."""

    @property
    def counts(self) -> Sequence[Tensor]:
        """What was counted so far: where several processes measure together, it is replaced by the sum over all of them."""

    def add(self, outputs: Mapping[str, Tensor], targets: Tensor) -> None:
        """Take the network's outputs for a batch; ``targets`` as the network has them."""

    def result(self) -> dict[str, float]:
        """Return the measures by name: each is a curve of the validation."""


class Scores(Protocol):
    """Gathers what answers say about a model, a batch at a time."""

    columns: tuple[str, ...]
    """Heads of the table of answers."""

    def add(self, answers: NDArray[Any], targets: NDArray[Any]) -> tuple[NDArray[Any], Cells]:
        """Take the answers to a batch (as ``Target.predict`` gives them) and what was right (as a reader's ``targets``).

        Returns:
            What is kept of each record (``digits.scoring.kept``), and its cells of the table.
        """

    def result(self) -> dict[str, Any]:
        """Return ``metrics``, ``per_class``, ``confusion`` and, of probabilities, ``calibration``, as JSON; the answers so far."""


class Target(Protocol):
    """What a kind of answer knows to do."""

    def collate(self, targets: NDArray[Any]) -> Tensor:
        """Return the targets of a batch as the network takes them; bytes become floats once they are on the device."""

    @property
    def unit(self) -> float:
        """What a byte of collated targets is worth to the network: 1 for ids of classes."""

    @property
    def move(self) -> Move | None:
        """What moves collated targets with the pixels of their pictures; None for answers that have no places in them."""

    def measure(self, outputs: Mapping[str, Tensor], targets: Tensor) -> dict[str, Tensor]:
        """Return the values of a batch that are worth a curve, each a scalar and a mean over the batch; ``targets`` as collated."""

    def tally(self, device: torch.device) -> Tally | None:
        """Return what counts over a whole validation; None for a kind whose means over batches say it all."""

    def predict(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return the answers that the network's outputs stand for, one row a picture."""

    def scores(self, labels: Sequence[str], columns: NDArray[np.int64]) -> Scores:
        """Return what scores a model that knows ``labels``; class or number ``i`` of the targets is its ``columns[i]``."""


def target(kind: str, answers: Answers = Answers()) -> Target:
    """Return the kind of answer called ``kind``: what a reader's ``target_kind`` says.

    Raises:
        TrainingError: nothing is known of such answers.
    """
    name = f"{__name__}.{kind}_" if keyword.iskeyword(kind) else f"{__name__}.{kind}"
    if not kind.isidentifier() or find_spec(name) is None:
        raise TrainingError(f"Networks cannot be trained on answers of kind {kind!r}.")
    found: Target = import_module(name).make(answers)
    return found
