"""OpenCV 4.10, whose importer reads Caffe's files and whose arithmetic is its own: what our files are held against.

OpenCV 5, which the project uses, has no such importer, and two of them cannot live in one environment. So 4.10 lies in a folder of its own
below the environment (``scripts/opencv4.txt``; ``./digits-test`` puts it there) and runs in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

FOLDER = Path(sys.prefix) / "opencv4"

needs_opencv4 = pytest.mark.skipif(
    not (FOLDER / "cv2").is_dir(),
    reason=f"no OpenCV 4.10 in {FOLDER} (pip install --no-deps --target, scripts/opencv4.txt)",
)

_SCRIPT = """
import sys
import cv2, numpy
assert cv2.__version__.startswith("4.10."), cv2.__file__
prototxt, weights, given, made, *also = sys.argv[1:]
net = cv2.dnn.readNetFromCaffe(prototxt, weights)
for name, array in numpy.load(given).items():
    net.setInput(array, name)
names = [*net.getUnconnectedOutLayersNames(), *also]
numpy.savez(made, **dict(zip(names, net.forward(names))))
"""


def forward(
    prototxt: Path, weights: Path, inputs: Mapping[str, NDArray[Any]], *, also: Sequence[str] = ()
) -> dict[str, NDArray[Any]]:
    """Return what OpenCV makes of the inputs, by blob, at each last layer of the network and at the layers ``also``, by their names."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "in.npz"), Path(folder, "out.npz")
        np.savez(given, **dict[str, Any](inputs))
        done = subprocess.run(
            [sys.executable, "-P", "-c", _SCRIPT, str(prototxt), str(weights), str(given), str(made), *also],
            env={**os.environ, "PYTHONPATH": str(FOLDER)}, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        with np.load(made) as arrays:
            return {name: arrays[name] for name in arrays.files}
