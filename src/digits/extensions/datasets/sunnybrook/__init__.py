"""Sunnybrook: slices of the heart as DICOM files, and where the left ventricle is drawn in them, as text files of points."""

from digits.core.extensions import GENERIC_MODELS, DatasetExtension, InferenceForm
from digits.extensions.datasets.sunnybrook.spec import SunnybrookInference, SunnybrookSpec

_HERE = "digits.extensions.datasets.sunnybrook"

EXTENSION = DatasetExtension(
    name="image-sunnybrook",
    title="Sunnybrook LV Segmentation Dataset",
    menu=("Images", "Sunnybrook LV Segmentation", "The left ventricle in DICOM slices of the heart"),
    route="images/sunnybrook",
    spec=SunnybrookSpec,
    check=f"{_HERE}.check:check",
    tasks=f"{_HERE}.check:tasks",
    build=f"{_HERE}.build:build",
    reader=f"{_HERE}.build:open_reader",
    recognise=f"{_HERE}.check:recognise",
    model_route=GENERIC_MODELS,
    model_title="Sunnybrook LV Segmentation Model",
    target_kind="mask",
    model_defaults={"use_mean": "none"},
    inference=InferenceForm(SunnybrookInference, f"{_HERE}.inputs:inputs"),
)
