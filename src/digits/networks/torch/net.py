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

from digits.core.errors import NetworkError, WeightsError
from digits.networks.steps import Step
from digits.networks.torch.answers import answer_kind, shape_text
from digits.networks.torch.definition import TorchDefinition
from digits.networks.torch.watch import StepWatch

DATA, LABEL = "data", "label"
"""Names of the two inputs."""


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
        kind: what it answers with: a name that ``answers.answer_kind`` knows.
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
        self._kind = answer_kind(kind, ignore_label=ignore_label)
        self._phase = phase
        self._class_weights = class_weights
        self._unweighed = unweighed

    def __call__(self, **blobs: Tensor) -> dict[str, Tensor]:
        """Return "softmax" (or what else its kind answers with) for ``data``; with ``label``, "loss" and what else can be measured.

        Raises:
            NetworkError: the user's code fails, or does not fit the data; with its line.
        """
        data = blobs[DATA]
        if self.module.training != (self._phase == "TRAIN"):
            self.module.train(self._phase == "TRAIN")
        with self.definition.at_line("The network cannot run"):
            made = self.module(data)
        scores, size = main_output(made), (data.shape[-2], data.shape[-1])
        if LABEL not in blobs:
            return self._kind.answers(scores, size)
        labels = blobs[LABEL]
        wanted = self._kind.wanted(labels)
        if self.definition.label_hook is not None:
            with self.definition.at_line("label_hook fails"):
                wanted = self.definition.label_hook(data, wanted)
        measured = self._kind.measured(scores.detach(), wanted, size)
        return measured | {"loss": self._mean(self._loss(made, scores, wanted, labels, size), labels)}

    def check(self, output: tuple[int, ...], size: tuple[int, int]) -> None:
        """Do nothing if an output of this shape can be learned from labels of pictures of ``size`` (height, width).

        Raises:
            NetworkError: it cannot, and the text has no loss of its own that could.
        """
        if self.definition.loss is self.definition.label_hook is None:
            self._kind.check(output, size, self.definition.where)

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

    def _loss(self, made: Any, scores: Tensor, wanted: Tensor, labels: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the loss of the batch, or of each picture."""
        if self.definition.loss is not None:
            with self.definition.at_line("The loss cannot be computed"):
                loss = self.definition.loss(made, wanted)
            if not isinstance(loss, Tensor) or (loss.numel() != 1 and loss.shape != labels.shape[:1]):
                raise NetworkError(
                    "The loss must be a tensor of one number, or of one for each picture.", where=self.definition.where
                )
            return loss
        try:
            return self._kind.loss(scores, wanted, size, self._class_weights)
        except (RuntimeError, IndexError, ValueError) as error:
            raise NetworkError(
                f"The network's output of {shape_text(scores)} does not fit its answers of {shape_text(wanted)}.",
                where=self.definition.where,
                hint="Its last layer gives params.num_classes numbers a picture; another output needs a loss of its own.",
            ) from error

    def _mean(self, loss: Tensor, labels: Tensor) -> Tensor:
        """Return the mean over the pictures, each times the weight of its class where classes are weighed."""
        if self._class_weights is None:
            return loss.mean()
        is_each = loss.shape[:1] == labels.shape[:1]
        weighed = self._kind.weighed(loss, labels, self._class_weights) if is_each else None
        if weighed is None and self.definition.loss is not None and self._unweighed is not None:
            self._unweighed()
            self._unweighed = None
        return loss.mean() if weighed is None else weighed.mean()


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
