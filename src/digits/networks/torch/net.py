"""A network in PyTorch as the training loop and the tests of pictures call it: pictures and labels in by name, losses and answers out by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from digits.core.errors import NetworkError, WeightsError
from digits.networks.steps import Step
from digits.networks.torch.definition import TorchDefinition
from digits.networks.torch.watch import StepWatch

DATA, LABEL, SCORES = "data", "label", "scores"
"""Names of the two inputs, and of the output that the loss compares with the second, in training and validation."""


@dataclass(frozen=True)
class TorchParameter:
    """One array of weights; every one moves at the full rate and decays alike, as in ``torch.optim``."""

    name: str
    tensor: Tensor
    lr_mult: float
    decay_mult: float = 1.0


class TorchNet:
    """A model in training or in tests; both faces of one model share its weights.

    Args:
        definition: the model with its hooks.
        kind: what it answers with: "class", "classes", "vector" or "mask".
        phase: "TRAIN" runs it as ``model.train()``, "TEST" as ``model.eval()``.
        class_weights: [classes], what each picture's (or pixel's) loss is multiplied by before the mean; None for nothing.
        unweighed: called once where the network's own loss gives one number and so cannot be weighed.
        ignore_label: of masks, the value of pixels that do not count.
    """

    losses: Mapping[str, float] = MappingProxyType({"loss": 1.0})
    separator = "."

    def __init__(
        self,
        definition: TorchDefinition,
        kind: str,
        phase: Literal["TRAIN", "TEST"],
        *,
        class_weights: Tensor | None = None,
        unweighed: Callable[[], None] | None = None,
        ignore_label: int | None = None,
    ) -> None:
        self.definition = definition
        self.module = definition.model
        self.parameters = tuple(
            TorchParameter(name, value, float(value.requires_grad)) for name, value in self.module.named_parameters()
        )
        self._kind = kind
        self._phase = phase
        self._class_weights = class_weights
        self._unweighed = unweighed
        self._ignore = ignore_label

    def __call__(self, **blobs: Tensor) -> dict[str, Tensor]:
        """Return "softmax" (or "sigmoid", or "output") for ``data``; with ``label``, "loss" and what else can be measured.

        Raises:
            NetworkError: the user's code fails, or does not fit the data; with its line.
        """
        data = blobs[DATA]
        if self.module.training != (self._phase == "TRAIN"):
            self.module.train(self._phase == "TRAIN")
        with self.definition.at_line("The network cannot run"):
            made = self.module(data)
        scores = main_output(made)
        if LABEL not in blobs:
            return self._answers(scores)
        labels = blobs[LABEL]
        targets = labels.long() if self._kind == "class" else labels[:, 0].long() if self._kind == "mask" else labels
        if self.definition.label_hook is not None:
            with self.definition.at_line("label_hook fails"):
                targets = self.definition.label_hook(data, targets)
        measured = self._measured(scores.detach(), targets)
        return measured | {"loss": self._loss(made, scores, targets, labels)}

    def steps(self, **blobs: Tensor) -> tuple[list[Step], dict[str, Tensor]]:
        """Return one pass layer by layer, and what it answers by name; the answers' own function (softmax) is the last layer.

        Raises:
            NetworkError: as calling it does.
        """
        watch = StepWatch(blobs[DATA])
        with watch.hooked(self.module):
            outputs = self(**{DATA: blobs[DATA]})
        return watch.finished(outputs), outputs

    def total_loss(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """Return what is minimised."""
        return outputs["loss"]

    @property
    def num_parameters(self) -> int:
        """Learned values, frozen ones among them."""
        return sum(parameter.tensor.numel() for parameter in self.parameters)

    def state(self) -> dict[str, NDArray[np.float32]]:
        """Return a copy of the weights and of what layers measure, under torch's own names."""
        return {
            name: value.detach().cpu().numpy().astype(np.float32, copy=True) for name, value in self._floats().items()
        }

    def load_state(self, state: Mapping[str, NDArray[Any]], *, partial: bool = False) -> tuple[str, ...]:
        """Take the values of ``state`` and return the names that were taken.

        Args:
            state: arrays by torch's names.
            partial: names that one side lacks are passed over.

        Raises:
            WeightsError: a shape differs, or, unless ``partial``, a name is missing or unknown.
        """
        own = self._floats()
        if not partial and (missing := own.keys() - state.keys()):
            raise WeightsError(f"The weights lack {', '.join(sorted(missing)[:5])}.")
        if not partial and (unknown := state.keys() - own.keys()):
            raise WeightsError(f"The network has no {', '.join(sorted(unknown)[:5])}.")
        taken = tuple(name for name in own if name in state)
        for name in taken:
            if own[name].shape != state[name].shape:
                ours, theirs = (" × ".join(map(str, each)) for each in (own[name].shape, state[name].shape))
                raise WeightsError(f"{name!r} is {ours} here and {theirs} in the weights.")
        with torch.no_grad():
            for name in taken:
                own[name].copy_(torch.from_numpy(np.ascontiguousarray(state[name], np.float32)))
        return taken

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every array of ``state``."""
        return {name: tuple(value.shape) for name, value in self._floats().items()}

    def statistics(self) -> Sequence[Tensor]:
        """Return the buffers of floats: the means and variances that BatchNorm measures in training."""
        return [value for value in self.module.buffers() if value.is_floating_point()]

    def memory(self) -> dict[str, Tensor]:
        """Return the buffers that are no weights: the number of batches that a BatchNorm has seen."""
        return {
            name: value.detach().clone()
            for name, value in self.module.state_dict().items()
            if not value.is_floating_point()
        }

    def load_memory(self, memory: Mapping[str, Tensor]) -> None:
        """Put that in; what is not in ``memory`` stays."""
        own = self.module.state_dict()
        with torch.no_grad():
            for name, value in memory.items():
                own[name].copy_(value)

    def _floats(self) -> dict[str, Tensor]:
        return {name: value for name, value in self.module.state_dict().items() if value.is_floating_point()}

    def _loss(self, made: Any, scores: Tensor, targets: Tensor, labels: Tensor) -> Tensor:
        if self.definition.loss is not None:
            with self.definition.at_line("The loss cannot be computed"):
                loss = self.definition.loss(made, targets)
            if not isinstance(loss, Tensor) or (loss.numel() != 1 and loss.shape != labels.shape[:1]):
                raise NetworkError(
                    "The loss must be a tensor of one number, or of one for each picture.", where=self.definition.where
                )
            return self._mean(loss, labels)
        if self._kind == "mask":
            return self._mask_loss(scores, targets)
        try:
            if self._class_weights is not None:
                return self._mean(F.cross_entropy(scores, targets, reduction="none"), labels)
            return _LOSSES[self._kind](scores, targets)
        except (RuntimeError, IndexError, ValueError) as error:
            raise NetworkError(
                f"The network's output of {_shape(scores)} does not fit its answers of {_shape(targets)}.",
                where=self.definition.where,
                hint="Its last layer gives params.num_classes numbers a picture; another output needs a loss of its own.",
            ) from error

    def _mask_loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross entropy of the pixels that count; 0 where none does."""
        check_places(tuple(scores.shape), (targets.shape[1], targets.shape[2]), self.definition.where)
        ignore = _NO_CLASS if self._ignore is None else self._ignore
        try:
            each = F.cross_entropy(scores, targets, weight=self._class_weights, ignore_index=ignore, reduction="none")
        except (RuntimeError, IndexError, ValueError) as error:
            raise NetworkError(
                f"The network's output of {_shape(scores)} does not fit masks with classes up to {int(targets.max())}.",
                where=self.definition.where,
                hint="Its last layer gives params.num_classes channels.",
            ) from error
        return each.sum() / (targets != ignore).sum().clamp(min=1)

    def _mean(self, loss: Tensor, labels: Tensor) -> Tensor:
        """Return the mean over the pictures, each times the weight of its class; a single number as it is."""
        if self._class_weights is None:
            return loss.mean()
        if loss.shape[:1] == labels.shape[:1] and self._kind != "mask":
            each = loss.reshape(len(labels), -1).mean(1)
            return (each * self._class_weights[labels.long()]).mean()
        if self._unweighed is not None:
            self._unweighed()
            self._unweighed = None
        return loss.mean()

    def _measured(self, scores: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return what the kind of answer measures further: accuracy here, where the output has a score for each class."""
        if self._kind == "class":
            is_scored = scores.ndim == 2 and targets.ndim == 1 and not targets.is_floating_point()
            return {"accuracy": (scores.argmax(1) == targets).float().mean(), SCORES: scores} if is_scored else {}
        return {SCORES: scores} if self._kind == "mask" else self._answers(scores)

    def _answers(self, scores: Tensor) -> dict[str, Tensor]:
        """Return probabilities of scores; those that were log-probabilities already stay what they are."""
        if self._kind in ("class", "mask"):
            return {"softmax": scores.softmax(1)}
        return {"sigmoid": scores.sigmoid()} if self._kind == "classes" else {"output": scores}


_DENSE = 4  # dimensions of scores of pixels
_NO_CLASS = -100  # what torch ignores where nothing is to be ignored

_LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "class": F.cross_entropy,
    "classes": F.binary_cross_entropy_with_logits,
    "vector": F.mse_loss,
}


def check_places(output: tuple[int, ...], mask: tuple[int, int], where: str) -> None:
    """Do nothing if an output has scores for each pixel of a mask.

    Args:
        output: its shape.
        mask: height and width of the mask.
        where: the network's file.

    Raises:
        NetworkError: it is of another size.
    """
    if len(output) == _DENSE and tuple(output[2:]) == tuple(mask):
        return
    size = f"{output[3]} × {output[2]}" if len(output) == _DENSE else " × ".join(map(str, output)) or "one number"
    raise NetworkError(
        f"The network answers with {size}, and the masks are {mask[1]} × {mask[0]}: it must have scores for each of their pixels.",
        where=where,
        hint="Enlarge its output (nn.ConvTranspose2d, F.interpolate), then cut it to the size of the picture.",
    )


def main_output(made: Any) -> Tensor:
    """Return what a model answers with: its output, or the first of several.

    Raises:
        NetworkError: it gives no tensor.
    """
    first = made
    while isinstance(first, (tuple, list, dict)) and first:
        first = next(iter(first.values())) if isinstance(first, dict) else first[0]
    if not isinstance(first, Tensor):
        raise NetworkError(f"The network's output is {type(first).__name__}, and must be a tensor.")
    return first


def _shape(tensor: Tensor) -> str:
    return " × ".join(map(str, tensor.shape)) or "one number"
