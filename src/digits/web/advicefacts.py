"""What the rules of ``advice`` look at, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from digits.web.diagnosis import History

LEAST_POINTS = 20
"""Of the training loss: fewer say nothing."""


@dataclass(frozen=True)
class Boxes:
    """What is known of the boxes that a network learns."""

    train: Sequence[int]
    """Training boxes of each class."""
    val: int
    """Validation boxes."""
    edges: Sequence[int]
    """Lower edges of the classes of ``sizes``, px."""
    sizes: Sequence[int]
    """Training boxes by the root of their area."""
    cell_px: int = 0
    """The side of a cell of the network's grid; 0 where that is not known."""


@dataclass(frozen=True)
class Training:
    """A training as it was asked for, with what it has shown and what it learns from."""

    history: History
    spec: Mapping[str, Any] = field(default_factory=dict)
    """Nested, as in ``job.json``."""
    is_done: bool = False
    """It came to the end that was asked for."""
    train_counts: Sequence[int] = ()
    """Training pictures of each class."""
    train_pixels: Sequence[int] = ()
    """Training pixels of each class, of a dataset of masks."""
    picture: tuple[int, int, int] = (0, 0, 0)
    """Height, width and channels."""
    health: Mapping[str, int] = field(default_factory=dict)
    """How many findings of each kind the newest check of the dataset has."""
    epochs: Sequence[float] = ()
    """Of the validations."""
    boxes: Boxes | None = None
    """Of a dataset of boxes."""
    published: str = ""
    """What the installed weights were trained on that its network could have begun with and did not."""

    @property
    def rate(self) -> float:
        """The base learning rate."""
        return float(self.spec.get("learning_rate") or 0)

    def last_accuracy(self) -> float | None:
        """Return the accuracy of the last validation."""
        return next(iter(self.history.accuracy()[-1:]), None)

    def late_loss(self) -> float | None:
        """Return the mean training loss of the last fifth: single steps are noise."""
        values = self.history.training_loss()
        return fmean(values[-(len(values) // 5) :]) if len(values) >= LEAST_POINTS else None


@dataclass(frozen=True)
class Advice:
    """One thing to try."""

    name: str
    text: str
    """A sentence with the figures."""
    action: str
    """What the link or button says."""
    change: Mapping[str, str] = field(default_factory=dict)
    """Fields of the model form, by flat name, that the clone has otherwise."""
    epochs: int = 0
    """The end to which the same training goes on."""
    page: str = ""
    """"dataset": the form that makes the dataset anew; or a kind of finding of its health."""
