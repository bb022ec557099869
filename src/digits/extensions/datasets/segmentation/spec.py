"""What an image segmentation dataset is asked for: DIGITS' fields, defaults and limits, and a few more."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from digits.core.spec import FieldError, field
from digits.extensions.datasets.building.spec import CHANNELS, CHANNELS_WORDS, PairSpec, Size

_FOLDER = "A folder on the server."


class SegmentationSpec(PairSpec):
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
        10, title="% for validation", unit="%",
        description="Share of the pictures that is kept for validation.", ge=0, le=100,
    )  # fmt: skip
    has_val_folder: bool = field(
        False, title="Separate validation images", description="Pictures for validation lie in folders of their own."
    )
    validation_feature_folder: str = field("", title="Validation image folder", widget="path", description=_FOLDER)
    validation_label_folder: str = field("", title="Validation label folder", widget="path", description=_FOLDER)
    channel_conversion: Literal["none", "RGB", "L"] = field(
        "none", title="Channel conversion", choices=CHANNELS, description=CHANNELS_WORDS
    )
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
    size: Size = Size()

    @model_validator(mode="after")
    def _belongs_together(self) -> SegmentationSpec:
        if self.size.width and self.size.mode in ("fill", "half_crop") and self.ignore_label is None:
            raise FieldError("ignore_label", "This resize transformation pads: say which label padded pixels get.")
        return self
