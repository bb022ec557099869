"""LeNet on MNIST by TensorFlow against TensorFlow's own compute limit: blocks of real steps take turns with steps on one batch that is there.

Bar: 0.9 of the limit. Run it with the Python that has TensorFlow:

    .venv/tensorflow/bin/python -m benchmarks.bench_tensorflow --mnist FOLDER_OF_IDX_FILES [--blocks 15]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import tensorflow as tf

from benchmarks.bench_training import build, new_model, pixels, write_pictures
from digits.core.trainspec import TrainSpec
from digits.core.work import WorkerSettings
from digits.training.tensorflow_run import KerasRun
from digits.training.tensorflow_trainer import prepare

HERE = Path(__file__).parent
WARM_UP, BLOCK = 60, 100


def main() -> None:
    """Build the dataset, measure, print and keep the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mnist", type=Path, help="folder of the four idx files")
    parser.add_argument("--blocks", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = WorkerSettings(num_threads=arguments.threads)
        environment = {**os.environ, **settings.to_environment()}
        write_pictures(Path(folder, "pictures"), *pixels(arguments.mnist))
        dataset = build(Path(folder, "jobs"), Path(folder, "pictures"), environment)
        model = new_model(Path(folder, "jobs"), dataset, epochs=3, framework="tensorflow")
        spec = TrainSpec.model_validate(model.record().spec)
        run = prepare(spec, model, settings, lambda _: None, lambda: False)
        record = measure(run, arguments.blocks)
        run.close()
    record |= {"threads": arguments.threads, "tensorflow": tf.__version__, "machine": platform.machine()}
    print(json.dumps(record, indent=2))
    (HERE / "records" / "tensorflow_lenet.json").write_text(json.dumps(record, indent=2) + "\n")


def measure(run: KerasRun, blocks: int) -> dict[str, Any]:
    """Return the pictures a second of real steps and of steps without data, and the ratio's median over blocks."""
    data, answers = run.source.batch(0)
    batch = (tf.constant(data.permute(0, 2, 3, 1).numpy()), tf.constant(answers.numpy()))

    def same_batch(_: int) -> None:
        float(run.learn(*batch)["loss"])

    for step in range(WARM_UP):
        run.advance(step)
        same_batch(step)
    seconds: dict[str, list[float]] = {"limit": [], "real": []}
    for block in range(blocks):
        for name, once in (("limit", same_batch), ("real", run.advance)):
            began = time.perf_counter()
            for step in range(WARM_UP + block * BLOCK, WARM_UP + (block + 1) * BLOCK):
                once(step)
            seconds[name].append(time.perf_counter() - began)
    pictures = BLOCK * run.batch_size
    ratios = [limit / real for limit, real in zip(seconds["limit"], seconds["real"], strict=True)]
    return {
        "limit_images_per_second": pictures / statistics.median(seconds["limit"]),
        "images_per_second": pictures / statistics.median(seconds["real"]),
        "ratio": statistics.median(ratios),
    }


if __name__ == "__main__":
    main()
