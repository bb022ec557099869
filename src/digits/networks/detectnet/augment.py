"""DetectNet's changes of a picture and its boxes: colour, mirror, size, rotation, place; each by chance.

Legend: a picture is (height, width, 3), float32, BGR.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.caffeproto import caffe_pb2
from digits.networks.detectnet import boxes as table
from digits.networks.detectnet.boxes import Boxes

Picture = NDArray[np.float32]
Param = caffe_pb2.DetectNetAugmentationParameter
NUM_DRAWS = 12
"""Numbers that one picture takes, whatever is done with them: so each picture's are its own."""


def augmented(
    picture: Picture, boxes: Boxes, param: Param, size: tuple[int, int], draws: Sequence[float]
) -> tuple[Picture, Boxes]:
    """Return the picture changed, and cut out at a place that is drawn too, with its boxes.

    Args:
        picture: as it was stored.
        boxes: its table.
        param: how often, and how much.
        size: height and width to be cut out.
        draws: ``NUM_DRAWS`` numbers from 0 to 1; the first of two says whether, the second how much.
    """
    happens = [draws[index] <= chance for index, chance in _chances(param)]
    if happens[0]:
        picture = _hue_turned(picture, _between(-param.hue_rotation, param.hue_rotation, draws[1]))
    if happens[1]:
        picture = _paled(picture, param.desaturation_max * draws[3])
    if happens[2]:
        picture, boxes = picture[:, ::-1], table.flipped(boxes, picture.shape[1])
    if happens[3]:
        picture, boxes = _scaled(picture, boxes, _between(param.scale_min, param.scale_max, draws[6]))
    if happens[4]:
        picture, boxes = _turned(picture, boxes, _between(-param.max_rotate_degree, param.max_rotate_degree, draws[8]))
    if not happens[5]:
        return cut(picture, boxes, size)
    y = _offset(picture.shape[0] - size[0], param.shift_y, draws[11])
    x = _offset(picture.shape[1] - size[1], param.shift_x, draws[10])
    return cut(picture, boxes, size, at=(y, x))


def cut(
    picture: Picture, boxes: Boxes, size: tuple[int, int], *, at: tuple[int, int] = (0, 0)
) -> tuple[Picture, Boxes]:
    """Return the part of ``size`` that begins at ``at``, black where there is no picture, with the boxes as seen from there."""
    part = np.zeros((*size, picture.shape[2]), np.float32)
    begin = [max(0, offset) for offset in at]
    end = [min(have, offset + want) for have, offset, want in zip(picture.shape, at, size, strict=False)]
    if all(b < e for b, e in zip(begin, end, strict=True)):
        inner = [slice(b - offset, e - offset) for b, e, offset in zip(begin, end, at, strict=True)]
        part[inner[0], inner[1]] = picture[begin[0] : end[0], begin[1] : end[1]]
    return part, table.moved(boxes, at[1], at[0])


def _chances(param: Param) -> tuple[tuple[int, float], ...]:
    """Return which draw decides, and the chance: of hue, saturation, mirror, size, rotation and place."""
    return (
        (0, param.hue_rotation_prob), (2, param.desaturation_prob), (4, param.flip_prob),
        (5, param.scale_prob), (7, param.rotation_prob), (9, param.crop_prob),
    )  # fmt: skip


def _hue_turned(picture: Picture, degrees: float) -> Picture:
    hsv = np.asarray(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_BGR2HSV), np.float32)
    hsv[..., 0] = (hsv[..., 0] + degrees) % 360
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), np.float32)


def _paled(picture: Picture, amount: float) -> Picture:
    grey = np.asarray(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_BGR2GRAY), np.float32)[..., None]
    return picture + (grey - picture) * np.float32(amount)


def _scaled(picture: Picture, boxes: Boxes, factor: float) -> tuple[Picture, Boxes]:
    height, width = picture.shape[:2]
    new = max(1, round(width * factor)), max(1, round(height * factor))
    larger = np.asarray(cv2.resize(np.ascontiguousarray(picture), new, interpolation=cv2.INTER_CUBIC), np.float32)
    return larger, table.scaled(boxes, new[0] / width, new[1] / height)


def _turned(picture: Picture, boxes: Boxes, degrees: float) -> tuple[Picture, Boxes]:
    height, width = picture.shape[:2]
    about_pixel = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    about_edge = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turned = cv2.warpAffine(np.ascontiguousarray(picture), about_pixel, (width, height))
    return np.asarray(turned, np.float32), table.turned(boxes, np.asarray(about_edge, np.float64))


def _offset(surplus: int, shift: int, draw: float) -> int:
    """Return where to begin: anywhere in what is too much (or from before what is too little), and ``shift`` beyond on both sides."""
    least, most = min(0, surplus) - shift, max(0, surplus) + shift
    return min(most, least + int(draw * (most - least + 1)))


def _between(least: float, most: float, draw: float) -> float:
    return least + (most - least) * draw
