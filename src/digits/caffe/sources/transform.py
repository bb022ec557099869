"""``transform_param`` of data layers: crop, mean, scale and mirror, with what Caffe draws in which phase.

The arithmetic is ``digits.training.transform``'s; this says where each picture is cut out: anywhere in TRAIN, in the middle in TEST.
The mirror is drawn in both phases.
"""

from __future__ import annotations

import torch
from torch import Tensor

from digits.caffe.sources.registry import Asked
from digits.core.errors import DataError
from digits.data.mean import read_mean
from digits.networks.layers.registry import Shape
from digits.training.transform import Places, Transform, cut


class Transformer:
    """What one data layer does to its pictures."""

    def __init__(self, asked: Asked) -> None:
        """Read the mean file.

        Raises:
            DigitsError: the mean file cannot be used, or both kinds of means are given.
        """
        self._param, self._asked = asked.message.transform_param, asked
        self._mean: Tensor | None = None
        if self._param.HasField("mean_file"):
            if self._param.mean_value:
                words = "mean_file and mean_value cannot both be given."
                raise asked.layer.error(words, "transform_param.mean_value")
            where = asked.layer.error("", "transform_param.mean_file").where
            path = asked.folders.find(self._param.mean_file, what="mean file", where=where, is_file=True)
            self._mean = torch.from_numpy(read_mean(path))
        elif self._param.mean_value:
            self._mean = torch.tensor(list(self._param.mean_value), dtype=torch.float32)[:, None, None]
        self._for: tuple[int, int, int] | None = None
        self._transform = Transform()

    def shape(self, picture: Shape) -> Shape:
        """Return the shape that pictures of shape (C, H, W) get."""
        side = self._param.crop_size
        return (picture[0], side, side) if side else picture

    def __call__(self, images_NCHW: Tensor) -> Tensor:
        """Return a batch of uint8 or float pictures as the network takes them, float32.

        Raises:
            DataError: the crop is larger than the pictures, or the mean does not go with them.
        """
        count, channels, height, width = images_NCHW.shape
        if self._for != (channels, height, width):
            self._fit(channels, height, width)
        side, chance = self._param.crop_size, self._asked.chance
        if not side and not self._param.mirror:
            return self._transform(images_NCHW)
        tops = lefts = torch.zeros(count, dtype=torch.int64)
        if side and self._asked.phase == "TRAIN":
            tops = torch.from_numpy(chance.integers(0, height - side + 1, count))
            lefts = torch.from_numpy(chance.integers(0, width - side + 1, count))
        elif side:
            tops = torch.full((count,), (height - side) // 2)
            lefts = torch.full((count,), (width - side) // 2)
        mirrored = torch.from_numpy(chance.random(count) < 0.5) if self._param.mirror else None
        if side:
            images_NCHW = cut(images_NCHW.contiguous(), torch.arange(count), tops, lefts, side)
        return self._transform(images_NCHW, Places(tops, lefts, mirrored))

    def _fit(self, channels: int, height: int, width: int) -> None:
        side, layer = self._param.crop_size, self._asked.layer
        where = layer.error("", "transform_param.crop_size").where
        if side > min(height, width):
            raise DataError(f"A crop of {side} is larger than the pictures of {width} x {height}.", where=where)
        mean = self._mean
        if mean is not None:
            is_colour = mean.shape[1:] == (1, 1) and self._param.mean_value
            wanted = ((1, 1, 1), (channels, 1, 1)) if is_colour else ((channels, height, width),)
            if tuple(mean.shape) not in wanted:
                sizes = [" x ".join(map(str, shape)) for shape in (tuple(mean.shape), (channels, height, width))]
                raise DataError(f"The mean is {sizes[0]}, and the pictures are {sizes[1]}.", where=where)
        self._transform = Transform(mean_CHW=mean, crop_px=side, scale=self._param.scale)
        self._for = (channels, height, width)
