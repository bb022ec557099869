"""What this machine has to give: GPUs, slots, room on the disk."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from digits.core.settings import Settings
from digits.store import Gpu

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Resources:
    """What may be in use at one time."""

    gpus: tuple[int, ...]
    cpu_slots: int
    """Trainings and tests without a GPU."""
    build_slots: int
    """Datasets in the making: a slot of their own kind, so that a long training holds none up."""
    min_free_disk_bytes: int
    free_disk_bytes: int


def find_gpus(settings: Settings, environment: Mapping[str, str] = os.environ) -> list[Gpu]:
    """Return the GPUs that jobs may use, by NVML; none where there is no driver, or the setting ``device`` says CPU.

    ``CUDA_VISIBLE_DEVICES`` of the runner's own environment narrows them down, by number or by UUID.
    """
    if settings.device in ("cpu", "mps"):
        return []
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        _log.info("no GPU: %s", error)
        return []
    allowed = environment.get("CUDA_VISIBLE_DEVICES")
    chosen = None if allowed is None else {part.strip() for part in allowed.split(",")}
    found = []
    try:
        for index in range(pynvml.nvmlDeviceGetCount()):
            device = pynvml.nvmlDeviceGetHandleByIndex(index)
            name, memory = pynvml.nvmlDeviceGetName(device), int(pynvml.nvmlDeviceGetMemoryInfo(device).total)
            if chosen is None or {str(index), _text(pynvml.nvmlDeviceGetUUID(device))} & chosen:
                found.append(Gpu(index, _text(name), memory, ""))
    except pynvml.NVMLError as error:
        _log.warning("the GPUs cannot be asked: %s", error)
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()
    return found


def measure(settings: Settings, gpus: tuple[int, ...]) -> Resources:
    """Return what there is now."""
    settings.jobs.mkdir(parents=True, exist_ok=True)
    return Resources(
        gpus=gpus,
        cpu_slots=settings.num_cpu_slots,
        build_slots=settings.num_cpu_slots,
        min_free_disk_bytes=settings.min_free_disk_bytes,
        free_disk_bytes=shutil.disk_usage(settings.jobs).free,
    )


def _text(name: str | bytes) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name
