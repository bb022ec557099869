"""The example that goes with a download, run in a process of its own, beside what the product answers."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import digits
from digits.core.jobfolder import JobFolder
from digits.core.trainspec import TrainSpec
from digits.core.work import WorkerSettings
from digits.training.caffe_export import onnx
from digits.training.caffe_predictor import open_predictor
from digits.training.caffe_trainer import train
from digits.training.inference import Predictor

EXAMPLE = Path(digits.__file__).parent / "web" / "templates" / "standalone" / "example.py.txt"
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("crop", [None, 16])
def test_the_example_gives_the_products_numbers(
    new_model: Callable[..., tuple[JobFolder, TrainSpec]], tmp_path: Path, crop: int | None
) -> None:
    pytest.importorskip("onnxruntime")
    folder, spec = new_model(train_epochs=1, crop_size=crop)
    train(spec, folder, WorkerSettings(), lambda _: None, lambda: False)
    predictor = open_predictor(folder, None, "cpu")
    onnx(folder, None, tmp_path / "model")
    assert_the_example_gives_the_numbers_of(predictor, tmp_path)


def assert_the_example_gives_the_numbers_of(predictor: Predictor, folder: Path) -> None:
    """Run the example on pictures of several shapes in ``folder``, which has the model.onnx."""
    (folder / "example.py").write_bytes(EXAMPLE.read_bytes())
    rng = np.random.default_rng(1)
    pictures = {}
    for name, shape in {"same.png": (20, 20), "large.png": (61, 90, 3), "flat.png": (9, 33)}.items():
        pixels = rng.integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
        data = (folder / name).read_bytes()
        pictures[name] = predictor.classify([predictor.prepare(data)])[0]

    done = subprocess.run(
        [sys.executable, "-I", "example.py", *pictures], cwd=folder, capture_output=True, text=True, check=True
    )

    blocks = dict(re.findall(r"^(\S+\.png)\n((?:  .*\n)+)", done.stdout, re.MULTILINE))
    for name, wanted in pictures.items():
        found = {label: float(percent) / 100 for percent, label in re.findall(r"([\d.]+) %  (\S+)", blocks[name])}
        assert found == pytest.approx(dict(zip(predictor.labels, map(float, wanted), strict=True)), abs=1e-4)
