"""Image bounding boxes: the boxes that a network finds, over the picture."""

from digits.core.extensions import ViewExtension
from digits.extensions.views.boxes.spec import BoxesViewSpec

_HERE = "digits.extensions.views.boxes"

EXTENSION = ViewExtension(
    name="image-bounding-boxes",
    title="Bounding boxes",
    spec=BoxesViewSpec,
    render=f"{_HERE}.render:render",
    template=f"{_HERE}:template.html",
    kinds=("boxes",),
    default_of=("boxes",),
    script="boxes.js",
    style="boxes.css",
)
