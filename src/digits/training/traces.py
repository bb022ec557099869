"""Where the time of a step goes: traces of some steps by torch's profiler, in Chrome's format, in ``traces/`` of the job folder.

``chrome://tracing`` and https://ui.perfetto.dev open them. As in DIGITS 6 their names are ``timeline_<step>.json``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

FOLDER = "traces"
MAX_TRACES = 20
"""A trace of a large network has tens of megabytes; later steps look like earlier ones."""


@contextmanager
def traced(job: Path, step: int, interval: int, device: torch.device) -> Iterator[None]:
    """Trace what happens inside if ``step`` is a multiple of ``interval`` steps (0: none is), up to ``MAX_TRACES`` of a training.

    The first step is left out: it does what none after it does, as choosing kernels and making room.
    """
    if not interval or not step or step % interval or step > interval * MAX_TRACES:
        yield
        return
    activities = [torch.profiler.ProfilerActivity.CPU]
    if device.type == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=activities) as profile:
        yield
    folder = job / FOLDER
    folder.mkdir(exist_ok=True)
    part = folder / f".timeline_{step}.part.json"
    profile.export_chrome_trace(str(part))
    os.replace(part, folder / f"timeline_{step}.json")
