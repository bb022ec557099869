"""Image classification datasets: one label a picture."""

from digits.core.extensions import DatasetExtension
from digits.extensions.datasets.classification.spec import ClassificationSpec

_HERE = "digits.extensions.datasets.classification"

EXTENSION = DatasetExtension(
    name="image-classification",
    title="Image Classification Dataset",
    menu=("Images", "Classification", "One label for each picture"),
    route="images/classification",
    spec=ClassificationSpec,
    check=f"{_HERE}.check:check",
    tasks=f"{_HERE}.check:tasks",
    build=f"{_HERE}.build:build",
    reader=f"{_HERE}.reader:open_reader",
    recognise=f"{_HERE}.check:recognise",
    inspect=f"{_HERE}.inspect:inspect_source",
    model_route="images/classification",
    model_title="Image Classification Model",
)
