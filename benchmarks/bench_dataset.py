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
from digits.core.platform import private_bytes
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
    with tempfile.TemporaryDirectory(prefix="bench-dataset-") as folder:
        measure = measure_photos if options.what == "photos" else measure_growth
        result = measure(Path(folder), options)
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

    def emit(event: Event, /) -> None:
        nonlocal peak
        del event
        peak = max(peak, private_bytes(os.getpid()))

    with tempfile.TemporaryDirectory(prefix="bench-job-") as folder:
        started = time.perf_counter()
        facts = build(spec, JobFolder(Path(folder)), WorkerSettings(num_threads=num_threads), emit, lambda: False)
        seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "entries": facts["dbs"]["train"]["entries"],
        "bytes": facts["bytes"],
        "private_bytes": peak,
    }


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

    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "decode only (simplejpeg)": (len(pictures), decode_only),
        "usual way, JPEG 90": (len(pictures), lambda: usual(pictures, "jpg", True)),
        "usual way, no mean, JPEG 90": (len(pictures), lambda: usual(pictures, "jpg", False)),
        "OpenDIGITS, JPEG 90": (len(pictures), lambda: create(folder / "photos", SIDE_PX, 3, "jpg", threads)),
        "usual way, PNG 6": (len(few), lambda: usual(few, "png", True)),
        "OpenDIGITS, PNG": (len(few), lambda: create(folder / "few", SIDE_PX, 3, "png", threads)),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, (count, way) in ways.items():
            started = time.perf_counter()
            way()
            rates[name].append(count / (time.perf_counter() - started))
            shutil.rmtree(folder / "out", ignore_errors=True)
    ratios = {
        "JPEG / usual": _ratio(rates, "OpenDIGITS, JPEG 90", "usual way, JPEG 90"),
        "JPEG / decode only": _ratio(rates, "OpenDIGITS, JPEG 90", "decode only (simplejpeg)"),
        "PNG / usual": _ratio(rates, "OpenDIGITS, PNG", "usual way, PNG 6"),
    }
    bars = {"JPEG / usual": 2.0, "JPEG / decode only": 0.4, "PNG / usual": 3.5}
    print(f"{len(pictures)} photos, {threads} threads, medians of {options.rounds} rounds")
    for name, values in rates.items():
        print(f"{name:28} {statistics.median(values):8.0f} pictures/s")
    for name, value in ratios.items():
        print(f"{name:28} {value:8.2f}   bar {bars[name]}")
    medians = {name: round(statistics.median(values), 1) for name, values in rates.items()}
    return {
        "photos": len(pictures),
        "threads": threads,
        "pictures_per_second": medians,
        "ratios": ratios,
        "bars": {name: ratios[name] >= bar for name, bar in bars.items()},
    }


def _ratio(rates: dict[str, list[float]], ours: str, peer: str) -> float:
    """Return the median over the rounds of what each round's ratio was."""
    return round(statistics.median(a / b for a, b in zip(rates[ours], rates[peer], strict=True)), 3)


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
            command = [sys.executable, "-m", "benchmarks.bench_dataset", "one", "--source", str(folder / str(count))]
            command += ["--side", "28", "--channels", "1", "--threads", str(options.threads)]
            runs[count].append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
    micros = {count: statistics.median(run["seconds"] for run in of) / count * 1e6 for count, of in runs.items()}
    private_mb = {count: max(run["private_bytes"] for run in of) / 1e6 for count, of in runs.items()}
    print(f"{options.threads} threads, medians of {options.rounds} rounds")
    for count in GROWTH:
        print(f"{count:8,} pictures {micros[count]:8.0f} us each {private_mb[count]:8.0f} MB")
    small, middle, large = (micros[count] for count in GROWTH)
    return {
        "threads": options.threads,
        "microseconds_a_picture": {str(count): round(value, 1) for count, value in micros.items()},
        "peak_private_mb": {str(count): round(value, 1) for count, value in private_mb.items()},
        "bars": {
            "60,000 within 10 % of 10,000": abs(large / middle - 1) <= 0.10,
            "1,000 within 30 % of 10,000": abs(small / middle - 1) <= 0.30,
            "memory flat": private_mb[GROWTH[-1]] <= 1.25 * private_mb[GROWTH[0]],
        },
    }


if __name__ == "__main__":
    sys.exit(main())
