"""What an image processing dataset is asked for: DIGITS' fields and defaults, the size of pictures, and noise."""

from __future__ import annotations

from typing import Literal

from digits.core.spec import field
from digits.extensions.datasets.building.spec import CHANNELS, CHANNELS_WORDS, PairSpec, Size


class ProcessingSpec(PairSpec):
    """An image processing dataset."""

    feature_folder: str = field(
        title="Feature image folder", widget="path", description="Folder with the pictures that a network is given."
    )
    label_folder: str = field(
        title="Label image folder", widget="path",
        description="Folder with the pictures that it is to make of them, of the same names but for the ending. An autoencoder has the "
        "feature folder here, too.",
    )  # fmt: skip
    folder_pct_val: float = field(
        10, title="% for validation", unit="%", description="Share of the pictures that is kept for validation.", ge=0, le=100
    )  # fmt: skip
    has_val_folder: bool = field(
        False, title="Separate validation images", description="Pictures for validation lie in folders of their own."
    )
    validation_feature_folder: str = field(
        "", title="Validation image folder", widget="path", description="A folder on the server."
    )
    validation_label_folder: str = field(
        "", title="Validation label folder", widget="path", description="A folder on the server."
    )
    channel_conversion: Literal["none", "RGB", "L"] = field(
        "none", title="Channel conversion", choices=CHANNELS, description=CHANNELS_WORDS
    )
    size: Size = Size()
    noise: float = field(
        0, title="Noise", unit="levels", ge=0, le=255,
        description="Normal noise of this standard deviation, in levels of 0 to 255, is added to what the network is given, to learn to "
        "take it away. It is drawn once for each picture.",
    )  # fmt: skip
