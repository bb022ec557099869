"""Image output: what a network makes of a picture is a picture."""

from digits.core.extensions import ViewExtension
from digits.extensions.views.image.spec import ImageViewSpec

_HERE = "digits.extensions.views.image"

EXTENSION = ViewExtension(
    name="image-image-output",
    title="Image output",
    spec=ImageViewSpec,
    render=f"{_HERE}.render:render",
    template=f"{_HERE}:template.html",
    kinds=("image", "mask"),
    default_of=("image",),
)
