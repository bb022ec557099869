"""What a network's ``build_model`` is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_OTHER_NAMES = {"nclasses": "num_classes", "inputShape": "input_shape"}
"""DIGITS' names."""


@dataclass(frozen=True)
class Params:
    """``params.num_classes`` or ``params["num_classes"]``, as one likes; DIGITS' ``nclasses`` and ``inputShape`` are understood too."""

    num_classes: int
    input_shape: tuple[int, int, int]
    """(channels, height, width) of what the network sees: the dataset's pictures, cut to the form's crop size."""
    ngpus: int = 0
    crop_size: int | None = None
    """The form's; None where it leaves that to the network."""

    @property
    def nclasses(self) -> int:
        """DIGITS' name for ``num_classes``."""
        return self.num_classes

    @property
    def inputShape(self) -> tuple[int, int, int]:  # noqa: N802 - DIGITS' name
        """DIGITS' name for ``input_shape``."""
        return self.input_shape

    def __getitem__(self, name: str) -> Any:
        """Return the parameter ``name``.

        Raises:
            KeyError: there is none.
        """
        known = _OTHER_NAMES.get(name, name)
        if known not in self.__dataclass_fields__:
            raise KeyError(name)
        return getattr(self, known)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the parameter ``name``, ``default`` where there is none."""
        try:
            return self[name]
        except KeyError:
            return default
