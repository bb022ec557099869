"""One picture classified over HTTP by a warm model: LeNet on 28 x 28 and ResNet-18 on 256 x 256, of which it sees 224 x 224.

Bars: the median is under 15 ms for LeNet and under 60 ms for ResNet-18 on two cores. The picture is uploaded each time, and the whole way counts: the
form, decoding and resizing, the web process asking the inference worker, the answer as JSON.

    python -m benchmarks.bench_classify [--asks 100] [--framework torch]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import torch

from benchmarks.bench_server import free_port

RECORD = Path(__file__).parent / "records" / "classify.json"
BARS_MS = {"lenet": 15, "resnet18": 60}
SIDES_PX = {"lenet": 28, "resnet18": 256}
NUM_CLASSES, NUM_PICTURES = 10, 8


def main() -> None:
    """Train one of each for an epoch on noise, ask, print and keep the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--asks", type=int, default=100)
    parser.add_argument("--framework", default="torch")
    asked = parser.parse_args()
    record: dict[str, Any] = {
        "when": time.strftime("%Y-%m-%d %H:%M:%S"), "cores": os.cpu_count(), "torch": torch.__version__, "framework": asked.framework,
        "asks": asked.asks, "load_before": os.getloadavg()[0],
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        root, port = Path(folder), free_port()
        command = [sys.executable, "-m", "digits", "-p", str(port), "--root", str(root / "root")]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address)
            for network in BARS_MS:
                record[network] = _measure(address, root, network, asked.framework, asked.asks)
        finally:
            server.terminate()
            server.wait()
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


def _measure(address: str, root: Path, network: str, framework: str, asks: int) -> dict[str, float]:
    side = SIDES_PX[network]
    pictures = root / network
    _noise(pictures, side, channels=1 if network == "lenet" else 3)
    options = ["--resize-width", side, "--resize-height", side, "--resize-channels", 1 if network == "lenet" else 3]
    dataset = _digits(address, "dataset", "create", pictures, "--name", network, *options)
    model = _digits(
        address, "model", "create", dataset, "--framework", framework, "--network", network, "--epochs", 1, "--batch-size", 8
    )  # fmt: skip
    picture = next(pictures.rglob("*.jpg")).read_bytes()
    times_ms = []
    with httpx.Client(base_url=address, timeout=120) as client:
        for _ in range(asks + 1):
            began = time.perf_counter()
            answer = client.post(
                f"/models/images/classification/classify_one.json?job_id={model}",
                files={"image_file": ("a.jpg", picture)},
            )
            times_ms.append(1000 * (time.perf_counter() - began))
            answer.raise_for_status()
    warm = statistics.median(times_ms[1:])
    print(
        f"{network:9} {warm:6.1f} ms warm (bar: {BARS_MS[network]} ms)   {times_ms[0]:7.0f} ms with the worker's start",
        flush=True,
    )
    return {"warm_ms": warm, "warm_90_percent_ms": statistics.quantiles(times_ms[1:], n=10)[-1], "cold_ms": times_ms[0]}


def _digits(address: str, *arguments: object) -> str:
    """Run a command that makes a job, wait for it, and return the job's id."""
    command = [sys.executable, "-m", "digits.cli.main", *map(str, arguments), "--wait", "--json"]
    done = subprocess.run(
        command,
        env={**os.environ, "DIGITS_SERVER": address},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    made = json.loads(done.stdout)
    return str((made[0] if isinstance(made, list) else made)["id"])


def _noise(folder: Path, side_px: int, channels: int) -> None:
    rng = np.random.default_rng(0)
    for label in range(NUM_CLASSES):
        place = folder / str(label)
        place.mkdir(parents=True)
        for number in range(NUM_PICTURES):
            cv2.imwrite(str(place / f"{number}.jpg"), rng.integers(0, 256, (side_px, side_px, channels), np.uint8))


def _wait(address: str) -> None:
    for _ in range(600):
        try:
            httpx.get(f"{address}/healthz").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("the server does not answer")


if __name__ == "__main__":
    main()
