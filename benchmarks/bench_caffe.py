"""Caffe's own two measures: LeNet trained from LMDB by ``digits caffe train``, AlexNet by ``digits caffe time``.

Bars: twice the rate at which real Caffe trained LeNet (1,950 images/s, batch 64), and 2.5 times its AlexNet (28.1 images/s forward, 11.4 forward +
backward, 227 × 227, batch 32): BVLC Caffe 1.0 with OpenBLAS on 2 cores of the kind that the record names. Plain PyTorch computes the
same AlexNet in the same run. Rounds take turns, and the median counts.

    python -m benchmarks.bench_caffe --mnist FOLDER_OF_IDX_FILES [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.bench_training import peer, pixels
from digits.core.platform import worker_environment
from digits.data.records import Datum, RecordWriter, key, write_datum
from digits.networks.caffe.definition import prepare
from digits.networks.standard import standard_text

HERE = Path(__file__).parent
CAFFE = {"lenet": 1950.0, "alexnet_forward": 28.1, "alexnet_both": 11.4}
BATCH, LENET_BATCH = 32, 64
ITERATIONS, WARM, DISPLAY = 1500, 300, 100
NAMES = {
    "lenet": "LeNet, trained from LMDB",
    "alexnet_forward": "AlexNet, forward",
    "alexnet_both": "AlexNet, forward + backward",
}


def main() -> None:
    """Run the rounds, print and keep the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mnist", type=Path, help="folder of the four idx files; noise without it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    environment = {**os.environ, **worker_environment(arguments.threads)}
    rounds: dict[str, list[float]] = {name: [] for name in (*CAFFE, "torch_forward", "torch_both")}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_lenet(root, arguments.mnist)
        write_alexnet(root)
        for _ in range(arguments.rounds):
            rounds["lenet"].append(train_lenet(root, environment))
            for name, milliseconds in time_alexnet(root, environment).items():
                rounds[name].append(1e3 * BATCH / milliseconds)
            twin = peer("alexnet_torch", ["--batch", str(BATCH)], environment)
            rounds["torch_forward"].append(1e3 * BATCH / twin["forward_ms"])
            rounds["torch_both"].append(1e3 * BATCH / twin["both_ms"])
    record = told(rounds, arguments.threads)
    print(json.dumps(record, indent=2))
    (HERE / "records" / "caffe.json").write_text(json.dumps(record, indent=2) + "\n")


def told(rounds: dict[str, list[float]], threads: int) -> dict[str, Any]:
    """Return the medians in images a second, and their ratios to real Caffe and to plain PyTorch."""
    rates = {name: round(statistics.median(values), 1) for name, values in rounds.items()}
    return {
        "machine": {"processor": platform.processor() or platform.machine(), "threads": threads, "load": os.getloadavg()[0]},
        "images_per_s": rates,
        "to_caffe": {NAMES[name]: round(rates[name] / rate, 2) for name, rate in CAFFE.items()},
        "to_torch": {
            NAMES[f"alexnet_{each}"]: round(rates[f"alexnet_{each}"] / rates[f"torch_{each}"], 2) for each in ("forward", "both")
        },
        "rounds": {name: [round(value, 1) for value in values] for name, values in rounds.items()},
    }  # fmt: skip


def write_lenet(root: Path, mnist: Path | None) -> None:
    """Write an LMDB of 60,000 digits, LeNet that reads it, and a solver."""
    writer = RecordWriter(root / "lmdb")
    for index, (image, label) in enumerate(zip(*pixels(mnist), strict=True)):
        writer.put(key(index, int(label)), write_datum(Datum(1, 28, 28, image.tobytes(), int(label), encoded=False)))
    writer.close()
    net = prepare(
        standard_text("lenet"), where="lenet", num_classes=10, channels=1, height=28, width=28, batch_size=LENET_BATCH,
        use_mean="none", train_db=str(root / "lmdb"), val_db=None,
    )  # fmt: skip
    (root / "lenet.prototxt").write_text(net.train_val_text)
    (root / "solver.prototxt").write_text(
        f'net: "{root / "lenet.prototxt"}" base_lr: 0.01 momentum: 0.9 weight_decay: 0.0005 lr_policy: "inv" gamma: 0.0001 '
        f'power: 0.75 display: {DISPLAY} max_iter: {ITERATIONS} snapshot_prefix: "{root}/s" snapshot_after_train: false\n'
    )


def write_alexnet(root: Path) -> None:
    """Write AlexNet as it answers, with a batch of pictures."""
    net = prepare(
        standard_text("alexnet"), where="alexnet", num_classes=1000, channels=3, height=256, width=256, crop_size=227,
        use_mean="none",
    )  # fmt: skip
    (root / "alexnet.prototxt").write_text(net.deploy_text.replace("dim: 1\n", f"dim: {BATCH}\n", 1))


def train_lenet(root: Path, environment: dict[str, str]) -> float:
    """Return images a second, from the times of the log after the warm-up."""
    log = digits(["caffe", "train", f"--solver={root / 'solver.prototxt'}"], environment)
    stamps = {
        int(step): int(hour) * 3600 + int(minute) * 60 + float(second)
        for hour, minute, second, step in re.findall(r"(\d\d):(\d\d):(\d\d\.\d+).*Iteration (\d+) .*loss =", log)
    }
    first, last = min(step for step in stamps if step >= WARM), max(stamps)
    return (last - first) * LENET_BATCH / ((stamps[last] - stamps[first]) % 86_400)


def time_alexnet(root: Path, environment: dict[str, str]) -> dict[str, float]:
    """Return milliseconds a pass as ``digits caffe time`` prints them."""
    log = digits(["caffe", "time", f"--model={root / 'alexnet.prototxt'}", "--iterations=20"], environment)
    found = dict(re.findall(r"Average (Forward pass|Forward-Backward): ([\d.e+]+) ms", log))
    return {"alexnet_forward": float(found["Forward pass"]), "alexnet_both": float(found["Forward-Backward"])}


def digits(arguments: list[str], environment: dict[str, str]) -> str:
    """Run a command of ours and return what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "digits.cli.main", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout + done.stderr


if __name__ == "__main__":
    main()
