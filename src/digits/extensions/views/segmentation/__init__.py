"""Image segmentation: the class of each pixel over the picture."""

from digits.core.extensions import ViewExtension
from digits.extensions.views.segmentation.spec import SegmentationViewSpec

_HERE = "digits.extensions.views.segmentation"

EXTENSION = ViewExtension(
    name="image-segmentation",
    title="Image Segmentation",
    spec=SegmentationViewSpec,
    render=f"{_HERE}.render:render",
    template=f"{_HERE}:template.html",
    kinds=("mask",),
    default_of=("mask",),
    script="segmentation.js",
    style="segmentation.css",
)
