"""An ONNX file run beside the network that it was made of, by a program that is not ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import NetworkError

Arrays = Mapping[str, NDArray[Any]]
TOLERANCE = 1e-4
"""Largest difference, of the largest value where that is above 1."""
_PICTURE = 4  # axes: N, C, H, W


def example(shape: Sequence[int]) -> NDArray[np.float32]:
    """Return noise of a shape: as bright as pictures where it may be some, else 0 to 1."""
    brightest = 255 if len(shape) == _PICTURE else 1
    return np.random.default_rng(0).random(shape, np.float32) * np.float32(brightest)


def check(path: Path, inputs: Arrays, expected: Arrays) -> None:
    """Run a file, and compare its outputs; nothing is compared where the network draws random numbers.

    Args:
        path: the file.
        inputs: by name.
        expected: what the network makes of them, by name of output.

    Raises:
        NetworkError: an output differs.
    """
    import onnx

    if any(node.op_type.startswith("Random") for node in onnx.load(path).graph.node):
        return
    found = _runner()(path, inputs, list(expected))
    for name, ours in expected.items():
        theirs = found[name]
        largest = float(np.abs(ours[np.isfinite(ours)]).max(initial=1.0))
        if theirs.shape != ours.shape or not np.allclose(
            theirs, ours, rtol=0, atol=TOLERANCE * largest, equal_nan=True
        ):
            raise NetworkError(
                f"The ONNX file gives other numbers for {name!r} than the network, so it is not handed out.",
                hint="Export as pt2 or safetensors.",
            )


def _runner() -> Callable[[Path, Arrays, list[str]], Arrays]:
    return _onnx_runtime if find_spec("onnxruntime") else _opencv


def _onnx_runtime(path: Path, inputs: Arrays, names: list[str]) -> Arrays:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return dict(zip(names, session.run(names, dict(inputs)), strict=True))


def _opencv(path: Path, inputs: Arrays, names: list[str]) -> Arrays:
    """Run it with OpenCV, or, what that cannot read, with ONNX's own slow reference."""
    try:
        net = cv2.dnn.readNetFromONNX(str(path))
        for name, array in inputs.items():
            net.setInput(array, name)
        return dict(zip(names, net.forward(names), strict=True))
    except cv2.error:
        from onnx.reference import ReferenceEvaluator

        return dict(zip(names, ReferenceEvaluator(str(path)).run(names, dict(inputs)), strict=True))
