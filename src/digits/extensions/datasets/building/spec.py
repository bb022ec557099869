"""Groups of fields that several kinds of datasets have: DIGITS' options of extensions, and the size of pictures."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import model_validator

from digits.core.spec import DatasetSpec, FieldError, Spec, field


class Storage(Spec):
    """How records are written: the options that DIGITS had for every kind of dataset that an extension made."""

    prefix: ClassVar[str] = "dsopts_"

    feature_encoding: Literal["png", "jpg", "none"] = field(
        "png", title="Feature Encoding",
        choices={"png": "PNG (lossless)", "jpg": "JPEG (lossy, 90 % quality)", "none": "None"},
        description="How each picture is stored.",
    )  # fmt: skip
    label_encoding: Literal["png", "none"] = field(
        "none", title="Label Encoding", choices={"png": "PNG (lossless)", "none": "None"},
        description="How each label that is a picture is stored; numbers are stored as they are.",
    )  # fmt: skip
    batch_size: int = field(32, title="Encoder batch size", description="Records written at once.", ge=1, le=10_000)
    num_threads: int = field(
        4, title="Number of encoder threads", description="Pictures are read by so many threads.", ge=1, le=64
    )
    backend: Literal["lmdb"] = field(
        "lmdb", title="DB backend", choices={"lmdb": "LMDB"}, description="The kind of database."
    )
    force_same_shape: Literal[1, 0] = field(
        1, title="Enforce same shape", choices={1: "Yes", 0: "No"},
        description="Pictures of another size than the first are refused. Without it sizes may differ: then there is no mean, and the "
        "batch size of a training is 1.",
    )  # fmt: skip


class Size(Spec):
    """The size that pictures are brought to."""

    prefix: ClassVar[str] = "resize_"

    width: int | None = field(
        None, title="Width", unit="px", placeholder="as stored", ge=1, le=30_000,
        description="Pictures are brought to this width; blank leaves their size.",
    )  # fmt: skip
    height: int | None = field(
        None, title="Height", unit="px", placeholder="as stored", ge=1, le=30_000,
        description="Pictures are brought to this height; blank leaves their size.",
    )  # fmt: skip
    mode: Literal["crop", "squash", "fill", "half_crop"] = field(
        "squash", title="Resize Transformation",
        choices={"crop": "Crop", "squash": "Squash", "fill": "Fill", "half_crop": "Half crop, half fill"},
        description="What happens to a picture of another shape.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _both_or_neither(self) -> Size:
        if (self.width is None) != (self.height is None):
            raise FieldError("height" if self.height is None else "width", "Give width and height, or neither.")
        return self


class PairSpec(DatasetSpec):
    """A dataset whose records are a picture and a label of any form."""

    storage: Storage = Storage()
    random_seed: int | None = field(
        None, title="Random seed", placeholder="none", ge=0, le=2**32 - 1,
        description="With a seed, two runs make the same dataset.",
    )  # fmt: skip


CHANNELS = {"RGB": "RGB", "L": "Grayscale", "none": "None"}
"""What a channel conversion may be."""
CHANNELS_WORDS = "Pictures are made colour or grey, or stay as they are; then all must have the channels of the first."
