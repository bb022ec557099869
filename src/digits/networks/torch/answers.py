"""What a network in PyTorch does for each kind of answer where its text says nothing else: the loss, and what its output stands for.

Legend: N pictures, C classes, H height, W width; ``size`` is (H, W) of the network's input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from digits.core.errors import NetworkError
from digits.networks.detection.found import boxes_of
from digits.networks.detection.grid import grid_loss

SCORES, BOXES = "scores", "boxes"
"""Names of the outputs that validations count: those that the loss compares with the labels, and the boxes that were found."""
Size = tuple[int, int]


class AnswerKind(Protocol):
    """One kind of answer."""

    def wanted(self, labels: Tensor) -> Tensor:
        """Return the labels as the loss takes them, and a ``label_hook`` of the text before it."""

    def loss(self, scores: Tensor, wanted: Tensor, size: Size, weights: Tensor | None) -> Tensor:
        """Return the loss: one number, or [N]; ``weights`` [C] are those of the classes, already in it."""

    def weighed(self, loss_N: Tensor, labels: Tensor, weights: Tensor) -> Tensor | None:
        """Return losses of pictures, each times the weight of its class; None where a picture has no one class."""

    def measured(self, scores: Tensor, wanted: Tensor, size: Size) -> dict[str, Tensor]:
        """Return what is worth a curve, and what validations count."""

    def answers(self, scores: Tensor, size: Size) -> dict[str, Tensor]:
        """Return the outputs in tests, by name."""

    def check(self, output: tuple[int, ...], size: Size, where: str) -> None:
        """Do nothing if an output of this shape can be an answer.

        Raises:
            NetworkError: it cannot; told before a picture is read.
        """


class ClassAnswer:
    """One class a picture: softmax and cross entropy."""

    def wanted(self, labels: Tensor) -> Tensor:
        """Return class ids."""
        return labels.long()

    def loss(self, scores: Tensor, wanted: Tensor, size: Size, weights: Tensor | None) -> Tensor:  # noqa: ARG002 - the protocol's
        """Return the cross entropy."""
        if weights is None:
            return F.cross_entropy(scores, wanted)
        return F.cross_entropy(scores, wanted, reduction="none")

    def weighed(self, loss_N: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        """Return each loss times the weight of the picture's class."""
        return loss_N * weights[labels.long()]

    def measured(self, scores: Tensor, wanted: Tensor, size: Size) -> dict[str, Tensor]:  # noqa: ARG002 - the protocol's
        """Return the accuracy, where the output has a score for each class."""
        if scores.ndim != 2 or wanted.ndim != 1 or wanted.is_floating_point():
            return {}
        return {"accuracy": (scores.argmax(1) == wanted).float().mean(), SCORES: scores}

    def answers(self, scores: Tensor, size: Size) -> dict[str, Tensor]:  # noqa: ARG002 - the protocol's
        """Return probabilities; those that were log-probabilities already stay what they are."""
        return {"softmax": scores.softmax(1)}

    def check(self, output: tuple[int, ...], size: Size, where: str) -> None:
        """Take whatever comes: a loss of the text's own may want anything."""


@dataclass(frozen=True)
class NumbersAnswer:
    """As many numbers a picture as there are labels: the classes that hold for it, or values. Or as many as a picture has."""

    name: str
    compared: Callable[[Tensor, Tensor], Tensor]
    said: Callable[[Tensor], Tensor]
    is_picture: bool = False

    def wanted(self, labels: Tensor) -> Tensor:
        """Return them as they are."""
        return labels

    def loss(self, scores: Tensor, wanted: Tensor, size: Size, weights: Tensor | None) -> Tensor:  # noqa: ARG002 - the protocol's
        """Return how far apart they are.

        Raises:
            ValueError: they differ in shape; torch would repeat the one for the other.
        """
        if scores.shape != wanted.shape:
            raise ValueError
        return self.compared(scores, wanted)

    def weighed(self, loss_N: Tensor, labels: Tensor, weights: Tensor) -> None:
        """Say that pictures have no one class."""

    def measured(self, scores: Tensor, wanted: Tensor, size: Size) -> dict[str, Tensor]:  # noqa: ARG002 - the protocol's
        """Return what they are."""
        return self.answers(scores, size)

    def answers(self, scores: Tensor, size: Size) -> dict[str, Tensor]:  # noqa: ARG002 - the protocol's
        """Return what they are."""
        return {self.name: self.said(scores)}

    def check(self, output: tuple[int, ...], size: Size, where: str) -> None:
        """Hold its places against a picture's; take any numbers, as for classes."""
        if self.is_picture and (len(output) != _DENSE or tuple(output[2:]) != tuple(size)):
            raise NetworkError(
                f"The network answers with {' × '.join(map(str, output)) or 'one number'}, and is to make pictures of {size[1]} × {size[0]}.",
                where=where,
                hint="Return [N, channels, height, width], values from 0 to 1.",
            )


