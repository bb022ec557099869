"""Image segmentation datasets: a class for each pixel."""

from digits.core.extensions import GENERIC_MODELS, DatasetExtension
from digits.extensions.datasets.segmentation.spec import SegmentationSpec

_HERE = "digits.extensions.datasets.segmentation"

EXTENSION = DatasetExtension(
    name="image-segmentation",
    title="Image Segmentation Dataset",
    menu=("Images", "Segmentation", "A class for each pixel"),
    route="images/segmentation",
    spec=SegmentationSpec,
    check=f"{_HERE}.check:check",
    tasks=f"{_HERE}.check:tasks",
    build=f"{_HERE}.build:build",
    reader=f"{_HERE}.reader:open_reader",
    recognise=f"{_HERE}.recognise:recognise",
    inspect=f"{_HERE}.inspect:inspect_source",
    model_route=GENERIC_MODELS,
    model_title="Image Segmentation Model",
    target_kind="mask",
    model_defaults={"use_mean": "none"},
)
