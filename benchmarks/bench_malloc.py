"""What glibc's malloc settings save a worker: page faults and CPU seconds of training a photo network on the CPU.

Activations of 10 to 50 MB come and go at each layer. glibc gives blocks of that size back to the system at once and takes new
ones, and the kernel zeroes each page anew. Each setting runs in a process of its own, the settings in turn, several rounds,
so that other load on the machine falls on all alike. CPU time is what counts; wall time is told beside it.

    python benchmarks/bench_malloc.py [rounds]
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time

SETTINGS: dict[str, dict[str, str]] = {
    "as it is": {},
    "MMAP_THRESHOLD 1 GiB": {"MALLOC_MMAP_THRESHOLD_": str(2**30)},
    "TRIM_THRESHOLD 2 GiB": {"MALLOC_TRIM_THRESHOLD_": str(2**31 - 1)},
    "both": {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1)},
    "both + TOP_PAD 64 MiB": {
        "MALLOC_MMAP_THRESHOLD_": str(2**30),
        "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
        "MALLOC_TOP_PAD_": str(2**26),
    },
    "hugetlb=1": {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"},
    "both + hugetlb=1": {
        "MALLOC_MMAP_THRESHOLD_": str(2**30),
        "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    },
}
BATCH = 64  # of 3 x 227 x 227: AlexNet's first activations are then 74 MB each, beyond glibc's own limit of 32 MB
STEPS = 2


def work() -> None:
    """Train the convolutions of a photo network for a few steps and print what they cost."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 96, 11, 4), nn.ReLU(), nn.LocalResponseNorm(5), nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(), nn.LocalResponseNorm(5), nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten(), nn.LazyLinear(10),
    )  # fmt: skip
    images_NCHW, labels = torch.rand(BATCH, 3, 227, 227), torch.zeros(BATCH, dtype=torch.long)

    def step() -> None:
        nn.functional.cross_entropy(net(images_NCHW), labels).backward()  # type: ignore[no-untyped-call] # torch's own
        net.zero_grad(set_to_none=True)

    step()
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    for _ in range(STEPS):
        step()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    print(
        after.ru_utime - before.ru_utime,
        after.ru_stime - before.ru_stime,
        after.ru_minflt - before.ru_minflt,
        after.ru_maxrss / 1024,
        wall,
    )


def main() -> None:
    """Run each setting in turn, several rounds, and print the medians."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    found: dict[str, list[list[float]]] = {name: [] for name in SETTINGS}
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    for _ in range(rounds):
        for name, setting in SETTINGS.items():
            run = subprocess.run(
                [sys.executable, __file__, "work"], env=clean | {"OMP_WAIT_POLICY": "PASSIVE"} | setting,
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            found[name].append([float(word) for word in run.stdout.split()])
    print(f"medians of {rounds}, {STEPS} steps of {BATCH} pictures, {os.cpu_count()} cores")
    print(f"{'setting':24} {'user s':>7} {'system s':>8} {'faults':>9} {'peak MB':>8} {'wall s':>7}")
    for name, runs in found.items():
        user, system, faults, peak, wall = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"{name:24} {user:7.2f} {system:8.2f} {faults:9.0f} {peak:8.0f} {wall:7.2f}")


if __name__ == "__main__":
    work() if sys.argv[1:] == ["work"] else main()
