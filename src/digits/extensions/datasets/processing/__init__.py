"""Image processing datasets: a picture for each picture."""

from digits.core.extensions import GENERIC_MODELS, DatasetExtension
from digits.extensions.datasets.processing.spec import ProcessingSpec

_HERE = "digits.extensions.datasets.processing"

EXTENSION = DatasetExtension(
    name="image-processing",
    title="Image Processing Dataset",
    menu=("Images", "Processing", "A picture for each picture"),
    route="images/processing",
    spec=ProcessingSpec,
    check=f"{_HERE}.check:check",
    tasks=f"{_HERE}.check:tasks",
    build=f"{_HERE}.build:build",
    reader=f"{_HERE}.build:open_reader",
    recognise=f"{_HERE}.recognise:recognise",
    model_route=GENERIC_MODELS,
    model_title="Image Processing Model",
    target_kind="image",
    model_defaults={"use_mean": "none"},
)
