"""How classes are coloured."""

from __future__ import annotations

from typing import Literal

from digits.core.spec import Spec, field


class SegmentationViewSpec(Spec):
    """The settings of the view."""

    colormap: Literal["dataset", "paired", "none"] = field(
        "dataset", title="Color map",
        choices={"dataset": "From dataset", "paired": "Paired, twelve colors in turn", "none": "None: class ids as greys"},
        description="The colors of the classes. From dataset: as its labels have them.",
    )  # fmt: skip
    background: Literal["found", "clear", "drawn"] = field(
        "found", title="Class 0",
        choices={"found": "Clear if it is called background", "clear": "Clear", "drawn": "Drawn as the others"},
        description="Where class 0 is what lies behind everything else, the picture is seen there.",
    )  # fmt: skip
