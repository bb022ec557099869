"""What a Sunnybrook dataset is asked for: DIGITS' fields and defaults, and how slices are shared out."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from digits.core.spec import FieldError, Spec, field
from digits.extensions.datasets.building.spec import CHANNELS, CHANNELS_WORDS, PairSpec


class SunnybrookSpec(PairSpec):
    """Slices of the heart with the contour of the left ventricle."""

    image_folder: str = field(
        title="Image folder", widget="path",
        description="Folder with the slices, IM-<series>-<number>.dcm in a folder for each case. Grey values go by the window that a file "
        "names, else from its least to its greatest value.",
    )  # fmt: skip
    contour_folder: str = field(
        title="Contour folder", widget="path",
        description="Folder with the contours, IM-<series>-<number>-icontour-manual.txt: a line x y, in pixels, for each point. They lie "
        "below a folder of the case's name, too.",
    )  # fmt: skip
    channel_conversion: Literal["RGB", "L", "none"] = field(
        "L", title="Channel conversion", choices=CHANNELS, description=CHANNELS_WORDS
    )
    folder_pct_val: float = field(
        10, title="% for validation", unit="%", description="Share that is kept for validation.", ge=0, le=100
    )
    split_by: Literal["case", "slice"] = field(
        "case", title="Shared out by", choices={"case": "Cases", "slice": "Slices"},
        description="Slices of one heart are much alike: where they are dealt over both, validation promises too much. A single case is "
        "always shared out by slices.",
    )  # fmt: skip


class SunnybrookInference(Spec):
    """What a model is tested on: a file, or a record of its dataset."""

    test_image_file: str = field(
        "", title="Test image file", widget="path", description="A picture on the server, DICOM or another."
    )
    validation_record: int | None = field(
        None, title="Validation record", placeholder="0", ge=0,
        description="Instead: the number of a record of the dataset's validation database, from 0.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _one_of_both(self) -> SunnybrookInference:
        if bool(self.test_image_file.strip()) == (self.validation_record is not None):
            raise FieldError("test_image_file", "Give a file or a validation record, one of the two.")
        return self
