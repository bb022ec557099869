"""The fields of an archive source: the archive, and the folder source's own for what becomes of its pictures."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import model_validator

from digits.core.spec import FieldError, Spec, field

_SHARED = "Where the archive has train, val and test folders, they decide."


class ArchiveSource(Spec):
    """An archive of class folders."""

    prefix: ClassVar[str] = "archive_"
    method: Literal["archive"] = field("archive", title="Upload an Archive", flat="method")
    file: str = field(
        "",
        title="Archive",
        widget="file",
        description="A .zip or .tar (.gz, .bz2, .xz) with one folder for each class, perhaps below train, val and test.",
    )
    path: str = field(
        "",
        title="Archive on the server",
        widget="path",
        description="The same, where it lies on the server already.",
        max_length=4096,
    )
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
    def _bounds(self) -> ArchiveSource:
        if self.pct_val + self.pct_test > 100:
            raise FieldError("pct_val", "The shares for validation and testing are more than 100 % together.")
        least, most = self.train_min_per_class, self.train_max_per_class
        if least and most and most < least:
            raise FieldError("train_max_per_class", f"The maximum per class ({most}) is below the minimum ({least}).")
        return self
