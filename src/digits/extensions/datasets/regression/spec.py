"""What an image regression dataset is asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from digits.core.spec import FieldError, field
from digits.extensions.datasets.building.spec import CHANNELS, CHANNELS_WORDS, PairSpec, Size


class RegressionSpec(PairSpec):
    """An image regression dataset."""

    train_file: str = field(
        title="Table", widget="path",
        description="CSV, JSON lines or Parquet file on the server with a row for each picture: its path, and numbers. A CSV has a header.",
    )  # fmt: skip
    val_file: str = field(
        "", title="Validation table or list (optional)", widget="path",
        description="A table of the same columns for validation; or a text file that names, a line each, those pictures of the table that are "
        "for validation. Without it, a column or a share of the rows decides.",
    )  # fmt: skip
    test_file: str = field(
        "", title="Test table or list (optional)", widget="path", description="The same for testing."
    )
    image_folder: str = field(
        "", title="Image folder (optional)", widget="path",
        description="Where the paths of the table begin; blank for the folder of the table.",
    )  # fmt: skip
    path_column: str = field(
        "", title="Path column", placeholder="the first",
        description="The column with the paths of the pictures; blank for the first.", max_length=200,
    )  # fmt: skip
    label_columns: str = field(
        "", title="Number columns", placeholder="all numbers",
        description="The columns with the numbers to be learned, separated by commas; blank for all that hold a number in the first row.",
        max_length=5000,
    )  # fmt: skip
    split_column: str = field(
        "", title="Split column (optional)", placeholder="none",
        description="A column that says train, val or test; other rows are left out.", max_length=200,
    )  # fmt: skip
    folder_pct_val: float = field(
        25, title="% for validation", unit="%", description="Share of the rows that is kept for validation.", ge=0, le=100
    )  # fmt: skip
    folder_pct_test: float = field(
        0, title="% for testing", unit="%", description="Share of the rows that is kept for testing.", ge=0, le=100
    )
    channel_conversion: Literal["none", "RGB", "L"] = field(
        "RGB", title="Channel conversion", choices=CHANNELS, description=CHANNELS_WORDS
    )
    size: Size = Size()

    @model_validator(mode="after")
    def _belongs_together(self) -> RegressionSpec:
        if self.folder_pct_val + self.folder_pct_test > 100:
            raise FieldError("folder_pct_test", "Validation and testing take more than all rows.")
        if self.split_column and (self.val_file or self.test_file):
            raise FieldError("split_column", "Give a split column, or tables of their own.")
        return self
