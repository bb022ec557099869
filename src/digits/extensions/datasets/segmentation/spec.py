"""What an image segmentation dataset is asked for: DIGITS' fields, defaults and limits, and a few more."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from digits.core.spec import DatasetSpec, FieldError, field

_FOLDER = "A folder on the server."


class SegmentationSpec(DatasetSpec):
    """An image segmentation dataset."""

    feature_folder: str = field(
        title="Feature image folder", widget="path",
        description="Folder with the pictures. Each has a label of the same name, but for the ending, in the label folder.",
    )  # fmt: skip
    label_folder: str = field(
        title="Label image folder", widget="path",
        description="Folder with the labels: class ids (grey, or with a palette), or colours. PNG, as JPEG changes colours.",
    )  # fmt: skip
    folder_pct_val: float = field(
        10, title="% for validation", flat="folder_pct_val", unit="%",
        description="Share of the pictures that is kept for validation.", ge=0, le=100,
    )  # fmt: skip
    has_val_folder: bool = field(
        False, title="Separate validation images", description="Pictures for validation lie in folders of their own."
    )
    validation_feature_folder: str = field("", title="Validation image folder", widget="path", description=_FOLDER)
    validation_label_folder: str = field("", title="Validation label folder", widget="path", description=_FOLDER)
    channel_conversion: Literal["none", "RGB", "L"] = field(
        "none", title="Channel conversion", choices={"RGB": "RGB", "L": "Grayscale", "none": "None"},
        description="Pictures are made colour or grey, or stay as they are; then all must have the channels of the first.",
    )  # fmt: skip
    class_labels_file: str = field(
        "", title="Class labels (optional)", widget="path",
        description="Text file with the name of each class: line 1 is class 0. A line __ignore__ stands for the ignore label 255.",
    )  # fmt: skip
    colormap_method: Literal["label", "textfile", "found"] = field(
        "label", title="Color map specification",
        choices={"label": "From label image", "textfile": "From text file", "found": "Found in the labels"},
        description="From label image: pixel values are class ids, and colours are those of its palette. From text file: colours are "
        "classes, as listed. Found: every colour of the labels is a class, in the order of the colours.",
    )  # fmt: skip
    colormap_text_file: str = field(
        "", title="Color map file", widget="path",
        description="Text file with a line R G B for each class, the name of the class behind it if you like.",
    )  # fmt: skip
    ignore_label: int | None = field(
        None, title="Ignore label", placeholder="none", ge=0, le=255,
        description="Value of pixels that no class is meant for: they are neither learned nor counted. Often 255, or the last class.",
    )  # fmt: skip
    resize_width: int | None = field(
        None, title="Width", unit="px", placeholder="as stored", ge=1, le=30_000,
        description="Pictures and labels are brought to this width; blank leaves their size.",
    )  # fmt: skip
    resize_height: int | None = field(
        None, title="Height", unit="px", placeholder="as stored", ge=1, le=30_000,
        description="Pictures and labels are brought to this height; blank leaves their size.",
    )  # fmt: skip
    resize_mode: Literal["crop", "squash", "fill", "half_crop"] = field(
        "squash", title="Resize Transformation",
        choices={"crop": "Crop", "squash": "Squash", "fill": "Fill", "half_crop": "Half crop, half fill"},
        description="What happens to a picture of another shape, and to its label alike. Padded pixels get the ignore label.",
    )  # fmt: skip
    feature_encoding: Literal["png", "jpg", "none"] = field(
        "png", title="Feature Encoding", flat="dsopts_feature_encoding",
        choices={"png": "PNG (lossless)", "jpg": "JPEG (lossy, 90 % quality)", "none": "None"},
        description="How each picture is stored.",
    )  # fmt: skip
    label_encoding: Literal["png", "none"] = field(
        "none", title="Label Encoding", flat="dsopts_label_encoding", choices={"png": "PNG (lossless)", "none": "None"},
        description="How each label is stored: one byte a pixel, or as PNG.",
    )  # fmt: skip
    batch_size: int = field(
        32,
        title="Encoder batch size",
        flat="dsopts_batch_size",
        description="Records written at once.",
        ge=1,
        le=10_000,
    )
    num_threads: int = field(
        4, title="Number of encoder threads", flat="dsopts_num_threads", description="Pictures are read by so many threads.",
        ge=1, le=64,
    )  # fmt: skip
    backend: Literal["lmdb"] = field(
        "lmdb", title="DB backend", flat="dsopts_backend", choices={"lmdb": "LMDB"}, description="The kind of database."
    )
    force_same_shape: Literal[1, 0] = field(
        1, title="Enforce same shape", flat="dsopts_force_same_shape", choices={1: "Yes", 0: "No"},
        description="Pictures of another size than the first are refused. Without it sizes may differ: then there is no mean, and the "
        "batch size of a training is 1.",
    )  # fmt: skip
    random_seed: int | None = field(
        None, title="Random seed", placeholder="none", ge=0, le=2**32 - 1,
        description="With a seed, two runs share pictures out alike.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _belongs_together(self) -> SegmentationSpec:
        if (self.resize_width is None) != (self.resize_height is None):
            missing = "resize_height" if self.resize_height is None else "resize_width"
            raise FieldError(missing, "Give width and height, or neither.")
        if self.resize_width and self.resize_mode in ("fill", "half_crop") and self.ignore_label is None:
            raise FieldError("ignore_label", "This resize transformation pads: say which label padded pixels get.")
        return self
