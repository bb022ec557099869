"""Networks here are tiny: one thread does each in less time than several need to meet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

NET = """
layer { name: "in" type: "Input" top: "x" top: "t" input_param { shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 } } }
layer { name: "a/ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
layer { name: "size" type: "Reduction" bottom: "y" top: "size" include { phase: TEST } reduction_param { operation: ASUM } }
"""


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a network and ten rows of data; it is the working folder."""
    draw = np.random.default_rng(3)
    (tmp_path / "net.prototxt").write_text(NET)
    rows = draw.normal(size=(10, 3)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=rows, t=rows @ draw.normal(size=(3, 2)).astype(np.float32))
    monkeypatch.chdir(tmp_path)
    return tmp_path
