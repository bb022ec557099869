"""Kinds of answer: one file a kind, which says all that depends on it. The loop and the predictor ask it and name none.

A module here is called as its kind ("class" with an underscore, as Python keeps that word to itself) and holds ``TARGET``.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from digits.core.errors import TrainingError

Cells = Iterable[Sequence[object]]
"""Rows of a table, cell by cell."""


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
        """Return the targets of a batch as the network takes them."""

    def measure(self, outputs: Mapping[str, Tensor], targets: Tensor) -> dict[str, Tensor]:
        """Return the values of a batch that are worth a curve, each a scalar and a mean over the batch; ``targets`` as collated."""

    def predict(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return the answers that the network's outputs stand for, one row a picture."""

    def scores(self, labels: Sequence[str], columns: NDArray[np.int64]) -> Scores:
        """Return what scores a model that knows ``labels``; class or number ``i`` of the targets is its ``columns[i]``."""


def target(kind: str) -> Target:
    """Return the kind of answer called ``kind``: what a reader's ``target_kind`` says.

    Raises:
        TrainingError: nothing is known of such answers.
    """
    name = f"{__name__}.{kind}_" if keyword.iskeyword(kind) else f"{__name__}.{kind}"
    if not kind.isidentifier() or find_spec(name) is None:
        raise TrainingError(f"Networks cannot be trained on answers of kind {kind!r}.")
    found: Target = import_module(name).TARGET
    return found
