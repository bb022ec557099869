"""Source of ``WindowData`` (R-CNN): windows cut out of the pictures of a list, so many with an object as background; squeezed to one size.

Legend: a list has, for each picture, "# number", its path, channels, height, width, the number of windows, and then "class overlap x1 y1 x2 y2"
a window, corners included.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.caffe.sources.image_data import read_picture
from digits.caffe.sources.registry import Asked, Source, source
from digits.core.errors import DataError
from digits.data.mean import read_mean
from digits.networks.layers.registry import Shape

_MODES = ("warp", "square")


@source("WindowData")
def window_data(asked: Asked) -> Source:
    """Return the source of a ``WindowData`` layer.

    Raises:
        DigitsError: the list cannot be read, or has no window of a kind that is asked for.
    """
    return WindowSource(asked)


@dataclass(frozen=True)
class Window:
    """A part of a picture and the class of what lies in it; ``overlap`` with the true box, 0 to 1."""

    picture: int
    kind: int
    overlap: float
    corners: tuple[int, int, int, int]


class WindowSource:
    """Batches of (windows, labels): background first, then ``fg_fraction`` of objects, both drawn anew each time."""

    def __init__(self, asked: Asked) -> None:
        param, self._asked = asked.message.window_data_param, asked
        where = asked.layer.error("", "window_data_param.source", "window_data_param").where
        self._side = asked.message.transform_param.crop_size
        if not param.batch_size or not self._side:
            raise asked.layer.error("batch_size and crop_size must be given and be at least 1.", "window_data_param")
        if param.crop_mode not in _MODES:
            raise asked.layer.error(f"crop_mode {param.crop_mode!r} is neither warp nor square.", "window_data_param.crop_mode")  # fmt: skip
        if 2 * param.context_pad >= self._side:
            raise asked.layer.error("context_pad leaves nothing of crop_size.", "window_data_param.context_pad")
        listed = asked.folders.find(param.source, what="list of windows", where=where)
        self._paths, windows = read_windows(listed)
        self._listed, self._folders = listed, (Path(), listed.parent)
        self._objects = [each for each in windows if each.kind > 0 and each.overlap >= param.fg_threshold]
        self._background = [each for each in windows if each.overlap < param.bg_threshold]
        self._num_objects = int(param.batch_size * param.fg_fraction)
        for number, kind, field in (
            (self._num_objects, self._objects, "fg_threshold"),
            (param.batch_size - self._num_objects, self._background, "bg_threshold"),
        ):
            if number and not kind:
                words = f"The list has no window for {field} {getattr(param, field):g}."
                raise DataError(words, where=str(listed))
        self._param = param
        self._mean = _mean(asked, self._side)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Of windows and labels."""
        return (self._param.batch_size, 3, self._side, self._side), (self._param.batch_size,)

    def next(self) -> tuple[Tensor, ...]:
        """Return the next batch.

        Raises:
            DataError: a picture cannot be read.
        """
        chance, count = self._asked.chance, self._param.batch_size
        batch, labels = np.zeros(self.shapes[0], np.float32), np.zeros(count, np.float32)
        for index in range(count):
            is_object = index >= count - self._num_objects
            kind = self._objects if is_object else self._background
            window = kind[int(chance.integers(len(kind)))]
            mirrored = self._asked.message.transform_param.mirror and bool(chance.random() < 0.5)
            batch[index] = self._cut(window, mirrored)
            labels[index] = window.kind if is_object else 0
        return torch.from_numpy(batch), torch.from_numpy(labels)

    def close(self) -> None:
        """Do nothing."""

    def _cut(self, window: Window, mirrored: bool) -> NDArray[np.float32]:
        """Return the window as (3, side, side), less the mean, times the scale; 0 where it reaches beyond the picture."""
        image_HWC = self._picture(window.picture)
        place = fit(window.corners, image_HWC.shape[:2], self._side, self._param.context_pad, self._param.crop_mode == "square")  # fmt: skip
        left, top, right, bottom = place.part
        part = np.ascontiguousarray(image_HWC[top : bottom + 1, left : right + 1])
        part = np.asarray(cv2.resize(part, place.size, interpolation=cv2.INTER_LINEAR), np.uint8)
        row, column = place.at
        if mirrored:
            part, column = part[:, ::-1], self._side - place.at[1] - place.size[0]
        inside = slice(row, row + place.size[1]), slice(column, column + place.size[0])
        made = np.zeros((3, self._side, self._side), np.float32)
        made[:, *inside] = (part.transpose(2, 0, 1) - self._mean[:, *inside]) * self._asked.message.transform_param.scale  # fmt: skip
        return made

    def _picture(self, number: int) -> NDArray[np.uint8]:
        name = self._param.root_folder + self._paths[number]
        path = next((folder / name for folder in self._folders if (folder / name).exists()), Path(name))
        return read_picture(path, 3, where=str(self._listed))