@dataclass(frozen=True)
class MaskAnswer:
    """A class for each pixel: softmax and cross entropy over those that count."""

    ignore_label: int | None = None

    def wanted(self, labels: Tensor) -> Tensor:
        """Return class ids [N, H, W] of [N, 1, H, W]."""
        return labels[:, 0].long()

    def loss(self, scores: Tensor, wanted: Tensor, size: Size, weights: Tensor | None) -> Tensor:
        """Return the mean cross entropy of the pixels that count; 0 where none does."""
        self.check(tuple(scores.shape), size, "")
        ignore = _NO_CLASS if self.ignore_label is None else self.ignore_label
        try:
            each = F.cross_entropy(scores, wanted, weight=weights, ignore_index=ignore, reduction="none")
        except (RuntimeError, IndexError, ValueError) as error:
            raise NetworkError(
                f"The network's output of {shape_text(scores)} does not fit masks with classes up to {int(wanted.max())}.",
                hint="Its last layer gives params.num_classes channels.",
            ) from error
        return each.sum() / (wanted != ignore).sum().clamp(min=1)

    def weighed(self, loss_N: Tensor, labels: Tensor, weights: Tensor) -> None:
        """Say that pictures have no one class."""

    def measured(self, scores: Tensor, wanted: Tensor, size: Size) -> dict[str, Tensor]:  # noqa: ARG002 - the protocol's
        """Return the scores: pixels are counted over the whole validation."""
        return {SCORES: scores}

    def answers(self, scores: Tensor, size: Size) -> dict[str, Tensor]:  # noqa: ARG002 - the protocol's
        """Return probabilities of each pixel."""
        return {"softmax": scores.softmax(1)}

    def check(self, output: tuple[int, ...], size: Size, where: str) -> None:
        """Hold its places against the mask's."""
        if len(output) == _DENSE and tuple(output[2:]) == tuple(size):
            return
        said = f"{output[3]} × {output[2]}" if len(output) == _DENSE else " × ".join(map(str, output)) or "one number"
        raise NetworkError(
            f"The network answers with {said}, and the masks are {size[1]} × {size[0]}: it must have scores for each of their pixels.",
            where=where,
            hint="Enlarge its output (nn.ConvTranspose2d, F.interpolate), then cut it to the size of the picture.",
        )


class BoxesAnswer:
    """Things with boxes around them: a grid of scores and boxes (``networks.detection``)."""

    def wanted(self, labels: Tensor) -> Tensor:
        """Return them as they are: [N, M, 6]."""
        return labels

    def loss(self, scores: Tensor, wanted: Tensor, size: Size, weights: Tensor | None) -> Tensor:  # noqa: ARG002 - no class weights here
        """Return the loss of every picture."""
        self.check(tuple(scores.shape), size, "")
        return grid_loss(scores, wanted, size)

    def weighed(self, loss_N: Tensor, labels: Tensor, weights: Tensor) -> None:
        """Say that pictures have no one class."""

    def measured(self, scores: Tensor, wanted: Tensor, size: Size) -> dict[str, Tensor]:  # noqa: ARG002 - the protocol's
        """Return nothing while it learns, as boxes take time to find."""
        return {} if torch.is_grad_enabled() else self.answers(scores, size)

    def answers(self, scores: Tensor, size: Size) -> dict[str, Tensor]:
        """Return what was found: [N, K, 6] of left, top, right, bottom, confidence, class."""
        return {BOXES: boxes_of(scores, size)}

    def check(self, output: tuple[int, ...], size: Size, where: str) -> None:  # noqa: ARG002 - any grid will do
        """Hold it against a grid with at least one class."""
        if len(output) == _DENSE and output[1] > _SIDES:
            return
        raise NetworkError(
            f"The network answers with {' × '.join(map(str, output)) or 'one number'}; boxes come from a grid of scores.",
            where=where,
            hint="Return [N, params.num_classes + 4, h, w]: a score a class, then the distances to the four sides of the box.",
        )


_DENSE, _SIDES = 4, 4
_NO_CLASS = -100  # what torch ignores where nothing is to be ignored


def answer_kind(name: str, *, ignore_label: int | None = None) -> AnswerKind:
    """Return the kind of answer called ``name``, a reader's ``target_kind``; ``ignore_label`` is that of masks.

    Raises:
        NetworkError: networks in PyTorch give no such answers by themselves.
    """
    kinds: dict[str, AnswerKind] = {
        "class": ClassAnswer(),
        "classes": NumbersAnswer("sigmoid", F.binary_cross_entropy_with_logits, Tensor.sigmoid),
        "vector": NumbersAnswer("output", F.mse_loss, _same),
        "image": NumbersAnswer("output", F.mse_loss, _same, is_picture=True),
        "mask": MaskAnswer(ignore_label),
        "boxes": BoxesAnswer(),
    }
    if name not in kinds:
        raise NetworkError(f"Networks in PyTorch give no answers of kind {name!r}.")
    return kinds[name]


def shape_text(tensor: Any) -> str:
    """Return a shape as people read it."""
    return " × ".join(map(str, tensor.shape)) or "one number"


def _same(scores: Tensor) -> Tensor:
    return scores
