"""Object detection datasets: boxes around things, each of a class."""

from digits.core.extensions import GENERIC_MODELS, DatasetExtension
from digits.extensions.datasets.detection.spec import DetectionSpec

_HERE = "digits.extensions.datasets.detection"

EXTENSION = DatasetExtension(
    name="image-object-detection",
    title="Object Detection Dataset",
    menu=("Images", "Object Detection", "Boxes around things, each of a class"),
    route="images/object-detection",
    spec=DetectionSpec,
    check=f"{_HERE}.check:check",
    tasks=f"{_HERE}.check:tasks",
    build=f"{_HERE}.build:build",
    reader=f"{_HERE}.reader:open_reader",
    recognise=f"{_HERE}.recognise:recognise",
    inspect=f"{_HERE}.inspect:inspect_source",
    model_route=GENERIC_MODELS,
    model_title="Object Detection Model",
    target_kind="boxes",
    model_defaults={"use_mean": "none"},
)
