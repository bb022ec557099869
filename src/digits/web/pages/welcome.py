"""What a newcomer sees while nothing has been made: what this server is, and the quickest way to a first network."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

import psutil
from starlette.requests import Request

from digits.core.extensions import installed
from digits.web.pages import words
from digits.web.site import link, settings, store

DEMO = "/demo"


@dataclass(frozen=True)
class FirstSteps:
    """All that home/_first.html shows."""

    demo: str
    """Address that makes the MNIST demo; "" where the server has none."""
    facts: list[tuple[str, str]]
    jobs_folder: str


def first_steps(request: Request) -> FirstSteps:
    """Return the facts of this server."""
    options = settings(request)
    has_demo = any(row.path == DEMO for row in request.app.state.routes)
    gpus = store(request).gpus()
    facts = [
        (f"GPU {gpu.index}", f"{gpu.name}, {words.size(gpu.memory_bytes)}, {'busy' if gpu.job_id else 'free'}")
        for gpu in gpus
    ]
    cores = os.cpu_count() or 1
    facts.append(("CPU", f"{words.counted(cores, 'core')}, {words.size(psutil.virtual_memory().total)} memory"))
    folder = options.jobs if options.jobs.is_dir() else options.root
    facts.append(("Free disk space", words.size(shutil.disk_usage(folder).free) if folder.is_dir() else words.DASH))
    facts.append(("Frameworks", ", ".join(each.title for each in installed("frameworks").values()) or "none"))
    return FirstSteps(link(request, DEMO) if has_demo else "", facts, words.home_path(options.jobs))
