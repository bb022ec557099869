"""Text classification datasets: a class for each text, its characters as numbers."""

from digits.core.extensions import GENERIC_MODELS, DatasetExtension, InferenceForm
from digits.extensions.datasets.text.spec import TextInference, TextSpec

_HERE = "digits.extensions.datasets.text"

EXTENSION = DatasetExtension(
    name="text-classification",
    title="Text Classification Dataset",
    menu=("Text", "Classification", "A class for each text"),
    route="text/classification",
    spec=TextSpec,
    check=f"{_HERE}.check:check",
    tasks=f"{_HERE}.check:tasks",
    build=f"{_HERE}.build:build",
    reader=f"{_HERE}.build:open_reader",
    recognise=f"{_HERE}.check:recognise",
    model_route=GENERIC_MODELS,
    model_title="Text Classification Model",
    model_defaults={"use_mean": "none"},
    inference=InferenceForm(TextInference, f"{_HERE}.rows:inputs"),
)
