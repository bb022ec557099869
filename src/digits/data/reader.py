"""What a dataset gives to whoever trains or tests on it, whatever files it is made of.

Legend: HWC = height, width, channels of uint8; channel order RGB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

TargetKind = Literal["class", "classes", "vector", "mask", "boxes", "image", "tokens"]


Answer = int | tuple[float, ...]
"""What a picture stands for: a class id ("class"), the ids of its classes ("classes"), numbers ("vector")."""


@dataclass(frozen=True)
class Sample:
    """One picture with its answer."""

    image_HWC: NDArray[np.uint8]
    target: Answer
    source: str


@dataclass(frozen=True)
class PairSample:
    """One picture with an array that it stands for."""

    image_HWC: NDArray[np.uint8]
    label: NDArray[Any]
    """"mask": uint8 [H, W] of class ids (the ignore label where no class is meant); "image": uint8 [H, W, C]; else float32, of any shape."""
    source: str


class Reader(Protocol):
    """What all readers have: a database (train, val or test) of a dataset; picklable, opened lazily.

    A ``DatasetReader`` has an answer of a few numbers for each picture, a ``PairReader`` an array.
    """

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in order of their ids, where the kind has any; for "vector" those of the numbers."""

    @property
    def sample_shape(self) -> tuple[int, int, int] | None:
        """(height, width, channels) of every picture; None where they differ, and are read one by one."""

    @property
    def target_kind(self) -> TargetKind:
        """What kind of answer the targets are."""

    def __len__(self) -> int:
        """Return the number of records."""


@runtime_checkable
class DatasetReader(Reader, Protocol):
    """Random access to one database whose answers all fit into memory."""

    @property
    def sample_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of every picture."""

    def __getitem__(self, index: int) -> Sample:
        """Return record ``index``."""

    def targets(self) -> NDArray[Any]:
        """Return the answers of all records, in order.

        For "class" int64 [N]; for "classes" uint8 [N, classes], 1 where a picture is of a class; for "vector" float32 [N, numbers].
        """

    def decode_all(self, out: NDArray[np.uint8], progress: ProgressCall | None = None) -> None:
        """Decode every record into ``out`` [N, H, W, C] in threads; ``out`` may be a memory map."""


@runtime_checkable
class PairReader(Reader, Protocol):
    """The same for pictures whose answers are arrays: of kind "mask" and "image" as large as a picture, else a few numbers."""

    @property
    def ignore_label(self) -> int | None:
        """Of masks: the value of pixels that have no class; None where all have one."""

    @property
    def palette(self) -> NDArray[np.uint8]:
        """Of masks: the colours of the classes, [classes, 3] of RGB."""

    @property
    def label_shape(self) -> tuple[int, ...] | None:
        """The shape of every label; None where they differ."""

    def __getitem__(self, index: int) -> PairSample:
        """Return record ``index``."""

    def targets(self) -> NDArray[Any]:
        """Return the answers of all records, in order, where they are small: [N, *label_shape]."""

    def decode_all(
        self, images: NDArray[np.uint8], targets: NDArray[Any], progress: ProgressCall | None = None
    ) -> None:
        """Decode every record into ``images`` [N, H, W, C] and ``targets`` [N, *label_shape]; either may be a memory map."""


Records = DatasetReader | PairReader
"""What a dataset type gives."""


class ProgressCall(Protocol):
    """Told now and then how many of how many are done; may raise to stop the work."""

    def __call__(self, done: int, total: int, /) -> None:
        """Hear it."""
