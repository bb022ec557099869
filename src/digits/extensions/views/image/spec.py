"""How numbers become a picture."""

from __future__ import annotations

from typing import Literal

from digits.core.spec import Spec, field


class ImageViewSpec(Spec):
    """The settings of the view."""

    channel_order: Literal["rgb", "bgr"] = field(
        "rgb", title="Channel order", choices={"rgb": "RGB", "bgr": "BGR"},
        description="Of an output of three channels. Networks of Caffe are given BGR, and often answer so.",
    )  # fmt: skip
    pixel_conversion: Literal["normalize", "clip"] = field(
        "normalize", title="Pixel conversion", choices={"normalize": "Normalize", "clip": "Clip"},
        description="Normalize: the least value becomes 0, the greatest 255. Clip: values stay, those below 0 and above 255 become these.",
    )  # fmt: skip
