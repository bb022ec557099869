"""The fields of a source that may leave it to shares which database a picture goes into."""

from __future__ import annotations

from typing import Protocol

from pydantic import model_validator

from digits.core.spec import FieldError, Spec, field

_SHARED = "Where the source itself tells train, val and test apart, it decides."


class HasShares(Protocol):
    """A source with shares and bounds, whatever its forms call them."""

    @property
    def pct_val(self) -> float:
        """For validation."""

    @property
    def pct_test(self) -> float:
        """For testing."""

    @property
    def train_min_per_class(self) -> int | None:
        """The fewest pictures of a class."""

    @property
    def train_max_per_class(self) -> int | None:
        """The most pictures of a class."""


class DealtSource(Spec):
    """A source whose pictures are dealt among databases; the flat names are those of the folder source."""

    pct_val: float = field(
        25,
        title="% for validation",
        flat="folder_pct_val",
        unit="%",
        description=f"The share of the pictures kept to measure the training by. {_SHARED}",
        ge=0,
        le=100,
    )
    pct_test: float = field(
        0,
        title="% for testing",
        flat="folder_pct_test",
        unit="%",
        description=f"The share of the pictures kept for the test at the end. {_SHARED}",
        ge=0,
        le=100,
    )
    train_min_per_class: int | None = field(
        2,
        title="Minimum samples per class",
        flat="folder_train_min_per_class",
        description="A class with fewer pictures is left out.",
        placeholder="1",
        ge=1,
    )
    train_max_per_class: int | None = field(
        None,
        title="Maximum samples per class",
        flat="folder_train_max_per_class",
        description="Pictures beyond this number are left out, at random.",
        placeholder="no limit",
        ge=1,
    )

    @model_validator(mode="after")
    def _bounds(self) -> DealtSource:
        check_bounds(self)
        return self


def check_bounds(source: HasShares) -> None:
    """Refuse shares of more than the whole, and a maximum below the minimum.

    Raises:
        FieldError: so it is.
    """
    if source.pct_val + source.pct_test > 100:
        raise FieldError("pct_val", "The shares for validation and testing are more than 100 % together.")
    least, most = source.train_min_per_class, source.train_max_per_class
    if least and most and most < least:
        raise FieldError("train_max_per_class", f"The maximum per class ({most}) is below the minimum ({least}).")
