"""A training by torch made ready: network, solver and data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.networks.steps import Step
from digits.training import devices
from digits.training.course import Course
from digits.training.frames import Pictures
from digits.training.solvers import Learnable, Solver
from digits.training.sources import TrainingSource
from digits.training.targets import Target
from digits.training.transform import Transform


class Network(Protocol):
    """What the loop asks of a network, whatever language it was written in."""

    @property
    def losses(self) -> Mapping[str, float]:
        """Weights of the outputs that are losses."""

    @property
    def parameters(self) -> Sequence[Learnable]:
        """All weights."""

    @property
    def num_parameters(self) -> int:
        """Learned values, frozen ones among them."""

    def __call__(self, **blobs: Tensor) -> dict[str, Tensor]:
        """Return the outputs by name."""

    def steps(self, **blobs: Tensor) -> tuple[list[Step], dict[str, Tensor]]:
        """Return one pass layer by layer, every value kept, and the outputs by name."""

    def total_loss(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """Return what is minimised."""

    def state(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights, "<layer>:<blob index>"."""

    def load_state(self, state: Mapping[str, NDArray[np.float32]], *, partial: bool = False) -> object:
        """Put weights in; with ``partial`` names that one side lacks are passed over."""

    def statistics(self) -> Sequence[Tensor]:
        """Return what layers measure of the batches in training and no solver moves: BatchNorm's means and variances."""

    def memory(self) -> dict[str, Tensor]:
        """Return what layers remember from pass to pass beside their weights, by name; empty for most networks."""

    def load_memory(self, memory: Mapping[str, Tensor]) -> None:
        """Put that in."""


@dataclass
class TestSet:
    """The validation set, ready to be measured again and again."""

    net: Network
    frames: Pictures
    transform: Transform
    batch_size: int
    data_blob: str
    target_blob: str


@dataclass(kw_only=True)
class Run(Course):
    """A training by torch: network, solver and data; ``loop`` has its steps."""

    device: torch.device
    kind: Target
    net: Network
    test: TestSet | None
    source: TrainingSource
    data_blob: str
    target_blob: str
    solver: Solver

    @property
    def iter_size(self) -> int:
        """Batches whose gradients are added up before the weights move."""
        return self.solver.hyper.iter_size

    @property
    def fewest(self) -> int:
        """Pictures of a batch in the process that has the fewest."""
        return self.batch_size // self.world.size

    @property
    def validates(self) -> bool:
        """Whether there is something to validate with."""
        return self.test is not None

    @property
    def loss_weights(self) -> Mapping[str, float]:
        """Weights of the outputs that are losses."""
        return self.net.losses

    def arithmetic(self) -> AbstractContextManager[object]:
        """Return the block in which the network computes."""
        return devices.arithmetic_of(self.spec.precision, self.device)

    def state(self) -> tuple[Mapping[str, NDArray[Any]], Mapping[str, NDArray[Any]]]:
        """Return the weights, and the state of solver, layers and generators."""
        state = {f"solver/{name}": value for name, value in self.solver.state().items()}
        state |= {f"network/{name}": value for name, value in self.net.memory().items()}
        state |= {f"random/{name}": value for name, value in devices.random_state(self.device).items()}
        return self.net.state(), {name: value.detach().cpu().numpy() for name, value in state.items()}

    def load(self, weights: Mapping[str, NDArray[Any]], state: Mapping[str, NDArray[Any]], step: int) -> None:
        """Put that in.

        Raises:
            WeightsError: it was made with another network or solver.
        """
        tensors = {name: torch.from_numpy(value) for name, value in state.items()}
        self.net.load_state(weights)
        self.net.load_memory(_below("network/", tensors))
        self.solver.load_state(_below("solver/", tensors), step)
        devices.load_random_state(_below("random/", tensors), self.device)

    def machine(self) -> dict[str, str]:
        """Return what the bits of a sum depend on, by its name for people."""
        return devices.arithmetic(self.device) | {"number of processes": str(self.world.size)}

    def align(self) -> None:
        """Begin with the leader's weights, where several processes train: a network's own code may draw them by chance."""
        self.world.lend([*(parameter.tensor for parameter in self.net.parameters), *self.net.statistics()])

    def close(self) -> None:
        """Let go of files and threads."""
        self.source.close()
        super().close()


def _below(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
