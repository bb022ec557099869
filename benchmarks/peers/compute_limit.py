"""The pure compute limit of a training: the same batch again and again, forward, backward and the move of the weights; no data, no curves.

The network is the one that OpenDIGITS trains (that of a job folder), in one process with the real iterations (``TorchRun.advance``): blocks of both
take turns, so that what else the machine does hits both alike. Prints one JSON line: pictures a second of each, and the median
of the ratios of neighbouring blocks.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import torch

from digits.core.events import EventWriter
from digits.core.jobfolder import JobFolder
from digits.core.trainspec import TrainSpec
from digits.core.work import StopCheck, WorkerSettings
from digits.training import caffe_trainer, devices, torch_trainer
from digits.training.run import Run
from digits.workers.job import StopSignal

PREPARE = {"caffe": caffe_trainer.prepare, "torch": torch_trainer.prepare}
WARM_UP, BLOCK = 30, 40  # steps; a block of LeNet takes about half a second


def main() -> None:
    """Measure ``--blocks`` blocks of each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job", type=Path)
    parser.add_argument("--blocks", type=int, default=20)
    arguments = parser.parse_args()
    folder = JobFolder(arguments.job)
    spec = TrainSpec.model_validate(folder.record().spec)
    stop = StopSignal(folder)
    events = EventWriter(folder.path / "bench_events.jsonl")
    with devices.denormals_flushed():
        run = PREPARE[spec.framework](spec, folder, WorkerSettings.from_environment(), events, stop)
        print(json.dumps(measure(run, stop, arguments.blocks)))


def measure(run: Run, stop: StopCheck, blocks: int) -> dict[str, float]:
    """Return the figures of a training that is ready."""
    data, targets = run.source.batch(0)
    blobs = {run.data_blob: data, run.target_blob: targets}

    def same_batch(_: int) -> None:
        outputs = run.net(**blobs)
        torch.autograd.backward(run.net.total_loss(outputs))
        run.solver.step(0.001)

    def real(step: int) -> None:
        stop()
        run.advance(step)

    for step in range(WARM_UP):
        real(step)
        same_batch(step)
    seconds: dict[str, list[float]] = {"limit": [], "real": []}
    for block in range(blocks):
        for name, step_once in (("limit", same_batch), ("real", real)):
            began = time.perf_counter()
            for step in range(block * BLOCK, (block + 1) * BLOCK):
                step_once(step)
            seconds[name].append(time.perf_counter() - began)
    images = BLOCK * run.batch_size
    ratios = [limit / ours for limit, ours in zip(seconds["limit"], seconds["real"], strict=True)]
    return {
        "images_per_second": images / statistics.median(seconds["limit"]),
        "training_images_per_second": images / statistics.median(seconds["real"]),
        "ratio": statistics.median(ratios),
    }


if __name__ == "__main__":
    main()
