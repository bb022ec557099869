"""What a view of a network's outputs is given, and what it gives back: see ``digits.core.extensions.ViewExtension``.

Legend: HW = height, width of class ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from digits.data.reader import TargetKind

Outputs = Mapping[str, NDArray[np.float32]]
"""The outputs of a network for one picture by name, each with a batch axis of 1."""


@dataclass(frozen=True)
class Truth:
    """What a picture should be: the label that its dataset has for it, as a reader gives it, in the pixels of the picture that is shown."""

    kind: TargetKind
    label: NDArray[Any]
    """Of "mask" [H, W] and of "image" [H, W, C] uint8; of "boxes" float32 [M, 6]; else numbers, or class ids."""


@dataclass(frozen=True)
class ViewFacts:
    """What is known of the model and of the picture beside the outputs."""

    labels: tuple[str, ...] = ()
    """The names of the classes, in order of their ids."""
    palette: NDArray[np.uint8] | None = None
    """The colours of the classes as the dataset has them, [classes, 3]."""
    ignore_label: int | None = None
    truth: Truth | None = None
    """What the picture should be, where that is known."""
    target_kind: str = ""
    """What the model was trained for, "" where that is not known."""
    dataset: Mapping[str, Any] = field(default_factory=dict)
    """What the dataset's extension says of it: the ``alphabet`` of texts."""

    def true_labels(self, kind: TargetKind) -> NDArray[Any] | None:
        """Return what the picture should be, where that is known and of ``kind``."""
        return self.truth.label if self.truth is not None and self.truth.kind == kind else None


@dataclass(frozen=True)
class Rendered:
    """A view of one picture: ``told`` is JSON for the template, ``pngs`` are its pictures by name."""

    told: Mapping[str, Any]
    pngs: Mapping[str, bytes] = field(default_factory=dict)


class Render(Protocol):
    """What ``ViewExtension.render`` names."""

    def __call__(self, outputs: Outputs, picture_HWC: NDArray[np.uint8], facts: ViewFacts, spec: Any, /) -> Rendered:
        """Return the view of the outputs for a picture of uint8, 1 or 3 channels (RGB).

        Raises:
            DataError: none of the outputs can be shown so.
        """
