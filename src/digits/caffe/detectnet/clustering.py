"""From DetectNet's grid to lists of boxes: a cell that covers an object says where its box lies, and many cells say it of one.

Legend: coverage (N, classes, grid height, grid width); boxes (N, 4, grid height, grid width), corners from the cell's own corner; a list is
(N, 50, 5): left, top, right, bottom, confidence; rows of 0 after the last box.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from digits.caffe.detectnet.grouping import group_rectangles
from digits.networks.caffe.arrays import ArrayBlob
from digits.networks.caffe.python_layer import Layer

MAX_BOXES = 50
Box = tuple[float, float, float, float, float]


class _Lists(Layer):
    """What both layers share: ``param_str``, and tops that are lists, one a class."""

    num_numbers = 0
    """Numbers in ``param_str``."""

    def setup(self, bottom: Sequence[ArrayBlob], top: Sequence[ArrayBlob]) -> None:
        """Read ``param_str``: width and height of the picture, stride of the grid, ..., classes."""
        self.numbers = [float(part) for part in self.param_str.split(",") if part.strip()]
        if len(self.numbers) != self.num_numbers:
            raise ValueError(f"param_str has {len(self.numbers)} numbers, and {self.num_numbers} are wanted")
        if len(bottom) != 2 or len(top) != int(self.numbers[-1]):
            raise ValueError(f"coverage and boxes are wanted, and {int(self.numbers[-1])} tops, one a class")

    def reshape(self, bottom: Sequence[ArrayBlob], top: Sequence[ArrayBlob]) -> None:
        """Make each top a list for each picture."""
        for each in top:
            each.reshape(bottom[0].shape[0], MAX_BOXES, 5)

    def forward(self, bottom: Sequence[ArrayBlob], top: Sequence[ArrayBlob]) -> None:
        """Fill the lists."""
        coverage, boxes = bottom[0].data, bottom[1].data
        for index, each in enumerate(top):
            for picture, listed in enumerate(each.data):
                fill_list(listed, self.boxes(coverage[picture, index], boxes[picture]))

    @abstractmethod
    def boxes(self, coverage: NDArray[np.float32], boxes: NDArray[np.float32]) -> Iterable[Box]:
        """Return the boxes of one class in one picture."""

    def corners(self, cells: NDArray[np.bool_], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (cells, 4) corners in pixels of the picture, as the chosen cells say."""
        rows, columns = np.nonzero(cells)
        stride = self.numbers[2]
        offsets = np.stack([columns * stride, rows * stride, columns * stride, rows * stride])
        return np.asarray((boxes[:, rows, columns] + offsets).T, np.float32)


class ClusterGroundtruth(_Lists):
    """The true boxes, each once; ``param_str`` "width, height, stride, classes"."""

    num_numbers = 4

    def boxes(self, coverage: NDArray[np.float32], boxes: NDArray[np.float32]) -> Iterable[Box]:
        """Return the boxes of all covered cells."""
        rows = [tuple(row) for row in self.corners(coverage > 0, boxes).tolist()]
        return [(left, top, right, bottom, 0.0) for left, top, right, bottom in dict.fromkeys(rows)]


class ClusterDetections(_Lists):
    """The found boxes; ``param_str`` "width, height, stride, coverage, count, eps, least height, classes".

    Cells of at least that coverage vote; boxes of no more than count votes, or not so high, are left out; the confidence is the logarithm of the votes.
    """

    num_numbers = 8

    def boxes(self, coverage: NDArray[np.float32], boxes: NDArray[np.float32]) -> Iterable[Box]:
        """Return what the cells have voted for."""
        threshold, votes, eps, least_height = self.numbers[3:7]
        corners = self.corners(coverage >= threshold, boxes)
        rects = np.column_stack([corners[:, :2], corners[:, 2:] - corners[:, :2]]).astype(np.int64)
        found = group_rectangles(list(rects), int(votes), eps)
        return [
            (float(x), float(y), float(x + width), float(y + height), math.log(count))
            for (x, y, width, height), count in found
            if height >= least_height
        ]


def fill_list(listed: NDArray[np.float32], boxes: Iterable[Box]) -> None:
    """Write boxes into a list of one picture. Values have the precision of half floats, as NVCaffe's have.

    Raises:
        ValueError: there are more boxes than a list takes.
    """
    rows = np.array(list(boxes), np.float16).reshape(-1, 5)
    if len(rows) > len(listed):
        raise ValueError(f"{len(rows)} boxes in one picture, and {len(listed)} are the most")
    listed[...] = 0
    listed[: len(rows)] = rows