@dataclass(frozen=True)
class Place:
    """Which part of a picture is taken (corners included), the (width, height) it is squeezed to, and at which (row, column) it lies."""

    part: tuple[int, int, int, int]
    size: tuple[int, int]
    at: tuple[int, int]


def fit(corners: tuple[int, int, int, int], picture: tuple[int, ...], side: int, pad: int, is_square: bool) -> Place:
    """Return how a window becomes ``side`` x ``side`` pixels, ``pad`` of which, on each side, show what is around it.

    Args:
        corners: of the window, included.
        picture: its (height, width).
        side: of what the network takes.
        pad: pixels of context.
        is_square: take the smallest square around the window instead of squeezing it.
    """
    height, width = picture
    x1, y1, x2, y2 = corners
    grown = side / (side - 2 * pad)
    half_w, half_h = (x2 - x1 + 1) / 2, (y2 - y1 + 1) / 2
    centre_x, centre_y = x1 + half_w, y1 + half_h
    if is_square:
        half_w = half_h = max(half_w, half_h)
    if pad or is_square:
        x1, x2 = _round(centre_x - half_w * grown), _round(centre_x + half_w * grown)
        y1, y2 = _round(centre_y - half_h * grown), _round(centre_y + half_h * grown)
    scale_x, scale_y = side / (x2 - x1 + 1), side / (y2 - y1 + 1)
    left, top = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    right, bottom = min(max(x2, left), width - 1), min(max(y2, top), height - 1)
    at = _round(max(0, -y1) * scale_y), _round(max(0, -x1) * scale_x)
    size = [max(1, _round((bottom - top + 1) * scale_y)), max(1, _round((right - left + 1) * scale_x))]
    row, column = min(at[0], side - 1), min(at[1], side - 1)
    return Place((left, top, right, bottom), (min(size[1], side - column), min(size[0], side - row)), (row, column))


def _round(value: float) -> int:
    """Return the nearest whole number; of two, the one farther from 0, as C does."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def read_windows(path: Path) -> tuple[list[str], list[Window]]:
    """Return the pictures' paths and all windows of a list.

    Raises:
        DataError: the list ends early, or a line is not what belongs there; with its line.
    """
    lines = enumerate(path.read_text(encoding="utf-8", errors="surrogateescape").splitlines(), 1)
    words = ((number, line.strip()) for number, line in lines if line.strip())
    paths: list[str] = []
    windows: list[Window] = []
    for number, line in words:
        if not line.startswith("#"):
            raise DataError(f"{line[:40]!r} is no '# number' of a picture.", where=f"{path}:{number}")
        paths.append(_take(words, path, number)[1])
        _, _, _, count = (_numbers(words, path, number, 1)[0] for _ in range(4))
        for _ in range(int(count)):
            kind, overlap, *corners = _numbers(words, path, number, 6)
            x1, y1, x2, y2 = (int(value) for value in corners)
            if x2 < x1 or y2 < y1:
                raise DataError("A window ends before it begins.", where=f"{path}: picture {len(paths)}")
            windows.append(Window(len(paths) - 1, int(kind), overlap, (x1, y1, x2, y2)))
    if not windows:
        raise DataError("The list names no window.", where=str(path))
    return paths, windows


def _take(words: Iterator[tuple[int, str]], path: Path, number: int) -> tuple[int, str]:
    try:
        return next(words)
    except StopIteration:
        raise DataError("The list ends early.", where=f"{path}:{number}") from None


def _numbers(words: Iterator[tuple[int, str]], path: Path, number: int, count: int) -> list[float]:
    number, line = _take(words, path, number)
    try:
        values = [float(part) for part in line.split()]
    except ValueError:
        values = []
    if len(values) != count or not np.all(np.isfinite(values)):
        raise DataError(f"{line[:40]!r} is not {count} number{'s' * (count > 1)}.", where=f"{path}:{number}")
    return values


def _mean(asked: Asked, side: int) -> NDArray[np.float32]:
    """Return what is taken off: 0, colours, or the middle of the mean picture; (3, side, side).

    Raises:
        DigitsError: it does not go with the windows.
    """
    param = asked.message.transform_param
    if param.HasField("mean_file"):
        path = asked.folders.find(param.mean_file, what="mean file", where=asked.layer.error("").where)
        mean = read_mean(path)
        top, left = ((size - side) // 2 for size in mean.shape[1:])
        if mean.shape[0] != 3 or top < 0 or left < 0:
            raise DataError(f"The mean is {' x '.join(map(str, mean.shape))}: too small for crops of {side}.", where=str(path))  # fmt: skip
        return np.asarray(mean[:, top : top + side, left : left + side], np.float32)
    if len(param.mean_value) not in (0, 1, 3):
        raise asked.layer.error("give one mean_value, or three.", "transform_param.mean_value")
    colours = np.array(param.mean_value or [0], np.float32)[:, None, None]
    return np.broadcast_to(colours, (3, side, side))
