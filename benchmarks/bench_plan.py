"""How long ``digits dataset plan`` takes for a manifest of 200 million lines in 5,000 classes, and how much memory.

Bars: under 30 minutes and 1.5 GB. The manifest (8 GB) is written first and removed afterwards.

    python -m benchmarks.bench_plan [--lines 200000000] [--classes 5000] [--folder /where/there/is/room]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECORD = Path(__file__).parent / "records" / "plan.json"
MOST_S, MOST_BYTES = 30 * 60, 1_500_000_000
_BLOCK = 10_000


def write_manifest(path: Path, lines: int, classes: int) -> None:
    """Write so many lines, of which each tenth is for validation."""
    with path.open("wb") as file:
        file.write(b"image,label,split\n")
        for first in range(0, lines, _BLOCK):
            file.write(
                b"".join(
                    b"s3/%05d/%09d.jpg,class %d,%b\n"
                    % (number % classes, number, number % classes, b"train" if number % 10 else b"val")
                    for number in range(first, min(lines, first + _BLOCK))
                )
            )


def measure(path: Path) -> dict[str, object]:
    """Plan in a process of its own."""
    command = [str(Path(sys.executable).with_name("digits")), "dataset", "plan", str(path), "--json"]
    started = time.monotonic()
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert worker.stdout
    found = json.loads(worker.stdout.read())
    _, status, usage = os.wait4(worker.pid, 0)
    assert status == 0
    return {
        "wall_s": round(time.monotonic() - started, 1),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_bytes": usage.ru_maxrss * 1024,
        "plan": {name: found[name] for name in ("images", "classes", "dbs", "refused", "shards", "bytes", "hours")},
    }


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=200_000_000)
    parser.add_argument("--classes", type=int, default=5_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    load = os.getloadavg()[0]
    path = options.folder / "plan-manifest.csv"
    try:
        if not path.exists():
            write_manifest(path, options.lines, options.classes)
        manifest_bytes = path.stat().st_size
        found = measure(path)
    finally:
        path.unlink(missing_ok=True)
    bars = {"time": found["wall_s"] < MOST_S, "memory": found["peak_bytes"] < MOST_BYTES}  # type: ignore[operator]  # numbers
    machine = {"cores": os.cpu_count(), "processor": platform.machine(), "python": platform.python_version()}
    record = {
        "command": f"python -m benchmarks.bench_plan --lines {options.lines} --classes {options.classes}",
        "manifest_bytes": manifest_bytes, **found, "bars": bars, "load_before": load, "machine": machine,
    }  # fmt: skip
    print(json.dumps(record, indent=2))
    RECORD.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
