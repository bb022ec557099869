"""How fast a dataset is made, beside the usual way (Pillow) and beside decoding alone, in one run with as many threads.

Bars, for photos of about 500x375 to 256x256: PNG at least 3.5 times the usual way; JPEG (quality 90) at least 2 times the
usual way and 0.4 of what decoding alone would do. And growth: from 10,000 to 60,000 pictures the time a picture stays
within 10 %, 1,000 are within 30 % of that, and memory stays flat.

``python -m benchmarks.bench_dataset photos`` or ``... growth``; ``--help`` says more.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import simplejpeg
from PIL import Image

from benchmarks.peers.dataset_pil import convert
from digits.core.events import Event
from digits.core.jobfolder import JobFolder
from digits.core.platform import private_bytes, worker_environment
from digits.core.work import WorkerSettings
from digits.data.encode import encode_png
from digits.extensions.datasets.classification.build import build
from digits.extensions.datasets.classification.spec import ClassificationSpec

SIDE_PX = 256
PHOTO_PX = (500, 375)  # the size of ImageNet's photos, which DIGITS was mostly used for
RECORDS = Path(__file__).parent / "records"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "what", choices=["photos", "growth", "one"], help="'one' makes a single dataset, for the others"
    )
    parser.add_argument("--photos", type=Path, help="a folder or a .tar of JPEG photos; drawn ones without it")
    parser.add_argument("--count", type=int, default=600, help="photos (default 600)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, each way once in every round (default 5)")
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count() or 1, help="threads for every way (default: cores)"
    )
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--side", type=int, default=SIDE_PX, help=argparse.SUPPRESS)
    parser.add_argument("--channels", type=int, default=3, help=argparse.SUPPRESS)
    parser.add_argument("--encoding", default="png", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.what == "one":
        print(json.dumps(create(options.source, options.side, options.channels, options.encoding, options.threads)))
        return 0
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    with tempfile.TemporaryDirectory(prefix="bench-dataset-") as folder:
        measure = measure_photos if options.what == "photos" else measure_growth
        result = measure(Path(folder), options)
    result["load_before"] = round(load, 2)
    result["machine"] = {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
    }
    RECORDS.mkdir(exist_ok=True)
    (RECORDS / f"dataset_{options.what}.json").write_text(json.dumps(result, indent=2) + "\n")
    return 0 if all(result["bars"].values()) else 1


def create(source: Path, side_px: int, channels: int, encoding: str, num_threads: int) -> dict[str, Any]:
    """Make a dataset of ``source`` as a worker does, all for training; return seconds and the peak of its private memory."""
    spec = ClassificationSpec.model_validate(
        {
            "name": "bench", "encoding": encoding, "resize_channels": channels, "random_seed": 1,
            "resize_width": side_px, "resize_height": side_px, "source": {"train": str(source), "pct_val": 0},
        }
    )  # fmt: skip
    peak = 0
    looked = time.perf_counter()

    def emit(event: Event, /) -> None:
        nonlocal peak, looked
        del event
        if time.perf_counter() - looked > 2:  # to ask the system costs milliseconds
            looked = time.perf_counter()
            peak = max(peak, private_bytes(os.getpid()))

    with tempfile.TemporaryDirectory(prefix="bench-job-") as folder:
        started, cpu_started = time.perf_counter(), time.process_time()
        facts = build(spec, JobFolder(Path(folder)), WorkerSettings(num_threads=num_threads), emit, lambda: False)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    return {
        "seconds": seconds,
        "cpu": cpu,
        "entries": facts["dbs"]["train"]["entries"],
        "bytes": facts["bytes"],
        "private_bytes": max(peak, private_bytes(os.getpid())),
    }


def in_worker(source: Path, side_px: int, channels: int, encoding: str, num_threads: int) -> dict[str, Any]:
    """Do :func:`create` in a process with the environment that a worker has; its start is not counted."""
    command = [sys.executable, "-m", "benchmarks.bench_dataset", "one", "--source", str(source), "--side", str(side_px)]
    command += ["--channels", str(channels), "--encoding", encoding, "--threads", str(num_threads)]
    environment = os.environ | worker_environment(num_threads)
    result: dict[str, Any] = json.loads(
        subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout
    )
    return result


def here(way: Callable[[], object]) -> dict[str, Any]:
    """Time a way in this process."""
    started, cpu_started = time.perf_counter(), time.process_time()
    way()
    return {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu_started}


def measure_photos(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Time every way once a round, one after another, so that what else the machine does falls on all alike."""
    pictures = prepare_photos(folder / "photos", options.photos, options.count)
    few = pictures[: max(2, len(pictures) // 4)]  # PNG of level 6 is slow
    (folder / "few").mkdir()
    for path in few:
        place = folder / "few" / path.parent.name / path.name
        place.parent.mkdir(exist_ok=True)
        os.link(path, place)
    threads = options.threads

    def decode_only() -> None:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(lambda path: simplejpeg.decode_jpeg(path.read_bytes()), pictures):
                pass

    def usual(of: list[Path], encoding: Literal["png", "jpg"], with_mean: bool) -> None:
        convert(of, folder / "out", side_px=SIDE_PX, encoding=encoding, num_threads=threads, with_mean=with_mean)

    photos, fewer = folder / "photos", folder / "few"
    ways: dict[str, tuple[int, Callable[[], dict[str, Any]]]] = {
        "decode only (simplejpeg)": (len(pictures), lambda: here(decode_only)),
        "usual way, JPEG 90": (len(pictures), lambda: here(lambda: usual(pictures, "jpg", True))),
        "usual way, no mean, JPEG 90": (len(pictures), lambda: here(lambda: usual(pictures, "jpg", False))),
        "OpenDIGITS, JPEG 90": (len(pictures), lambda: in_worker(photos, SIDE_PX, 3, "jpg", threads)),
        "usual way, PNG 6": (len(few), lambda: here(lambda: usual(few, "png", True))),
        "OpenDIGITS, PNG": (len(few), lambda: in_worker(fewer, SIDE_PX, 3, "png", threads)),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    cpu_ms: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, (count, way) in ways.items():
            took = way()
            rates[name].append(count / took["seconds"])
            cpu_ms[name].append(took["cpu"] * 1000 / count)
            shutil.rmtree(folder / "out", ignore_errors=True)
    print(f"{len(pictures)} photos, {threads} threads, medians of {options.rounds} rounds")
    for name in ways:
        print(f"{name:28} {_median(rates[name]):8.0f} pictures/s {_median(cpu_ms[name]):8.2f} ms of CPU each")
    result = _ratios(rates, cpu_ms)
    medians = {name: {"per_second": _median(rates[name]), "cpu_ms": _median(cpu_ms[name])} for name in ways}
    return {"photos": len(pictures), "threads": threads, "ways": medians} | result


BARS = {
    "JPEG / usual": ("OpenDIGITS, JPEG 90", "usual way, JPEG 90", 2.0),
    "JPEG / decode only": ("OpenDIGITS, JPEG 90", "decode only (simplejpeg)", 0.4),
    "PNG / usual": ("OpenDIGITS, PNG", "usual way, PNG 6", 3.5),
}


def _ratios(rates: dict[str, list[float]], cpu_ms: dict[str, list[float]]) -> dict[str, Any]:
    """Print and return the medians over the rounds of what each round's ratios were, by the clock and by the CPU's time.

    The two differ where other programs share the machine: they lengthen the clock's time alone, and never evenly.
    """
    ratios = {}
    for name, (ours, peer, bar) in BARS.items():
        by_clock = _median([a / b for a, b in zip(rates[ours], rates[peer], strict=True)])
        by_cpu = _median([b / a for a, b in zip(cpu_ms[ours], cpu_ms[peer], strict=True)])
        ratios[name] = {"by_clock": by_clock, "by_cpu": by_cpu, "bar": bar}
        print(f"{name:28} {by_clock:8.2f} by the clock {by_cpu:8.2f} by CPU time     bar {bar}")
    return {"ratios": ratios, "bars": {name: ratio["by_clock"] >= ratio["bar"] for name, ratio in ratios.items()}}


def _median(values: list[float]) -> float:
    return round(statistics.median(values), 3)


def prepare_photos(place: Path, source: Path | None, count: int) -> list[Path]:
    """Write ``count`` JPEG photos of ``PHOTO_PX`` (or upright) into two class folders."""
    paths = []
    for number, image in enumerate(_photos(place.with_name("source"), source, count)):
        long, short = PHOTO_PX
        size = (short, long) if image.height > image.width else (long, short)
        path = place / f"class{number % 2}" / f"{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.resize(size, Image.Resampling.LANCZOS).save(path, quality=90)
        paths.append(path)
    return paths


def _photos(unpacked: Path, source: Path | None, count: int) -> list[Image.Image]:
    if source is None:
        return [_drawn(seed) for seed in range(count)]
    if source.is_file():
        with tarfile.open(source) as archive:
            archive.extractall(unpacked, filter="data")
        source = unpacked
    paths = sorted(path for path in source.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    return [Image.open(path).convert("RGB") for path in paths[:: max(1, len(paths) // count)][:count]]


def _drawn(seed: int) -> Image.Image:
    """Draw something of a photo's spectrum: noise of several sizes on top of each other."""
    rng = np.random.default_rng(seed)
    total = np.zeros((PHOTO_PX[1], PHOTO_PX[0], 3), np.float32)
    for cells in (4, 8, 16, 32, 64, 128, 256):
        noise = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        total += np.asarray(noise.resize(PHOTO_PX, Image.Resampling.BICUBIC), np.float32) / cells**0.9
    total -= total.min()
    return Image.fromarray((total * (255 / total.max())).astype(np.uint8))


GROWTH = (1_000, 10_000, 60_000)


def measure_growth(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Make datasets of small grey PNGs, each in a process of its own, smallest to largest in every round."""
    rng = np.random.default_rng(0)
    for count in GROWTH:
        for number in range(count):
            path = folder / str(count) / str(number % 10) / f"{number:05d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            blob = Image.fromarray(rng.integers(0, 256, (5, 5), dtype=np.uint8)).resize(
                (20, 20), Image.Resampling.BICUBIC
            )
            digit = np.zeros((28, 28, 1), np.uint8)
            digit[4:24, 4:24, 0] = np.asarray(blob) * (np.asarray(blob) > 140)
            path.write_bytes(encode_png(digit))
    runs: dict[int, list[dict[str, Any]]] = {count: [] for count in GROWTH}
    for _ in range(options.rounds):
        for count in GROWTH:
            runs[count].append(in_worker(folder / str(count), 28, 1, "png", options.threads))
    micros, cpu_micros = (
        {count: _median([run[kind] / count * 1e6 for run in of]) for count, of in runs.items()}
        for kind in ("seconds", "cpu")
    )
    private_mb = {count: max(run["private_bytes"] for run in of) / 1e6 for count, of in runs.items()}
    print(f"{options.threads} threads, medians of {options.rounds} rounds; microseconds a picture, private memory")
    for count in GROWTH:
        text = f"{micros[count]:8.0f} by the clock {cpu_micros[count]:8.0f} by CPU time {private_mb[count]:8.0f} MB"
        print(f"{count:8,} pictures {text}")
    small, middle, large = (micros[count] for count in GROWTH)
    return {
        "threads": options.threads,
        "microseconds_a_picture": micros,
        "cpu_microseconds_a_picture": cpu_micros,
        "peak_private_mb": {count: round(value, 1) for count, value in private_mb.items()},
        "bars": {
            "60,000 within 10 % of 10,000": abs(large / middle - 1) <= 0.10,
            "1,000 within 30 % of 10,000": abs(small / middle - 1) <= 0.30,
            "memory flat": private_mb[GROWTH[-1]] <= 1.25 * private_mb[GROWTH[0]],
        },
    }


if __name__ == "__main__":
    sys.exit(main())
