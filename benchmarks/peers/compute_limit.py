"""The pure compute limit of a training: the same batch again and again, forward, backward and the move of the weights; no data, no curves.

The network is the one that OpenDIGITS trains (its ``train_val.prototxt`` in a finished job folder) with the same solver and settings of
the process. Prints one JSON line: pictures a second.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from digits.core.jobfolder import JobFolder
from digits.core.trainspec import TrainSpec
from digits.core.work import WorkerSettings
from digits.training.caffe_trainer import prepare


def main() -> None:
    """Train one batch for ``--steps`` steps, after some that do not count."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job", type=Path)
    parser.add_argument("--steps", type=int, default=600)
    arguments = parser.parse_args()
    folder = JobFolder(arguments.job)
    spec = TrainSpec.model_validate(folder.record().spec)
    run = prepare(spec, folder, WorkerSettings.from_environment(), print, lambda: False)
    data, targets = run.source.batch(0)
    blobs = {run.data_blob: data, run.target_blob: targets}

    def step() -> None:
        outputs = run.net(**blobs)
        torch.autograd.backward(run.net.total_loss(outputs))
        run.solver.step(0.01)

    for _ in range(30):
        step()
    began = time.perf_counter()
    for _ in range(arguments.steps):
        step()
    seconds = time.perf_counter() - began
    print(json.dumps({"images_per_second": arguments.steps * run.batch_size / seconds}))


if __name__ == "__main__":
    main()
