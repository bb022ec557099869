"""How arrows are drawn."""

from __future__ import annotations

from digits.core.spec import Spec, field

DEFAULT_COLOUR = "#d1241c"


class GradientsViewSpec(Spec):
    """The settings of the view."""

    arrow_color: str = field(
        DEFAULT_COLOUR, title="Arrow color", pattern=r"^#[0-9a-fA-F]{6}$", placeholder=DEFAULT_COLOUR,
        description="As #rrggbb.",
    )  # fmt: skip
    arrow_size: int = field(
        80, title="Arrow size", unit="%", ge=1, le=400,
        description="Length of the arrow of a slope of 1, as a share of the picture's longer side.",
    )  # fmt: skip
