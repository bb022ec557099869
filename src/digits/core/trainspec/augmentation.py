"""What is done by chance to each picture of a training, so that it is never quite the same twice: DIGITS' fields and defaults."""

from __future__ import annotations

from typing import ClassVar, Literal

from digits.core.spec import Spec, field

FLIPS = {
    "none": "None",
    "fliplr": "Left to right",
    "flipud": "Top to bottom",
    "fliplrud": "Both, each by itself",
}
QUARTER_TURNS = {
    "none": "None",
    "rot90": "0, 90 or 270 degrees",
    "rot180": "0 or 180 degrees",
    "rotall": "0, 90, 180 or 270 degrees",
}


class Augmentation(Spec):
    """Changes by chance, in the order in which they are made; validation and answers know of whitening alone."""

    prefix: ClassVar[str] = "aug_"

    rot: int = field(
        0,
        title="Rotation",
        unit="±°",
        description="Each picture is turned by up to so many degrees either way; at its edges its border pixels go on.",
        ge=0,
        le=180,
    )
    scale: float = field(
        0.0,
        title="Rescale",
        unit="std",
        description="Each picture is enlarged or shrunk about its middle: the standard deviation of the factor, whose mean is 1. 0.07 is a good begin.",
        ge=0,
        le=1,
    )
    flip: Literal["none", "fliplr", "flipud", "fliplrud"] = field(
        "none",
        title="Flipping",
        choices=FLIPS,
        description="Every second picture, by chance, is mirrored. Not for classes that a mirror changes, as letters.",
    )
    quad_rot: Literal["none", "rot90", "rot180", "rotall"] = field(
        "none",
        title="Quarter turns",
        choices=QUARTER_TURNS,
        description="Each picture is turned by one of these, exactly; quarter turns need square pictures or a crop.",
    )
    hsv_use: bool = field(
        False,
        title="Shift hue, saturation and value",
        description="The colours of each picture are shifted by chance; of grey pictures the value alone.",
    )
    hsv_h: float = field(
        0.02, title="Hue", unit="std", description="Standard deviation of the shift, in turns of the colour circle.", ge=0, le=0.5
    )  # fmt: skip
    hsv_s: float = field(
        0.04, title="Saturation", unit="std", description="Standard deviation of the shift, as a share of the range.", ge=0, le=0.5
    )  # fmt: skip
    hsv_v: float = field(
        0.06, title="Value", unit="std", description="Standard deviation of the shift, as a share of the range.", ge=0, le=0.5
    )  # fmt: skip
    contrast: float = field(
        0.0,
        title="Contrast",
        unit="±",
        description="Distances from the picture's mean are multiplied by a factor between 1 − this (at least 0) and 1 + this. 0.8 is a good begin.",
        ge=0,
        le=5,
    )
    noise: float = field(
        0.0,
        title="Noise",
        unit="std",
        description="Each pixel gets noise of its own: the standard deviation, as a share of the range. 0.03 is a good begin.",
        ge=0,
        le=1,
    )
    whitening: bool = field(
        False,
        title="Whitening",
        description="Each picture is brought to mean 0 and standard deviation 1 before the network sees it, in validation and in answers too.",
    )

    @property
    def varies(self) -> bool:
        """Whether anything happens by chance."""
        amounts = (self.rot, self.scale, self.contrast, self.noise, self.hsv_use)
        return any(amounts) or self.flip != "none" or self.quad_rot != "none"
