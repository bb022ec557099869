"""The fixtures that real Caffe made, and how near our numbers must be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.shared import SHARED

Arrays = dict[str, NDArray[Any]]

NETS = [
    path.parent
    for path in sorted((SHARED or Path("absent")).glob("oracle/*/meta.json"))
    if (path.parent / "net.prototxt").is_file() and "phase" in path.read_text()
]


def meta(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "meta.json").read_text())
    return found


def arrays(path: Path) -> Arrays:
    with np.load(path) as file:
        return dict(file)


def check_near(ours: Arrays, theirs: Arrays) -> None:
    """Everything that real Caffe made is there, within 1e-4 of its size or a floor; what Caffe leaves undefined is passed over."""
    gradients = [np.abs(value).max() for key, value in theirs.items() if key[0] == "d" and value.size]
    largest = float(max(gradients, default=0.0))
    for key, value in theirs.items():
        assert key in ours, f"{key} is missing"
        assert ours[key].shape == value.shape, key
        defined = np.isfinite(value) & (np.abs(value) < 3e38)
        wanted = value[defined].astype(np.float64)
        error = float(np.linalg.norm(ours[key][defined] - wanted))
        floor = max(1e-6, 1e-7 * largest) if key[0] == "d" else 1e-6
        assert error <= max(1e-4 * float(np.linalg.norm(wanted)), floor * wanted.size**0.5), (key, error)
