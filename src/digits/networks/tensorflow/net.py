"""The weights of a Keras network as snapshots and copying see them: arrays by path, "conv1/kernel"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import WeightsError
from digits.networks.tensorflow.definition import KerasDefinition


class KerasNet:
    """What a definition learned."""

    separator = "/"

    def __init__(self, definition: KerasDefinition) -> None:
        self.definition = definition
        self._weights: dict[str, Any] = {each.path: each for each in definition.training.weights}
        self._others = [each for each in definition.training.variables if each.path not in self._weights]

    @property
    def num_parameters(self) -> int:
        """Learned values."""
        return sum(int(np.prod(each.shape)) for each in self.definition.training.trainable_weights)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every array of ``state``."""
        return {path: tuple(each.shape) for path, each in self._weights.items()}

    def state(self) -> dict[str, NDArray[np.float32]]:
        """Return a copy of the weights and of what layers measure."""
        return {path: np.asarray(each.numpy(), np.float32) for path, each in self._weights.items()}

    def load_state(self, state: Mapping[str, NDArray[Any]], *, partial: bool = False) -> object:
        """Take the values of ``state``; with ``partial`` names that one side lacks are passed over.

        Raises:
            WeightsError: a shape differs, or a name is missing.
        """
        missing = self._weights.keys() - state.keys()
        if missing and not partial:
            raise WeightsError(f"The weights lack {', '.join(sorted(missing)[:5])}.")
        for path, each in self._weights.items():
            if path not in state:
                continue
            if tuple(each.shape) != state[path].shape:
                ours, theirs = (" × ".join(map(str, shape)) for shape in (each.shape, state[path].shape))
                raise WeightsError(f"{path!r} is {ours} here and {theirs} in the weights.")
            each.assign(state[path])
        return None

    def memory(self) -> dict[str, NDArray[Any]]:
        """Return what layers remember beside their weights: where their generators of chance stand."""
        return {each.path: each.numpy() for each in self._others}

    def load_memory(self, memory: Mapping[str, NDArray[Any]]) -> None:
        """Put that in; what is not in ``memory`` stays."""
        for each in self._others:
            if each.path in memory:
                each.assign(memory[each.path])
