"""What a running training takes of the machine: its GPUs by NVML, its process by psutil. No CUDA is touched."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from digits.core.platform import process_start
from digits.web.pages import words

if TYPE_CHECKING:
    from digits.store import Job


@dataclass(frozen=True)
class Gauge:
    """One measured share: "CPU", 0.14, "2.3 of 16 cores"."""

    name: str
    share: float
    text: str


@dataclass(frozen=True)
class Device:
    """A GPU or a process with its gauges."""

    title: str
    gauges: list[Gauge]


def used_by(job: Job) -> list[Device]:
    """Return the devices of a running job; [] where its process is not on this machine, or over."""
    if job.handle is None or not job.is_running:
        return []
    return [*_gpus(job.gpus), *_process(job.handle.pid, job.handle.created)]


def _process(pid: int, created: str) -> list[Device]:
    try:
        process = psutil.Process(pid)
        if process_start(pid) != created:
            return []
        # A training on several GPUs is done by processes that this one started.
        used_s = memory = 0.0
        all_of_it = [process, *process.children(recursive=True)]
        for each in all_of_it:
            with suppress(psutil.NoSuchProcess), each.oneshot():
                times = each.cpu_times()
                used_s += times.user + times.system
                memory += each.memory_info().rss
        alive_s = max(1e-3, time.time() - process.create_time())
    except psutil.Error:
        return []
    cores = os.cpu_count() or 1
    used = min(cores, used_s / alive_s)
    total = psutil.virtual_memory().total
    return [
        Device(
            f"Process {pid}" if len(all_of_it) == 1 else f"Process {pid} and the {len(all_of_it) - 1} that it started",
            [
                Gauge("CPU", used / cores, f"{used:.1f} of {words.counted(cores, 'core')}"),
                Gauge("Memory", memory / total, f"{memory / 1e9:.1f} of {total / 1e9:.0f} GB"),
            ],
        )
    ]


def _gpus(indices: tuple[int, ...]) -> list[Device]:
    if not indices:
        return []
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no driver, no library: the panel shows the process alone
        return []
    try:
        return [device for index in indices if (device := _gpu(pynvml, index)) is not None]
    finally:
        pynvml.nvmlShutdown()


def _gpu(nvml: Any, index: int) -> Device | None:
    """Return a GPU with those gauges that it has; None where there is none of that number (any more)."""
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        name = nvml.nvmlDeviceGetName(handle)
    except nvml.NVMLError:
        return None
    gauges = []
    with suppress(nvml.NVMLError):  # a slice of a GPU (MIG) is not said to be busy
        busy = nvml.nvmlDeviceGetUtilizationRates(handle).gpu
        gauges.append(Gauge("Busy", busy / 100, f"{busy} %"))
    with suppress(nvml.NVMLError):
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        text = f"{memory.used / 1e9:.1f} of {memory.total / 1e9:.1f} GB"
        gauges.append(Gauge("Memory", memory.used / memory.total, text))
    with suppress(nvml.NVMLError):
        heat = nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)
        gauges.append(Gauge("Heat", min(1.0, heat / 100), f"{heat} °C"))
    return Device(f"GPU {index}, {name if isinstance(name, str) else name.decode()}", gauges)
