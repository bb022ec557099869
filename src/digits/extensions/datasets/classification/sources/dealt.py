"""The fields of a source that may leave it to shares which database a picture goes into."""

from __future__ import annotations

from pydantic import model_validator

from digits.core.spec import FieldError, Spec, field

_SHARED = "Where the source itself tells train, val and test apart, it decides."


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
        if self.pct_val + self.pct_test > 100:
            raise FieldError("pct_val", "The shares for validation and testing are more than 100 % together.")
        least, most = self.train_min_per_class, self.train_max_per_class
        if least and most and most < least:
            raise FieldError("train_max_per_class", f"The maximum per class ({most}) is below the minimum ({least}).")
        return self
