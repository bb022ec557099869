"""What happens to a picture before a network sees it, told to whoever runs the network elsewhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shapes = Mapping[str, Sequence[int | str]]
"""Of the inputs, the first one's first; an axis of any size has a name."""


@dataclass(frozen=True)
class Preprocessing:
    """The way from a picture to the input blob; what is not known is None or empty.

    Its order is Caffe's: resize, cut out the centre, blue first (unless ``rgb``), take off the mean, multiply.
    """

    resize_HW: tuple[int, int] | None = None
    resize_mode: str = ""
    """squash, crop, fill or half_crop, as in DIGITS."""
    crop_px: int = 0
    """Side of the square that is cut from the centre; 0 for none."""
    mean: NDArray[np.float32] | None = None
    """What is taken off: [C] of one colour, or [C, H, W] as large as the resized picture."""
    scale: float = 1.0
    rgb: bool = False
    """Whether three channels are red first, in the mean too."""
    whitening: bool = False
    """Whether each picture is brought to mean 0 and standard deviation 1 at the end."""

    def mean_of_input(self) -> NDArray[np.float32] | None:
        """Return the mean as it lies over the network's input: a picture's centre where the input is one."""
        if self.mean is None or self.mean.ndim == 1 or not self.crop_px:
            return self.mean
        top, left = ((side - self.crop_px) // 2 for side in self.mean.shape[1:])
        return self.mean[:, top : top + self.crop_px, left : left + self.crop_px]

    def mean_values(self) -> list[float]:
        """Return the mean colour; empty where nothing is taken off."""
        mean = self.mean_of_input()
        if mean is None:
            return []
        colour = mean if mean.ndim == 1 else mean.mean(axis=(1, 2))
        return [round(float(value), 4) for value in colour]

    def as_json(self, inputs: Shapes) -> str:
        """Return it for programs, with the inputs' names and shapes.

        ``mean_image_base64`` is float32, little-endian, [C, H, W] of the input's size.
        """
        facts: dict[str, Any] = {
            "inputs": {name: list(shape) for name, shape in inputs.items()},
            "layout": "NCHW",
            "channels": self._channels(inputs),
            "range": [0, 255],
            "resize": {"height": self.resize_HW[0], "width": self.resize_HW[1], "mode": self.resize_mode}
            if self.resize_HW
            else None,
            "crop": self.crop_px or None,
            "mean_values": self.mean_values(),
            "scale": self.scale,
            "whitening": self.whitening,
            "steps": self.steps(inputs),
        }
        mean = self.mean_of_input()
        if mean is not None and mean.ndim == 3:
            facts["mean_image_base64"] = base64.b64encode(np.ascontiguousarray(mean, "<f4").tobytes()).decode()
        return json.dumps(facts)

    def steps(self, inputs: Shapes) -> list[str]:
        """Return it for people, a sentence a step."""
        channels = self._channels(inputs)
        steps = []
        if self.resize_HW:
            steps.append(
                f"Resize the picture to {self.resize_HW[1]} x {self.resize_HW[0]} pixels (mode {self.resize_mode})."
            )
        if self.crop_px:
            steps.append(f"Cut out the centre, {self.crop_px} x {self.crop_px} pixels.")
        if channels == "BGR":
            steps.append("Order the channels blue, green, red (BGR). Values are 0 to 255, as floats.")
        elif channels == "RGB":
            steps.append("Order the channels red, green, blue (RGB). Values are 0 to 255, as floats.")
        elif channels == "grey":
            steps.append("One channel of grey. Values are 0 to 255, as floats.")
        if self.mean is not None and self.mean.ndim == 3:
            steps.append(f"Subtract the mean picture (its mean colour is {_listed(self.mean_values())}).")
        elif self.mean is not None:
            steps.append(f"Subtract {_listed(self.mean_values())} from the channels.")
        if self.scale != 1:
            steps.append(f"Multiply by {self.scale:g}.")
        if self.whitening:
            steps.append("Subtract the mean of all values of this picture, and divide by their standard deviation.")
        return steps

    def _channels(self, inputs: Shapes) -> str:
        """Return what the channels of the first input are; "" where it is no picture."""
        shape = next(iter(inputs.values()), ())
        if len(shape) != 4:
            return ""
        colours = "RGB" if self.rgb else "BGR"
        return "grey" if shape[1] == 1 else colours if shape[1] == 3 else ""


def mean_colour(values: Iterable[float]) -> NDArray[np.float32] | None:
    """Return a colour as a mean; None for no values."""
    colour = np.array(list(values), np.float32)
    return colour if colour.size else None


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
