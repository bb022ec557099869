"""How long until the server answers ``GET /``, and what it keeps to itself, beside the usual way: a web process that loads torch.

Bars: a second start answers in under 3 s; the web process stays under 150 MB of private memory.

    python -m benchmarks.bench_server [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from digits.core.platform import private_bytes

RECORD = Path(__file__).parent / "records" / "server.json"
PEER = """
import sys, torch, uvicorn
from fastapi import FastAPI
app = FastAPI()
app.get("/")(lambda: {})
uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(command: list[str], port: int) -> tuple[float, float]:
    """Start a server, ask it for its first page, end it; return seconds to the answer and its private MB."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30).read()
                break
            except OSError:
                assert process.poll() is None, f"{command} ended with {process.returncode}"
                time.sleep(0.01)
        return time.monotonic() - began, private_bytes(process.pid) / 1e6
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Start both by turns; print and keep the medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    found: dict[str, list[tuple[float, float]]] = {"OpenDIGITS": [], "a web process with torch": []}
    with tempfile.TemporaryDirectory() as root:
        for _ in range(rounds + 1):  # the first is the set-up of the root and of the disk's cache
            port = free_port()
            ours = [sys.executable, "-m", "digits", "-p", str(port), "--root", root]
            found["OpenDIGITS"].append(start(ours, port))
            port = free_port()
            found["a web process with torch"].append(start([sys.executable, "-c", PEER, str(port)], port))
    record: dict[str, Any] = {"rounds": rounds, "cores": os.cpu_count(), "load_before": os.getloadavg()[0]}
    for name, values in found.items():
        seconds, megabytes = (statistics.median(column) for column in zip(*values[1:], strict=True))
        record[name] = {"seconds_to_first_answer": round(seconds, 2), "private_mb": round(megabytes, 1)}
        print(f"{name:26} {seconds:6.2f} s to the first answer   {megabytes:6.1f} MB private")
    ratio = record["a web process with torch"]["private_mb"] / record["OpenDIGITS"]["private_mb"]
    print(f"memory: {ratio:.1f} times less")
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
