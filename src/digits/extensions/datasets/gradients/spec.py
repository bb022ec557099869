"""What an image gradients dataset is asked for, and what its models are tested with: DIGITS' fields, defaults and limits."""

from __future__ import annotations

from pydantic import model_validator

from digits.core.spec import FieldError, Spec, field
from digits.extensions.datasets.building.spec import PairSpec


class GradientsSpec(PairSpec):
    """An image gradients dataset."""

    train_image_count: int = field(
        1000, title="Train Image count", description="Pictures for training.", ge=1, le=1_000_000
    )
    val_image_count: int = field(
        250, title="Validation Image count", description="Pictures for validation.", ge=0, le=1_000_000
    )
    test_image_count: int = field(0, title="Test Image count", description="Pictures for testing.", ge=0, le=1_000_000)
    image_width: int = field(32, title="Image Width", unit="px", description="Width of a picture.", ge=2, le=4096)
    image_height: int = field(32, title="Image Height", unit="px", description="Height of a picture.", ge=2, le=4096)


class GradientsInference(Spec):
    """What a model is tested on: one picture of two slopes, or several of any."""

    gradient_x: float | None = field(
        None, title="Gradient (x)", placeholder="0.25", ge=-0.5, le=0.5,
        description="How much brighter the right edge is than the left, as a share of white.",
    )  # fmt: skip
    gradient_y: float | None = field(
        None, title="Gradient (y)", placeholder="-0.1", ge=-0.5, le=0.5,
        description="How much brighter the lower edge is than the upper, as a share of white.",
    )  # fmt: skip
    test_image_count: int | None = field(
        None, title="Test Image count", description="Instead: so many pictures of slopes drawn by chance.", ge=1, le=1000
    )  # fmt: skip

    @model_validator(mode="after")
    def _one_of_both(self) -> GradientsInference:
        given = self.gradient_x is not None, self.gradient_y is not None
        if self.test_image_count is None and not all(given):
            missing = "gradient_y" if given[0] else "gradient_x"
            raise FieldError(missing, "Give both gradients, or a number of pictures.")
        if self.test_image_count is not None and any(given):
            raise FieldError("test_image_count", "Give gradients or a number of pictures, not both.")
        return self
