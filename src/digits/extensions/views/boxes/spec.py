"""How boxes are drawn."""

from __future__ import annotations

from digits.core.spec import Spec, field

DEFAULT_COLOUR = "#0075ff"


class BoxesViewSpec(Spec):
    """The settings of the view."""

    box_color: str = field(
        DEFAULT_COLOUR, title="Box color", pattern=r"^#[0-9a-fA-F]{6}$", placeholder=DEFAULT_COLOUR,
        description="Of boxes that have no class, as #rrggbb. Classes have colors of their own.",
    )  # fmt: skip
    box_opacity: int = field(
        90, title="Opacity", unit="%", ge=0, le=100, description="How much of the picture the lines of the boxes hide."
    )
    threshold: float = field(
        0.3, title="Least confidence", ge=0, description="Boxes of this confidence and less are not drawn at first."
    )
