"""Ready-made LMDBs of pictures, with labels of any form: DIGITS' Images, Other."""

from digits.core.extensions import GENERIC_MODELS, DatasetExtension
from digits.extensions.datasets.generic.spec import PrebuiltSpec

_HERE = "digits.extensions.datasets.generic"

EXTENSION = DatasetExtension(
    name="image-generic",
    title="Generic Image Dataset",
    menu=("Images", "Other", "LMDBs that are made already"),
    route="images/generic",
    spec=PrebuiltSpec,
    check=f"{_HERE}.check:check",
    tasks=f"{_HERE}.check:tasks",
    build=f"{_HERE}.build:build",
    reader=f"{_HERE}.build:open_reader",
    recognise=f"{_HERE}.check:recognise",
    model_route=GENERIC_MODELS,
    model_title="Generic Image Model",
    target_kind="vector",
)
