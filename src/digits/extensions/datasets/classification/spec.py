"""What an image classification dataset is asked for: DIGITS' fields, defaults and limits."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ValidationInfo, field_validator

from digits.core.spec import DatasetSpec, field
from digits.extensions.datasets.classification.sources.archive.spec import ArchiveSource
from digits.extensions.datasets.classification.sources.derived.spec import Base, DerivedSource
from digits.extensions.datasets.classification.sources.folder.spec import FolderSource
from digits.extensions.datasets.classification.sources.huggingface.spec import HuggingFaceSource
from digits.extensions.datasets.classification.sources.manifest.spec import ManifestSource
from digits.extensions.datasets.classification.sources.s3.spec import S3Source
from digits.extensions.datasets.classification.sources.textfile.spec import TextfileSource
from digits.extensions.datasets.classification.sources.webdataset.spec import WebDatasetSource

SourceChoice = (
    FolderSource
    | TextfileSource
    | ArchiveSource
    | ManifestSource
    | WebDatasetSource
    | HuggingFaceSource
    | S3Source
    | DerivedSource
)


class ClassificationSpec(DatasetSpec):
    """An image classification dataset."""

    resize_channels: Literal[1, 3, 0] = field(
        3,
        title="Image Type",
        choices={3: "Color", 1: "Grayscale", 0: "As stored"},
        description="Pictures are stored in colour, in grey, or with the channels of the first for training, up to 16: others are then refused.",
    )
    resize_width: int = field(
        256, title="Width", unit="px", description="Every picture is stored in this width.", ge=1, le=30_000
    )
    resize_height: int = field(
        256, title="Height", unit="px", description="Every picture is stored in this height.", ge=1, le=30_000
    )
    resize_mode: Literal["crop", "squash", "fill", "half_crop"] = field(
        "squash",
        title="Resize Transformation",
        choices={"crop": "Crop", "squash": "Squash", "fill": "Fill", "half_crop": "Half crop, half fill"},
        description="What happens to a picture of another shape: squash changes its shape, crop cuts the longer side, fill pads the shorter one.",
    )
    backend: Literal["lmdb", "hdf5"] = field(
        "lmdb",
        title="DB backend",
        choices={"lmdb": "LMDB", "hdf5": "HDF5"},
        description="The kind of database the pictures are stored in. HDF5 holds plain numbers: large, and networks cannot crop them or take the mean off.",
    )
    encoding: Literal["png", "jpg", "none"] = field(
        "png",
        title="Image Encoding",
        choices={"png": "PNG (lossless)", "jpg": "JPEG (lossy, 90 % quality)", "none": "None"},
        description="How each picture is stored in LMDB: PNG keeps every value, JPEG is smaller, none is largest. HDF5 has none.",
    )
    compression: Literal["none", "gzip"] = field(
        "none",
        title="DB compression",
        choices={"none": "None", "gzip": "GZIP"},
        description="Whether the arrays of HDF5 are compressed. LMDB has none.",
    )
    random_seed: int | None = field(
        None,
        title="Random seed",
        description="With a seed, two runs split and shuffle alike.",
        placeholder="none",
        ge=0,
        le=2**32 - 1,
    )
    source: SourceChoice = field(title="Source", discriminator="method")
    base: Base = Base()

    @field_validator("encoding")
    @classmethod
    def _none_in_hdf5(cls, encoding: str, info: ValidationInfo) -> str:
        return "none" if info.data.get("backend") == "hdf5" else encoding

    @field_validator("compression")
    @classmethod
    def _none_in_lmdb(cls, compression: str, info: ValidationInfo) -> str:
        return "none" if info.data.get("backend") == "lmdb" else compression

    @field_validator("source", mode="before")
    @classmethod
    def _folder_unless_said(cls, source: Any) -> Any:
        return {"method": "folder"} | source if isinstance(source, dict) else source
