"""``--record``: the weights after every iteration, the loss and the learning rate of each, as numpy arrays of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.caffe.arrayfiles import save_arrays
from digits.caffe.solving import Solving


class Recorder:
    """Keeps what a training goes through: ``param:<layer>:<i>`` (iterations + 1, ...), ``loss`` and ``lr`` (iterations)."""

    def __init__(self, solving: Solving) -> None:
        self._solving = solving
        self._weights: dict[str, list[NDArray[np.float32]]] = {}
        self._losses: list[float] = []
        self._rates: list[float] = []
        self._keep_weights()
        solving.on_step = self._step

    def save(self, path: Path) -> None:
        """Write the file."""
        arrays: dict[str, Any] = {f"param:{name}": np.stack(rows) for name, rows in self._weights.items()}
        arrays["loss"] = np.array(self._losses, np.float32)
        arrays["lr"] = np.array(self._rates, np.float64)
        save_arrays(path, arrays)

    def _keep_weights(self) -> None:
        for name, array in self._solving.train.net.state().items():
            self._weights.setdefault(name, []).append(array)

    def _step(self) -> None:
        assert self._solving.last is not None
        self._keep_weights()
        self._losses.append(float(self._solving.last.loss))
        self._rates.append(self._solving.schedule(self._solving.iteration - 1))
