"""Image gradients: drawn pictures whose two slopes are to be found, the smallest regression there is."""

from digits.core.extensions import GENERIC_MODELS, DatasetExtension, InferenceForm
from digits.extensions.datasets.gradients.spec import GradientsInference, GradientsSpec

_HERE = "digits.extensions.datasets.gradients"

EXTENSION = DatasetExtension(
    name="image-gradients",
    title="Image Gradients Dataset",
    menu=("Images", "Gradients", "Two slopes of a drawn picture"),
    route="images/gradients",
    spec=GradientsSpec,
    check=f"{_HERE}.check:check",
    tasks=f"{_HERE}.check:tasks",
    build=f"{_HERE}.build:build",
    reader=f"{_HERE}.build:open_reader",
    model_route=GENERIC_MODELS,
    model_title="Image Gradients Model",
    target_kind="vector",
    model_defaults={"use_mean": "none"},
    inference=InferenceForm(GradientsInference, f"{_HERE}.draw:inputs"),
)
