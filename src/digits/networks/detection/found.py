"""From a grid of scores and boxes to the boxes that are found: peaks, the best of them, and of those that overlap one.

Legend: N pictures, K boxes of each; a row is (left, top, right, bottom, confidence, class), confidence 0 where there is no box.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from digits.networks.detection.grid import corners

MOST = 100
"""Boxes of a picture, as COCO counts them."""
OVERLAP = 0.6
"""Intersection over union from which on two boxes of one class are the same thing."""
CONFIDENCE = 4
_LEAST = 0.01  # a box of less confidence helps nobody


def boxes_of(output: Tensor, size: tuple[int, int], *, most: int = MOST, overlap: float = OVERLAP) -> Tensor:
    """Return what a network's output says: [N, most, 6], the surest first, inside the picture.

    Args:
        output: [N, classes + 4, h, w] as the package says.
        size: (height, width) of the network's input, in whose pixels the boxes are.
        most: boxes of a picture.
        overlap: from which two boxes of one class are one.
    """
    output = output.float()
    num_classes = output.shape[1] - 4
    height, width = output.shape[2:]
    scores = output[:, :num_classes].sigmoid()
    peaks = scores * (scores == F.max_pool2d(scores, 3, stride=1, padding=1))
    confidence, index = peaks.flatten(1).topk(min(most, num_classes * height * width), dim=1)
    sides = corners(output[:, num_classes:], (size[0] / height, size[1] / width)).flatten(2)
    cell = index % (height * width)
    boxes = sides.gather(2, cell[:, None, :].expand(-1, 4, -1)).transpose(1, 2)
    limits = torch.tensor([size[1], size[0]] * 2, device=boxes.device, dtype=boxes.dtype)
    boxes = torch.minimum(boxes.clamp(min=0), limits)
    classes = index // (height * width)
    keep = non_maximum_suppression(boxes, classes, overlap) & (confidence >= _LEAST)
    rows = torch.cat((boxes, confidence[:, :, None], classes[:, :, None].to(boxes.dtype)), dim=2) * keep[:, :, None]
    order = rows[:, :, CONFIDENCE].argsort(dim=1, descending=True, stable=True)
    rows = rows.gather(1, order[:, :, None].expand_as(rows))
    return F.pad(rows, (0, 0, 0, most - rows.shape[1]))


def non_maximum_suppression(boxes: Tensor, classes: Tensor, overlap: float) -> Tensor:
    """Return which boxes stay: one that overlaps a surer one of its class, which stays, goes.

    Args:
        boxes: [N, K, 4], the surest first.
        classes: [N, K].
        overlap: the largest intersection over union that two boxes may have.
    """
    areas = (boxes[:, :, 2:] - boxes[:, :, :2]).clamp(min=0).prod(-1)
    low = torch.maximum(boxes[:, :, None, :2], boxes[:, None, :, :2])
    high = torch.minimum(boxes[:, :, None, 2:], boxes[:, None, :, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    union = areas[:, :, None] + areas[:, None, :] - shared
    rivals = (shared > overlap * union) & (classes[:, :, None] == classes[:, None, :])
    keep = torch.ones_like(classes, dtype=torch.bool)
    count = boxes.shape[1]
    later = torch.ones(count, count, dtype=torch.bool, device=boxes.device).triu(1)
    for index in range(count):  # each step for all pictures at once
        keep &= ~(keep[:, index, None] & rivals[:, index] & later[index])
    return keep
