"""How many planted duplicates a health check finds among 10,000 pictures, what else it flags, and how long it takes.

The pictures are 1,036 photos of clothing and 8,964 of CIFAR-10; 300 of each kind are planted among them. Every picture is stored
at 64 × 64 by the real builder, and checked by the real worker's code. Bars: exact duplicates 100 %; near ones (cut by 5 % of the
side, JPEG of quality 50, resized) at least 95 %; at most 1 % of the other pictures flagged. Those flagged are written to a
sheet to look at: CIFAR has true near duplicates of its own, and these count as false here.

``--mnist N`` measures N digits of MNIST instead, among which ones and sevens look alike: there the bar for near ones is missed, because
a cut of one pixel at two edges changes a digit as much as another hand does, and the bar for false flags counts more.

``python -m benchmarks.bench_health --data ../shared/data``
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.events import Event, Progress
from digits.core.files import read_json
from digits.core.healthspec import HealthSpec, tasks
from digits.core.jobfolder import JobFolder, JobRecord
from digits.core.platform import private_bytes
from digits.core.work import WorkerSettings
from digits.data.encode import encode_png
from digits.download.idx import parse, unpack
from digits.extensions.datasets.classification.build import build
from digits.extensions.datasets.classification.spec import ClassificationSpec
from digits.workers.health import check_health

Picture = NDArray[np.uint8]
COUNT = 10_000
PLANTED = 300  # of each kind: a share is known to about 1 %
SIDE_PX = 64
RECORDS = Path(__file__).parent / "records"
DATASET, CHECK = "20261124-041512-7f3a", "20261124-041530-0001"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="the folder of clothing.tar, cifar10_mini.tar.gz and mnist"
    )
    parser.add_argument("--mnist", type=int, default=0, help="so many digits of MNIST instead")
    parser.add_argument("--sheet", type=Path, help="a PNG of what was flagged and not planted")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-health-") as scratch:
        folder = Path(scratch)
        side = 28 if options.mnist else SIDE_PX
        kinds = MNIST_KINDS if options.mnist else KINDS
        plant(pictures(options.data, options.mnist), folder / "pictures", kinds)
        result = measure(folder, kinds, side, 1 if options.mnist else 3, options.sheet)
    result["machine"] = {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0,
    }
    name = f"health_mnist_{options.mnist}" if options.mnist else "health"
    (RECORDS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    return 0 if all(result["bars"].values()) else 1


def pictures(data: Path, mnist: int) -> list[bytes]:
    """Return whole files: photos first, in an order that is always the same."""
    if mnist:
        archive = (data / "mnist" / "train-images-idx3-ubyte.gz").read_bytes()
        digits = parse(unpack(archive, max_bytes=60_000_000))[:mnist]
        return [encode_png(np.ascontiguousarray(each[:, :, None])) for each in digits]
    found: dict[str, list[bytes]] = {}
    for name in ("clothing.tar", "cifar10_mini.tar.gz"):
        with tarfile.open(data / name) as archive_file:
            members = sorted((each for each in archive_file if each.name.endswith(".jpg")), key=lambda each: each.name)
            found[name] = [file.read() for each in members if (file := archive_file.extractfile(each))]
    clothing, cifar = found.values()
    chosen = np.random.default_rng(0).permutation(len(cifar))[: COUNT - len(clothing)]
    return [*clothing, *(cifar[index] for index in chosen.tolist())]


def cut(top: bool, bottom: bool, left: bool, right: bool) -> Callable[[Picture], Picture]:
    def made(image: Picture) -> Picture:
        height, width = image.shape[:2]
        y, x = round(0.05 * height), round(0.05 * width)
        return image[y * top : height - y * bottom, x * left : width - x * right]

    return made


def resized(factor: float) -> Callable[[Picture], Picture]:
    def made(image: Picture) -> Picture:
        size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)

    return made


def jpeg(image: Picture) -> Picture:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), np.uint8)


KINDS: dict[str, Callable[[Picture], Picture] | None] = {
    "exact": None,
    "cut at all edges": cut(True, True, True, True),
    "cut at top and left": cut(True, False, True, False),
    "cut at bottom and right": cut(False, True, False, True),
    "cut at top and right": cut(True, False, False, True),
    "cut at top and bottom": cut(True, True, False, False),
    "cut at left and right": cut(False, False, True, True),
    "JPEG 50": jpeg,
    "resized to 0.5": resized(0.5),
    "resized to 0.75": resized(0.75),
    "resized to 1.5": resized(1.5),
    "cut at all edges, JPEG 50": lambda image: jpeg(cut(True, True, True, True)(image)),
}
MNIST_KINDS = {
    name: KINDS[name] for name in ("exact", "cut at all edges", "cut at top and left", "JPEG 50", "resized to 1.5")
}


def plant(files: list[bytes], folder: Path, kinds: dict[str, Callable[[Picture], Picture] | None]) -> None:
    """Write the pictures and the planted ones; a name tells the kind and the original."""
    rng = np.random.default_rng(1)
    for label in "ab":
        (folder / label).mkdir(parents=True)
    for index, data in enumerate(files):
        (folder / "ab"[index % 2] / f"{index:06d}").write_bytes(data)
    small = [index for index, data in enumerate(files) if len(data) < 20_000]
    large = [index for index, data in enumerate(files) if len(data) >= 20_000]
    for number, make in enumerate(kinds.values()):
        num_large = min(len(large), PLANTED // 6)
        chosen = [*rng.choice(large, num_large, replace=False)] if num_large else []
        chosen += [*rng.choice(small, PLANTED - num_large, replace=False)]
        for index in map(int, chosen):
            data = files[index]
            if make is not None:
                image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
                assert image is not None
                data = cv2.imencode(".png", make(np.asarray(image, np.uint8)))[1].tobytes()
            (folder / "ab"[index % 2] / f"{index:06d}_{number:02d}").write_bytes(data)


def measure(folder: Path, kinds: dict[str, Any], side: int, channels: int, sheet: Path | None) -> dict[str, Any]:
    dataset, check = JobFolder(folder / "jobs" / DATASET), JobFolder(folder / "jobs" / CHECK)
    source = {"train": str(folder / "pictures"), "pct_val": 20}
    spec = ClassificationSpec.model_validate(
        {
            "name": "planted",
            "resize_width": side,
            "resize_height": side,
            "resize_channels": channels,
            "random_seed": 1,
            "source": source,
        }
    )
    common: dict[str, Any] = {"extension": "image-classification", "title": "", "name": "", "created": 0.0}
    dataset.write(JobRecord(id=DATASET, kind="dataset", worker="build", spec=spec.model_dump(mode="json"), **common))
    settings = WorkerSettings(num_threads=os.cpu_count() or 1)
    said: list[Event] = []
    build(spec, dataset, settings, said.append, lambda: False)
    record = JobRecord(
        id=CHECK, kind="health", worker="health", parent=DATASET, tasks=tasks(HealthSpec()), spec={}, **common
    )
    check.write(record)
    said.clear()
    before, began = private_bytes(os.getpid()), time.monotonic()
    facts = check_health(record, check, said.append, lambda: False, settings)
    seconds = time.monotonic() - began
    ends = [event for event in said if isinstance(event, Progress) and event.state == "done"]
    scan = next(event.time for event in ends) - said[0].time
    result = {
        "pictures": facts["pictures"],
        "side_px": side,
        "seconds": round(seconds, 1),
        "scan_seconds": round(scan, 1),
    }
    result["kept_mb"] = round((private_bytes(os.getpid()) - before) / 1e6, 1)
    return result | judge(check.path, kinds, facts["pictures"] - PLANTED * len(kinds), folder / "pictures", sheet)


def judge(check: Path, kinds: dict[str, Any], count: int, folder: Path, sheet: Path | None) -> dict[str, Any]:
    """Return recall of each kind and what else was flagged; the CSV files have all groups."""
    together: dict[str, set[str]] = {}
    flagged: list[list[str]] = []
    found = read_json(check / "findings.json")
    for kind in ("exact_duplicates", "near_duplicates"):
        groups: dict[str, list[str]] = {}
        for line in (check / f"{kind}.csv").read_text().splitlines()[1:]:
            number, *_, path = line.split(",")
            groups.setdefault(number, []).append(Path(path).name)
        for names in groups.values():
            for name in names:
                together.setdefault(name, set()).update(names)
            if len({name[:6] for name in names}) > 1:
                flagged.append(names)
    recall = {}
    for place, kind in enumerate(kinds):
        planted = [path.name for path in folder.rglob(f"*_{place:02d}")]
        recall[kind] = round(sum(name[:6] in together.get(name, ()) for name in planted) / len(planted), 4)
    false = {name[:6] for names in flagged for name in names}
    if sheet:
        draw_sheet(flagged, folder, sheet)
    near = [share for kind, share in recall.items() if kind != "exact"]
    share = len(false) / count
    return {
        "recall": recall,
        "near_recall": round(float(np.mean(near)), 4),
        "flagged": len(false),
        "flagged_share": round(share, 5),
        "counts": found["counts"],
        "bars": {
            "exact 100 %": recall["exact"] == 1,
            "near >= 95 %": float(np.mean(near)) >= 0.95,
            "flagged <= 1 %": share <= 0.01,
        },
    }


def draw_sheet(groups: list[list[str]], folder: Path, sheet: Path) -> None:
    """Draw each group's originals side by side."""
    cells = []
    for names in groups[:120]:
        for name in sorted({name[:6] for name in names})[:2]:
            image = cv2.imread(str(next(folder.rglob(name))), cv2.IMREAD_COLOR)
            assert image is not None
            cells.append(cv2.resize(image, (80, 80)))
    while len(cells) % 20:
        cells.append(np.full((80, 80, 3), 255, np.uint8))
    rows = [np.hstack(cells[start : start + 20]) for start in range(0, len(cells), 20)]
    if rows:
        cv2.imwrite(str(sheet), np.vstack(rows))


if __name__ == "__main__":
    raise SystemExit(main())
