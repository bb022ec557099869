"""The fields of a folder source."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import model_validator

from digits.core.spec import FieldError, Spec, field
from digits.extensions.datasets.classification.sources.dealt import (
    check_counts,
    least_per_class,
    most_per_class,
    share_for_testing,
    share_for_validation,
)


class FolderSource(Spec):
    """A folder with one sub-folder a class."""

    prefix: ClassVar[str] = "folder_"
    method: Literal["folder"] = field(
        "folder",
        title="Use Image Folder",
        flat="method",
        description="Where the pictures come from: a folder on the server.",
    )
    train: str = field(
        title="Training Images",
        widget="path",
        description="A folder on the server with one sub-folder for each class, named as the class; or the address of one: "
        "http://host/folder/ of a server that lists it, s3://bucket/prefix.",
        placeholder="/data/pictures",
        min_length=1,
        max_length=4096,
    )
    pct_val: float = share_for_validation()
    pct_test: float = share_for_testing()
    train_min_per_class: int | None = least_per_class()
    train_max_per_class: int | None = most_per_class()

    has_val_folder: bool = field(
        False,
        title="Separate validation images folder",
        flat="has_val_folder",
        description="The pictures for validation lie in a folder of their own, and none are taken from the training images.",
    )
    val: str = field(
        "",
        title="Validation Images",
        widget="path",
        description="Its sub-folders are matched to the training classes by name.",
        max_length=4096,
    )
    val_min_per_class: int | None = least_per_class()
    val_max_per_class: int | None = most_per_class()
    has_test_folder: bool = field(
        False,
        title="Separate test images folder",
        flat="has_test_folder",
        description="The pictures for testing lie in a folder of their own, and none are taken from the training images.",
    )
    test: str = field(
        "",
        title="Test Images",
        widget="path",
        description="Its sub-folders are matched to the training classes by name.",
        max_length=4096,
    )
    test_min_per_class: int | None = least_per_class()
    test_max_per_class: int | None = most_per_class()

    @model_validator(mode="after")
    def _shares(self) -> FolderSource:
        if (0 if self.has_val_folder else self.pct_val) + (0 if self.has_test_folder else self.pct_test) > 100:
            raise FieldError("pct_val", "The shares for validation and testing are more than 100 % together.")
        for name in ("train", "val", "test"):
            check_counts(name, getattr(self, f"{name}_min_per_class"), getattr(self, f"{name}_max_per_class"))
        return self
