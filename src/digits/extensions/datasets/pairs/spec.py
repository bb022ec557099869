"""What a dataset of image pairs is asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from digits.core.spec import FieldError, field
from digits.extensions.datasets.building.spec import CHANNELS, CHANNELS_WORDS, PairSpec, Size


class PairsSpec(PairSpec):
    """A dataset of image pairs."""

    image_folder: str = field(
        "", title="Folder of classes", widget="path",
        description="Folder with a sub-folder for each class. Pairs are drawn by chance: half of them two pictures of one class. For "
        "validation they are drawn among pictures of their own.",
    )  # fmt: skip
    pair_count: int = field(
        10_000, title="Pairs to draw", ge=2, le=100_000_000,
        description="How many pairs are drawn from a folder of classes, those for validation included.",
    )  # fmt: skip
    pairs_file: str = field(
        "", title="Table of pairs", widget="path",
        description="Instead of a folder: CSV, JSON lines or Parquet file with a row for each pair: two paths, and 1 where the two are alike, "
        "else 0. A CSV has a header.",
    )  # fmt: skip
    val_pairs_file: str = field(
        "", title="Validation table (optional)", widget="path",
        description="The same for validation; without it a share of the rows is kept.",
    )  # fmt: skip
    folder_pct_val: float = field(
        25, title="% for validation", unit="%",
        description="Share that is kept for validation: of each class's pictures, or of the table's rows.", ge=0, le=100,
    )  # fmt: skip
    channel_conversion: Literal["none", "RGB", "L"] = field(
        "L", title="Channel conversion", choices=CHANNELS, description=CHANNELS_WORDS
    )
    size: Size = Size()

    @model_validator(mode="after")
    def _one_source(self) -> PairsSpec:
        if bool(self.image_folder.strip()) == bool(self.pairs_file.strip()):
            raise FieldError(
                "pairs_file" if self.pairs_file.strip() else "image_folder",
                "Name a folder of classes, or a table of pairs.",
            )
        return self
