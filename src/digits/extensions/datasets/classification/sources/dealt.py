"""The fields of a source that may leave it to shares which database a picture goes into."""

from __future__ import annotations

from typing import Any, Protocol

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


def share_for_validation(*, flat: str = "", note: str = "") -> Any:
    """Declare the share for validation; ``flat`` is its form name where that is not the source's own, ``note`` ends its help."""
    return _share(25, "% for validation", "The share of the pictures kept to measure the training by.", flat, note)


def share_for_testing(*, flat: str = "", note: str = "") -> Any:
    """Declare the share for testing, as :func:`share_for_validation`."""
    return _share(0, "% for testing", "The share of the pictures kept for the test at the end.", flat, note)


def least_per_class(*, flat: str = "") -> Any:
    """Declare the fewest pictures of a class."""
    text = "A class with fewer pictures is left out."
    return field(2, title="Minimum samples per class", flat=flat, description=text, placeholder="1", ge=1)


def most_per_class(*, flat: str = "") -> Any:
    """Declare the most pictures of a class."""
    text = "Pictures beyond this number are left out, at random."
    return field(None, title="Maximum samples per class", flat=flat, description=text, placeholder="no limit", ge=1)


def _share(default: float, title: str, text: str, flat: str, note: str) -> Any:
    return field(default, title=title, flat=flat, unit="%", description=f"{text} {note}".rstrip(), ge=0, le=100)


class DealtSource(Spec):
    """A source whose pictures are dealt among databases; the flat names are those of the folder source."""

    pct_val: float = share_for_validation(flat="folder_pct_val", note=_SHARED)
    pct_test: float = share_for_testing(flat="folder_pct_test", note=_SHARED)
    train_min_per_class: int | None = least_per_class(flat="folder_train_min_per_class")
    train_max_per_class: int | None = most_per_class(flat="folder_train_max_per_class")

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
    check_counts("train", source.train_min_per_class, source.train_max_per_class)


def check_counts(db: str, least: int | None, most: int | None) -> None:
    """Refuse a maximum per class of a database that is below its minimum.

    Raises:
        FieldError: so it is.
    """
    if least and most and most < least:
        raise FieldError(f"{db}_max_per_class", f"The maximum per class ({most}) is below the minimum ({least}).")
