"""Image gradients: the slope that a network sees, as an arrow."""

from digits.core.extensions import ViewExtension
from digits.extensions.views.gradients.spec import GradientsViewSpec

_HERE = "digits.extensions.views.gradients"

EXTENSION = ViewExtension(
    name="image-gradients",
    title="Gradients",
    spec=GradientsViewSpec,
    render=f"{_HERE}.render:render",
    template=f"{_HERE}:template.html",
    kinds=("vector",),
    default_of=("image-gradients",),
    most=12,
)
