"""The same training on a GPU, where this machine has one: the same curve, and the memory is given back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
import torch

from digits.core.jobfolder import JobFolder
from digits.core.platform import worker_environment
from digits.core.trainspec import CustomNetwork, TrainSpec
from digits.training.caffe_predictor import open_predictor
from tests.training.conftest import NETWORK
from tests.training.test_training import curve, run

NewModel = Callable[..., tuple[JobFolder, TrainSpec]]
DEVICE = next((name for name in ("cuda", "mps") if getattr(torch, name).is_available()), "")
NO_DROPOUT = CustomNetwork(text=NETWORK.replace("dropout_ratio: 0.2", "dropout_ratio: 0"))

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not DEVICE, reason="this machine has no CUDA or MPS device")]


def test_a_gpu_gives_the_curve_of_the_cpu_within_tolerance(new_model: NewModel) -> None:
    on_cpu, on_gpu = (new_model(device=device, network=NO_DROPOUT, crop_size=16) for device in ("cpu", DEVICE))

    run(on_cpu)
    run(on_gpu)

    for name in ("loss/train", "loss/val"):
        expected = [value for _, value in curve(on_cpu[0], name)]
        assert [value for _, value in curve(on_gpu[0], name)] == pytest.approx(expected, rel=0.02, abs=0.01)


def test_a_model_trained_on_a_gpu_answers_alike_on_both(new_model: NewModel) -> None:
    folder, _ = model = new_model(device=DEVICE)
    run(model)
    pictures = [torch.randint(0, 256, (20, 20, 1), dtype=torch.uint8).numpy() for _ in range(5)]

    on_cpu, on_gpu = (open_predictor(folder, None, "cpu"), open_predictor(folder, None, "auto"))

    assert on_gpu.classify(pictures).flatten() == pytest.approx(on_cpu.classify(pictures).flatten(), abs=1e-3)


@pytest.mark.skipif(DEVICE != "cuda", reason="only CUDA tells how much of its memory is free")
def test_a_worker_gives_the_memory_of_the_gpu_back(new_model: NewModel) -> None:
    folder, _ = new_model(device="cuda")
    before, _ = torch.cuda.mem_get_info()

    subprocess.run(
        [sys.executable, "-m", "digits.workers.train", str(folder.path)],
        env={**os.environ, **worker_environment(1)}, check=True, timeout=100,
    )  # fmt: skip

    after, _ = torch.cuda.mem_get_info()
    assert before - after < 64 * 2**20
