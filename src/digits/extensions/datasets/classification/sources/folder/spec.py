"""The fields of a folder source."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import model_validator

from digits.core.spec import FieldError, Spec, field


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
    pct_val: float = field(
        25,
        title="% for validation",
        unit="%",
        description="The share of the pictures kept to measure the training by.",
        ge=0,
        le=100,
    )
    pct_test: float = field(
        0,
        title="% for testing",
        unit="%",
        description="The share of the pictures kept for the test at the end.",
        ge=0,
        le=100,
    )
    train_min_per_class: int | None = field(
        2,
        title="Minimum samples per class",
        description="A class with fewer pictures is left out.",
        placeholder="1",
        ge=1,
    )
    train_max_per_class: int | None = field(
        None,
        title="Maximum samples per class",
        description="Pictures beyond this number are left out, at random.",
        placeholder="no limit",
        ge=1,
    )

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
    val_min_per_class: int | None = field(
        2,
        title="Minimum samples per class",
        description="A class with fewer pictures is left out.",
        placeholder="1",
        ge=1,
    )
    val_max_per_class: int | None = field(
        None,
        title="Maximum samples per class",
        description="Pictures beyond this number are left out, at random.",
        placeholder="no limit",
        ge=1,
    )
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
    test_min_per_class: int | None = field(
        2,
        title="Minimum samples per class",
        description="A class with fewer pictures is left out.",
        placeholder="1",
        ge=1,
    )
    test_max_per_class: int | None = field(
        None,
        title="Maximum samples per class",
        description="Pictures beyond this number are left out, at random.",
        placeholder="no limit",
        ge=1,
    )

    @model_validator(mode="after")
    def _shares(self) -> FolderSource:
        if (0 if self.has_val_folder else self.pct_val) + (0 if self.has_test_folder else self.pct_test) > 100:
            raise FieldError("pct_val", "The shares for validation and testing are more than 100 % together.")
        for name in ("train", "val", "test"):
            least, most = getattr(self, f"{name}_min_per_class"), getattr(self, f"{name}_max_per_class")
            if least and most and most < least:
                raise FieldError(
                    f"{name}_max_per_class", f"The maximum per class ({most}) is below the minimum ({least})."
                )
        return self
