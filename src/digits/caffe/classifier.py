"""``caffe.Classifier``: a network that answers for pictures, on the mean of ten crops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digits.caffe import io
from digits.caffe.net import TEST, Net


class Classifier(Net):
    """A network with how its pictures are made ready.

    Args:
        model_file: the deploy prototxt.
        pretrained_file: its weights.
        image_dims: (height, width) that pictures are resized to before they are cropped; the input's if None.
        mean: see ``Transformer.set_mean``.
        input_scale: see ``Transformer.set_input_scale``.
        raw_scale: see ``Transformer.set_raw_scale``.
        channel_swap: see ``Transformer.set_channel_swap``.
    """

    def __init__(
        self,
        model_file: str | Path,
        pretrained_file: str | Path,
        image_dims: Sequence[int] | None = None,
        mean: ArrayLike | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
    ) -> None:
        super().__init__(model_file, TEST, weights=pretrained_file)
        self.transformer = transformer_of(self, mean, input_scale, raw_scale, channel_swap)
        self.crop_dims = tuple(self.blobs[self.inputs[0]].shape[2:])
        self.image_dims = self.crop_dims if image_dims is None else tuple(int(size) for size in image_dims)

    def predict(self, inputs: Iterable[ArrayLike], oversample: bool = True) -> NDArray[np.float32]:
        """Return the network's first output for each picture (H, W, channels), (pictures, classes).

        Args:
            inputs: the pictures.
            oversample: take the mean of ten crops of each; else the centre alone.
        """
        pictures = np.stack([io.resize_image(np.asarray(each), self.image_dims) for each in inputs])
        if oversample:
            crops = io.oversample(pictures, self.crop_dims)
        else:
            top, left = ((whole - part) // 2 for whole, part in zip(self.image_dims, self.crop_dims, strict=True))
            crops = pictures[:, top : top + self.crop_dims[0], left : left + self.crop_dims[1]]
        name = self.inputs[0]
        ready = np.stack([self.transformer.preprocess(name, crop) for crop in crops])
        answers: NDArray[np.float32] = self.forward_all(**{name: ready})[self.outputs[0]]
        if not oversample:
            return answers
        means: NDArray[np.float32] = answers.reshape(len(pictures), 10, -1).mean(axis=1)
        return means


def transformer_of(
    net: Net,
    mean: ArrayLike | None,
    input_scale: float | None,
    raw_scale: float | None,
    channel_swap: Sequence[int] | None,
) -> io.Transformer:
    """Return how pictures (H, W, channels) become the first input of a network."""
    name = net.inputs[0]
    transformer = io.Transformer({each: net.blobs[each].shape for each in net.inputs})
    transformer.set_transpose(name, (2, 0, 1))
    if mean is not None:
        transformer.set_mean(name, mean)
    if input_scale is not None:
        transformer.set_input_scale(name, input_scale)
    if raw_scale is not None:
        transformer.set_raw_scale(name, raw_scale)
    if channel_swap is not None:
        transformer.set_channel_swap(name, channel_swap)
    return transformer
