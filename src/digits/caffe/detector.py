"""``caffe.Detector``: a classifier for windows of pictures, as R-CNN uses it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digits.caffe import io
from digits.caffe.classifier import transformer_of
from digits.caffe.net import TEST, Net

Window = tuple[int, int, int, int]
"""(top, left, bottom, right) in pixels; bottom and right are outside."""


class Detector(Net):
    """A network with how windows of pictures are made ready.

    Args:
        model_file: the deploy prototxt.
        pretrained_file: its weights.
        mean: see ``Transformer.set_mean``.
        input_scale: see ``Transformer.set_input_scale``.
        raw_scale: see ``Transformer.set_raw_scale``.
        channel_swap: see ``Transformer.set_channel_swap``.
        context_pad: pixels of the surroundings around the window, counted in the network's input.
    """

    def __init__(
        self,
        model_file: str | Path,
        pretrained_file: str | Path,
        mean: ArrayLike | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
        context_pad: int | None = None,
    ) -> None:
        super().__init__(model_file, TEST, weights=pretrained_file)
        self.transformer = transformer_of(self, mean, input_scale, raw_scale, channel_swap)
        self.context_pad = context_pad or 0

    def detect_windows(
        self, images_windows: Iterable[tuple[str | Path, Iterable[Sequence[int]]]]
    ) -> list[dict[str, Any]]:
        """Return for each window of each picture its "window", "prediction" and "filename".

        Args:
            images_windows: files, and their windows (top, left, bottom, right).
        """
        found: list[dict[str, Any]] = []
        crops = []
        name = self.inputs[0]
        for filename, windows in images_windows:
            image = io.load_image(filename)
            for window in windows:
                top, left, bottom, right = (int(side) for side in window)
                crops.append(self.transformer.preprocess(name, self.crop(image, (top, left, bottom, right))))
                found.append({"window": window, "filename": filename})
        if not found:
            return found
        answers = self.forward_all(**{name: np.stack(crops)})[self.outputs[0]]
        for each, answer in zip(found, answers, strict=True):
            each["prediction"] = answer.reshape(-1)
        return found

    def crop(self, im: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
        """Return a window of a picture, with ``context_pad`` of its surroundings; what lies outside the picture is the mean."""
        top, left, bottom, right = window
        if not self.context_pad:
            return im[top:bottom, left:right]
        side = self.blobs[self.inputs[0]].shape[2]
        share = side / (side - 2 * self.context_pad)
        half_h, half_w = share * (bottom - top) / 2, share * (right - left) / 2
        middle_y, middle_x = (top + bottom) / 2, (left + right) / 2
        rows = round(middle_y - half_h), round(middle_y + half_h)
        columns = round(middle_x - half_w), round(middle_x + half_w)
        padded = np.empty((rows[1] - rows[0], columns[1] - columns[0], im.shape[2]), np.float32)
        padded[:] = self._outside()
        inner_rows = max(rows[0], 0), min(rows[1], im.shape[0])
        inner_columns = max(columns[0], 0), min(columns[1], im.shape[1])
        padded[
            inner_rows[0] - rows[0] : inner_rows[1] - rows[0],
            inner_columns[0] - columns[0] : inner_columns[1] - columns[0],
        ] = im[inner_rows[0] : inner_rows[1], inner_columns[0] : inner_columns[1]]
        return padded

    def _outside(self) -> NDArray[np.float32]:
        """Return the colour, as pictures have it, that the network sees as 0 on average."""
        name = self.inputs[0]
        if name not in self.transformer.mean:
            return np.zeros(1, np.float32)
        channels = self.transformer.mean[name].mean(axis=(1, 2)) / self.transformer.raw_scale.get(name, 1.0)
        order = self.transformer.channel_swap.get(name)
        return np.asarray(channels if order is None else channels[np.argsort(order)], np.float32)
