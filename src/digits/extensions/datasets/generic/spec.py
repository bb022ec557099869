"""What a dataset of ready-made LMDBs is asked for: DIGITS' fields, defaults and limits."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import model_validator

from digits.core.spec import FieldError, field
from digits.extensions.datasets.building.spec import PairSpec, Storage

_LMDB = "Folder of an LMDB (it holds data.mdb) on the server, of Caffe's Datum records"


class PrebuiltStorage(Storage):
    """The options of writing under the names that DIGITS has them for this kind."""

    prefix: ClassVar[str] = ""


class PrebuiltSpec(PairSpec):
    """A dataset of ready-made LMDBs."""

    prebuilt_train_images: str = field(
        title="Train Images", widget="path", description=f"{_LMDB}: the pictures for training."
    )
    prebuilt_train_labels: str = field(
        "", title="Train Labels (optional)", widget="path",
        description=f"{_LMDB}: the labels of these, under the same keys. Without it the records' own label is taken, and where all have the "
        "same the picture itself is what a network is to make.",
    )  # fmt: skip
    prebuilt_val_images: str = field(
        "", title="Validation Images (optional)", widget="path", description=f"{_LMDB}: the pictures for validation."
    )
    prebuilt_val_labels: str = field(
        "", title="Validation Labels (optional)", widget="path",
        description=f"{_LMDB}: the labels of these, under the same keys.",
    )  # fmt: skip
    prebuilt_label_kind: Literal["auto", "class", "vector", "mask", "image"] = field(
        "auto", title="What labels are",
        choices={"auto": "As they look", "class": "A class", "vector": "Numbers", "mask": "A class for each pixel", "image": "A picture"},
        description="Labels as large as their pictures are masks where they have one channel of bytes, pictures where they have three; "
        "all others are numbers.",
    )  # fmt: skip
    prebuilt_mean_file: str = field(
        "", title="Mean Image (.binaryproto, optional)", widget="path",
        description="The mean of the pictures for training; without it the mean is taken anew.",
    )  # fmt: skip
    storage: PrebuiltStorage = PrebuiltStorage()

    @model_validator(mode="after")
    def _belongs_together(self) -> PrebuiltSpec:
        if self.prebuilt_val_labels and not self.prebuilt_val_images:
            raise FieldError("prebuilt_val_images", "Validation labels are given: name the pictures that they are of.")
        if self.prebuilt_val_images and bool(self.prebuilt_val_labels) != bool(self.prebuilt_train_labels):
            missing = "prebuilt_val_labels" if self.prebuilt_train_labels else "prebuilt_train_labels"
            raise FieldError(missing, "Give labels for both databases, or for neither.")
        return self
