"""What a Keras network is told of its pictures and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

AnswerKind = Literal["class", "classes", "vector"]


@dataclass(frozen=True)
class Params:
    """``params.nclasses`` or ``params["nclasses"]``, as one likes."""

    nclasses: int
    """Classes of the dataset, or numbers that a picture is answered with."""
    input_shape: tuple[int, int, int]
    """(height, width, channels) of what the network sees: the dataset's pictures, cut to the crop size."""
    kind: AnswerKind = "class"
    crop_size: int | None = None
    """The form's; None where it leaves that to the network."""
    is_training: bool = True
    """False where the network only answers."""

    @property
    def num_classes(self) -> int:
        """The name that networks for Torch know it by."""
        return self.nclasses

    def __getitem__(self, name: str) -> Any:
        """Return the parameter ``name``.

        Raises:
            KeyError: there is none.
        """
        if name == "num_classes" or name in self.__dataclass_fields__:
            return getattr(self, name)
        raise KeyError(name)


def params_of(
    size_HWC: tuple[int, int, int], num_classes: int, kind: AnswerKind, crop_size: int | None, own_crop: int | None, *, is_training: bool = True
) -> Params:  # fmt: skip
    """Return what a network is told; the form's crop goes before the network's own, and neither is larger than the picture."""
    height, width, channels = size_HWC
    crop = min(crop_size or own_crop or 0, height, width) or None
    return Params(num_classes, (crop or height, crop or width, channels), kind, crop_size and crop, is_training)
