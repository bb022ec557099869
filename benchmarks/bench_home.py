"""How soon a server of 10,000 jobs answers: the home page in every order, the lists as JSON, and what it holds and takes to start.

Bars: the first byte of any home page within 150 ms (p95), under 250 MB of private memory, answers within 3 s of its start. There is
no peer: DIGITS read every job into memory when it started and sent all rows to the browser.

    python -m benchmarks.bench_home [--root FOLDER kept for the next time] [--rounds 15]
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.bench_server import free_port
from benchmarks.manyjobs import fill
from digits.core.platform import private_bytes

RECORD = Path(__file__).parent / "records" / "home.json"
NUM_MODELS, NUM_DATASETS = 8_000, 2_000  # what a group of ten leaves behind in a year or two
PAGES = {
    "models": "/",
    "datasets": "/?tab=1",
    "pretrained models": "/?tab=3",
    "page 41": "/?tab=2&page=40",
    "not grouped": "/?tab=2&group=0",
    **{f"models by {key}": f"/?tab=2&sort={key}" for key in (
        "name", "framework", "status", "device", "epochs", "-elapsed", "submitted", "-accuracy%2Fval%3Alast", "loss%2Ftrain%3Amin")},
    **{f"datasets by {key}": f"/?tab=1&sort={key}" for key in (
        "name", "-refs", "backend", "status", "-classes", "-pictures", "-bytes", "-elapsed", "submitted")},
    "filtered": "/?tab=2&q=lenet+77",
    "filtered, nothing found": "/?tab=2&q=xyzzy",
    "filtered and sorted": "/?tab=2&q=done+caffe&sort=-accuracy%2Fval%3Alast",
    "datasets filtered": "/?tab=1&q=lmdb+9",
}  # fmt: skip
LISTS = {"completed_jobs.json": "/completed_jobs.json", "index.json": "/index.json"}


class Server:
    """A server of its own process, asked over one connection."""

    def __init__(self, root: Path) -> None:
        began = time.monotonic()
        self.port = free_port()
        command = [sys.executable, "-m", "digits", "-p", str(self.port), "--root", str(root)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                self.ask("/")
                break
            except OSError:
                assert self.process.poll() is None, f"{command} ended with {self.process.returncode}"
                time.sleep(0.01)
        self.start_s = time.monotonic() - began

    def ask(self, path: str, tag: str = "") -> tuple[float, int, str, int]:
        """Return milliseconds to the first byte, status, ETag and length of a GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.connect()
            began = time.perf_counter()
            connection.request("GET", path, headers={"If-None-Match": tag} if tag else {})
            answer = connection.getresponse()
            first = (time.perf_counter() - began) * 1000
            body = answer.read()
            return first, answer.status, answer.headers.get("ETag", ""), len(body)
        finally:
            connection.close()

    def cpu_s(self) -> float:
        """Return the seconds of CPU that it has used: what a busy machine does not change much."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()


def measure(server: Server, path: str, rounds: int, *, again: bool = False) -> dict[str, float]:
    """Return p50 and p95 of the first byte in ms; with ``again`` the answer is known already (304)."""
    _, status, tag, size = server.ask(path)
    assert status == 200, (path, status)
    before = server.cpu_s()
    times = sorted(server.ask(path, tag if again else "")[0] for _ in range(rounds))
    cpu_ms = (server.cpu_s() - before) / rounds * 1000
    p95 = times[min(rounds - 1, round(rounds * 0.95))]
    return {
        "p50_ms": round(statistics.median(times), 1), "p95_ms": round(p95, 1), "cpu_ms": round(cpu_ms, 1),
        "bytes": 0 if again else size,
    }  # fmt: skip


def main() -> None:
    """Make the jobs, ask for everything, print and keep what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as made:
        root = given.root or Path(made)
        fill(root, num_models=NUM_MODELS, num_datasets=NUM_DATASETS).close()
        Server(root).stop()  # the disk's cache
        server = Server(root)
        try:
            found = {name: measure(server, path, given.rounds) for name, path in (PAGES | LISTS).items()}
            for name, path in {"models": "/", **LISTS}.items():
                found[f"{name}, unchanged (304)"] = measure(server, path, given.rounds, again=True)
            held = private_bytes(server.process.pid) / 1e6
        finally:
            server.stop()
    for name, row in found.items():
        print(
            f"{name:42} {row['p50_ms']:8.1f} {row['p95_ms']:8.1f} ms {row['cpu_ms']:8.1f} ms CPU   {row['bytes']:10,} bytes"
        )
    pages = max(found[name]["p95_ms"] for name in PAGES)
    print(f"slowest page {pages:.0f} ms; start {server.start_s:.2f} s; {held:.0f} MB private")
    record = {
        "jobs": NUM_MODELS + NUM_DATASETS, "rounds": given.rounds, "cores": os.cpu_count(), "load_before": load,
        "start_s": round(server.start_s, 2), "private_mb": round(held, 1), "slowest_page_p95_ms": pages, "first_byte": found,
    }  # fmt: skip
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
