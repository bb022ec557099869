"""Image pairs: two pictures a record, alike or not, as a siamese network learns from them."""

from digits.core.extensions import GENERIC_MODELS, DatasetExtension
from digits.extensions.datasets.pairs.spec import PairsSpec

_HERE = "digits.extensions.datasets.pairs"

EXTENSION = DatasetExtension(
    name="image-pairs",
    title="Image Pairs Dataset",
    menu=("Images", "Pairs", "Two pictures, alike or not"),
    route="images/pairs",
    spec=PairsSpec,
    check=f"{_HERE}.check:check",
    tasks=f"{_HERE}.check:tasks",
    build=f"{_HERE}.build:build",
    reader=f"{_HERE}.build:open_reader",
    recognise=f"{_HERE}.check:recognise",
    model_route=GENERIC_MODELS,
    model_title="Siamese Model",
    model_defaults={"use_mean": "none"},
)
