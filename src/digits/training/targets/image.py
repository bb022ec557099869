"""Kind ``image``: what a picture should become is a picture, as for autoencoders and denoising.

On its way in it is uint8 [N, C, H, W], from 0 to 1 once it is on the device, its colours in the order in which the network sees them; a
network answers with the same shape and range. Curves are ``mae``, the mean absolute error, and ``psnr``, the peak signal-to-noise ratio in
decibels, averaged over pictures.

Legend: N pictures, C channels, H height, W width; HWC as a reader gives them, RGB.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.core.errors import DataError
from digits.scoring.confusion import ratio
from digits.scoring.kept import NO_CLASS, kept
from digits.training.geometry import Moves, moved
from digits.training.outputs import of_targets, single_numbers
from digits.training.targets import Answers, Cells

_WHITE = 255
_COLOURS = 3
_LEAST_SQUARE = 1e-10
"""A picture without any error has 100 dB, so that the mean over pictures stays a number."""


class ImageTarget:
    """Pictures in, pictures out."""

    unit = 1 / _WHITE

    def __init__(self, answers: Answers) -> None:
        self._rgb = answers.rgb

    def collate(self, targets: NDArray[Any]) -> Tensor:
        """Return uint8 [N, C, H, W] of [N, H, W, C]."""
        planes = self._ordered(np.asarray(targets, np.uint8)).transpose(0, 3, 1, 2)
        return torch.from_numpy(np.ascontiguousarray(planes))

    def move(self, targets: Tensor, by: Moves) -> Tensor:
        """Return each pixel's nearest; beyond the edges the border goes on, as it does in the pictures."""
        return moved(targets, by, None)

    def measure(self, outputs: Mapping[str, Tensor], targets: Tensor) -> dict[str, Tensor]:
        """Return what the network computes itself, and the errors of its last output that is as the targets are."""
        found = single_numbers(outputs)
        for output in of_targets(outputs, targets):
            off = output.detach().float() - targets
            squares = off.square().flatten(1).mean(1).clamp(min=_LEAST_SQUARE)
            found |= {"mae": off.abs().mean(), "psnr": (-10 * squares.log10()).mean()}
        return found

    def tally(self, device: torch.device) -> None:
        """Count nothing: means over batches say it all."""

    def predict(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return uint8 [N, H, W, C] of the last output, RGB; what is below 0 is black, what is above 1 white.

        Raises:
            DataError: it is no picture.
        """
        name, answers = list(outputs.items())[-1]
        if answers.ndim != 4:
            raise DataError(
                f"The network's output {name!r} of {' × '.join(map(str, answers.shape))} is no picture.",
                hint="One is pictures × channels × height × width, its values from 0 to 1.", rule="VIEW_SHAPE",
            )  # fmt: skip
        pixels = np.rint(np.nan_to_num(answers).clip(0, 1) * _WHITE).astype(np.uint8)
        return np.ascontiguousarray(self._ordered(pixels.transpose(0, 2, 3, 1)))

    def scores(self, labels: Sequence[str], columns: NDArray[np.int64]) -> ImageScores:  # noqa: ARG002 - pictures have no classes
        """Return how far off pictures are."""
        return ImageScores()

    def _ordered(self, images_NHWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return RGB as the network sees it, and what it sees as RGB."""
        turned = not self._rgb and images_NHWC.shape[3] == _COLOURS
        return images_NHWC[:, :, :, ::-1] if turned else images_NHWC


class ImageScores:
    """What pictures say about a model; kept of one is its mean absolute error, 0 to 1."""

    columns = ("mae", "psnr")

    def __init__(self) -> None:
        self._off, self._squares, self._decibels, self._count = 0.0, 0.0, 0.0, 0

    def add(self, answers: NDArray[Any], targets: NDArray[Any]) -> tuple[NDArray[Any], Cells]:
        """Take pictures [N, H, W, C] and what they should be.

        Raises:
            DataError: they differ in shape.
        """
        if answers.shape != targets.shape:
            ours, theirs = (" × ".join(map(str, each.shape[1:])) for each in (answers, targets))
            raise DataError(f"The network answers with pictures of {ours}, and should with {theirs}.")
        off = (answers.astype(np.float32) - targets).reshape(len(answers), -1) / _WHITE
        mae, squares = np.abs(off).mean(axis=1), np.maximum((off**2).mean(axis=1), _LEAST_SQUARE)
        decibels = -10 * np.log10(squares)
        self._off += float(mae.sum())
        self._squares += float(squares.sum())
        self._decibels += float(decibels.sum())
        self._count += len(off)
        cells = np.round(np.stack([mae, decibels], axis=1), 6).tolist()
        return kept(truth=NO_CLASS, said=NO_CLASS, wrong=True, score=mae), cells

    def result(self) -> dict[str, Any]:
        """Return the mean absolute error, the root of the mean square, both 0 to 1, and the mean signal-to-noise ratio."""
        square = ratio(self._squares, self._count)
        return {
            "metrics": {
                "mae": ratio(self._off, self._count), "rmse": None if square is None else math.sqrt(square),
                "psnr": ratio(self._decibels, self._count),
            },
            "per_class": [],
            "confusion": [],
            "calibration": None,
        }  # fmt: skip


def make(answers: Answers) -> ImageTarget:
    """Return the kind."""
    return ImageTarget(answers)
