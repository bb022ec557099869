"""DetectNet's grid: what each cell of ``stride`` x ``stride`` pixels has to answer.

Channels: 0 foreground; 1 to 4 left, top, right and bottom of the box, from the cell's own left and top; 5 and 6 one over the box's width and
height; 7 the cell's weight by the size of its object; from 8 on the coverage of each class.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digits.caffeproto import caffe_pb2
from digits.networks.detectnet.boxes import CLASS, HEIGHT, WIDTH, Boxes, X, Y, clipped, with_area

Param = caffe_pb2.DetectNetGroundTruthParameter
NUM_COMMON = 8
_LEAST_SHARED = 1e-7  # square pixels that a cell must share with what covers it


def classes_of(param: Param) -> dict[int, int]:
    """Return which class of the labels is which class of the grid; class 1 is the only one where nothing is said."""
    return {each.src: each.dst for each in param.object_class} or {1: 0}


def grid_shape(param: Param) -> tuple[int, int, int]:
    """Return (channels, height, width): a channel for each class up to the highest that is named."""
    channels = NUM_COMMON + max(classes_of(param).values()) + 1
    return channels, param.image_size_y // param.stride, param.image_size_x // param.stride


def grid_of(boxes: Boxes, param: Param) -> NDArray[np.float32]:
    """Return the grid of a table of boxes.

    A cell that several boxes cover tells of the last one; the coverage channels keep what each class covers. Boxes of classes that the map does
    not name are passed over.
    """
    grid = np.zeros(grid_shape(param), np.float32)
    classes = classes_of(param)
    boxes = clipped(boxes, param.image_size_x, param.image_size_y) if param.crop_bboxes else with_area(boxes)
    lefts, tops = (np.arange(size) * param.stride for size in (grid.shape[2], grid.shape[1]))
    for box in boxes:
        if int(box[CLASS]) not in classes:
            continue
        width, height = float(box[WIDTH]), float(box[HEIGHT])
        left, top = float(box[X]), float(box[Y])
        covering = _covering(width, param), _covering(height, param)
        shared_x = _shared(lefts, param.stride, left + (width - covering[0]) / 2, covering[0])
        shared_y = _shared(tops, param.stride, top + (height - covering[1]) / 2, covering[1])
        rows, columns = np.nonzero(np.outer(shared_y, shared_x) > _LEAST_SHARED)
        norm = param.stride**2 / (covering[0] * covering[1])
        grid[0, rows, columns] = 1
        grid[1, rows, columns] = left - lefts[columns]
        grid[2, rows, columns] = top - tops[rows]
        grid[3, rows, columns] = left + width - lefts[columns]
        grid[4, rows, columns] = top + height - tops[rows]
        grid[5, rows, columns] = 1 / width
        grid[6, rows, columns] = 1 / height
        grid[7, rows, columns] = norm if param.obj_norm else max(norm, 1)
        grid[NUM_COMMON + classes[int(box[CLASS])], rows, columns] = 1
    return grid


def _covering(side: float, param: Param) -> float:
    """Return how much of a box's side covers cells: a share of it, kept from growing too long (MAX) or too short (MIN)."""
    length = side * param.scale_cvg
    if param.gridbox_type == Param.GRIDBOX_MAX:
        return min(length, param.max_cvg_len)
    return min(side, max(length, param.min_cvg_len))


def _shared(begins: NDArray[np.int64], stride: int, begin: float, length: float) -> NDArray[np.float64]:
    """Return how many pixels of each row (or column) of cells lie between ``begin`` and ``begin + length``."""
    shared = np.minimum(begins + stride, begin + length) - np.maximum(begins, begin)
    return np.asarray(shared.clip(min=0), np.float64)
