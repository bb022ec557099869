"""Image regression datasets: numbers for each picture, from a table."""

from digits.core.extensions import GENERIC_MODELS, DatasetExtension
from digits.extensions.datasets.regression.spec import RegressionSpec

_HERE = "digits.extensions.datasets.regression"

EXTENSION = DatasetExtension(
    name="image-regression",
    title="Image Regression Dataset",
    menu=("Images", "Regression", "Numbers for each picture"),
    route="images/regression",
    spec=RegressionSpec,
    check=f"{_HERE}.check:check",
    tasks=f"{_HERE}.check:tasks",
    build=f"{_HERE}.build:build",
    reader=f"{_HERE}.build:open_reader",
    recognise=f"{_HERE}.check:recognise",
    model_route=GENERIC_MODELS,
    model_title="Image Regression Model",
    target_kind="vector",
)
