"""What a grid of scores and boxes learns: a bell at each centre, and the sides of the box around it.

Bells of the boxes' own shape and the weights of their cells are TTFNet's (https://arxiv.org/abs/1909.00700), the focal loss is CenterNet's
(https://arxiv.org/abs/1904.07850), that of the boxes is GIoU (https://arxiv.org/abs/1902.09630).

Legend: N pictures, M rows of boxes, C classes, h and w cells; a row is (class, left, top, right, bottom, ignored), in pixels of the network's
input, class -1 where there is no box.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

CLASS, IGNORED = 0, 5
SIDES = slice(1, 5)
_BELL = 0.54 / 6  # standard deviation of a bell over the side of its box
_SLIMMEST = 0.4  # cells: a bell of a small box is no slimmer
_LEAST = 0.3  # of a bell, where a cell learns the box
_BOXES_COUNT = 5.0  # TTFNet's weight of the boxes beside the scores


def distances(raw: Tensor) -> Tensor:
    """Return, of raw outputs, the distances to the four sides, in cells."""
    return F.softplus(raw)


def corners(raw_N4hw: Tensor, stride: tuple[float, float]) -> Tensor:
    """Return the box that each cell says: [N, 4, h, w] of left, top, right, bottom, in pixels; ``stride`` is (vertical, horizontal)."""
    far = distances(raw_N4hw)
    height, width = raw_N4hw.shape[2:]
    y = torch.arange(height, device=raw_N4hw.device, dtype=far.dtype)[:, None] + 0.5
    x = torch.arange(width, device=raw_N4hw.device, dtype=far.dtype)[None, :] + 0.5
    left, top, right, bottom = x - far[:, 0], y - far[:, 1], x + far[:, 2], y + far[:, 3]
    return torch.stack((left * stride[1], top * stride[0], right * stride[1], bottom * stride[0]), dim=1)


def grid_loss(output: Tensor, targets_NM6: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the loss of every picture: [N].

    Args:
        output: [N, C + 4, h, w] as the package says.
        targets_NM6: the true boxes.
        size: (height, width) of the network's input.
    """
    num_classes = output.shape[1] - 4
    height, width = output.shape[2:]
    stride = (size[0] / height, size[1] / width)
    output = output.float()  # sums over a grid are no work for bfloat16
    is_box = (targets_NM6[:, :, CLASS] >= 0) & (targets_NM6[:, :, IGNORED] == 0)
    bells = _bells(targets_NM6, is_box, (height, width), stride)
    heat = torch.zeros_like(output[:, :num_classes])
    classes = targets_NM6[:, :, CLASS].clamp(0, num_classes - 1).long()
    heat.scatter_reduce_(1, classes[:, :, None, None].expand_as(bells), bells, "amax")
    scores = _focal(output[:, :num_classes], heat, _ignored(targets_NM6, (height, width), stride))
    boxes = _boxes(corners(output[:, num_classes:], stride), targets_NM6, bells)
    count = is_box.sum(1).clamp(min=1)
    return scores / count + _BOXES_COUNT * boxes / count


def _bells(targets: Tensor, is_box: Tensor, cells: tuple[int, int], stride: tuple[float, float]) -> Tensor:
    """Return a bell for each box, 1 at the cell of its centre: [N, M, h, w]; nothing for rows that are no boxes."""
    left, top, right, bottom = targets[:, :, SIDES].unbind(-1)

    def along(low: Tensor, high: Tensor, count: int, step: float) -> Tensor:
        centre = ((low + high) / 2 / step).floor().clamp(0, count - 1)
        spread = ((high - low) / step * _BELL).clamp(min=_SLIMMEST)
        away = torch.arange(count, device=targets.device, dtype=targets.dtype) - centre[:, :, None]
        return torch.exp(-0.5 * (away / spread[:, :, None]) ** 2)

    vertical, horizontal = along(top, bottom, cells[0], stride[0]), along(left, right, cells[1], stride[1])
    return vertical[:, :, :, None] * horizontal[:, :, None, :] * is_box[:, :, None, None]


def _ignored(targets: Tensor, cells: tuple[int, int], stride: tuple[float, float]) -> Tensor:
    """Return which cells lie in boxes that are neither to be found nor wrong to find: bool [N, 1, h, w]."""
    y = (torch.arange(cells[0], device=targets.device) + 0.5) * stride[0]
    x = (torch.arange(cells[1], device=targets.device) + 0.5) * stride[1]
    left, top, right, bottom = (side[:, :, None] for side in targets[:, :, SIDES].unbind(-1))
    rows, columns = (y >= top) & (y < bottom), (x >= left) & (x < right)
    inside = rows[:, :, :, None] & columns[:, :, None, :] & (targets[:, :, IGNORED] > 0)[:, :, None, None]
    return inside.any(1, keepdim=True)


def _focal(logits: Tensor, heat: Tensor, ignored: Tensor) -> Tensor:
    """Return CenterNet's focal loss of every picture, not divided by its boxes yet: [N]."""
    found = logits.sigmoid()
    is_centre = heat == 1
    right = -((1 - found) ** 2) * F.logsigmoid(logits)
    wrong = -((1 - heat) ** 4) * found**2 * F.logsigmoid(-logits)
    return torch.where(is_centre, right, wrong.masked_fill(ignored & ~is_centre, 0.0)).sum((1, 2, 3))


def _boxes(said_N4hw: Tensor, targets: Tensor, bells: Tensor) -> Tensor:
    """Return 1 - GIoU of every picture's boxes, each the mean over its cells as its bell weighs them, summed: [N]."""
    strongest, index = bells.max(1)
    weights = strongest * (strongest >= _LEAST)
    # Each box counts alike, whatever the number of its cells.
    shares = torch.zeros(bells.shape[:2], device=bells.device, dtype=bells.dtype)
    flat, of = weights.flatten(1), index.flatten(1)
    shares.scatter_add_(1, of, flat)
    weights = flat / shares.gather(1, of).clamp(min=1e-6)
    true = targets[:, :, SIDES].gather(1, of[:, :, None].expand(-1, -1, 4))
    return (weights * (1 - giou(said_N4hw.flatten(2).transpose(1, 2), true))).sum(1)


def giou(one: Tensor, other: Tensor) -> Tensor:
    """Return the generalised intersection over union of boxes (..., 4), pair by pair."""
    shared = (
        (torch.minimum(one[..., 2:], other[..., 2:]) - torch.maximum(one[..., :2], other[..., :2]))
        .clamp(min=0)
        .prod(-1)
    )
    around = (
        (torch.maximum(one[..., 2:], other[..., 2:]) - torch.minimum(one[..., :2], other[..., :2]))
        .clamp(min=0)
        .prod(-1)
    )
    union = _area(one) + _area(other) - shared
    return shared / union.clamp(min=1e-6) - (around - union) / around.clamp(min=1e-6)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)
