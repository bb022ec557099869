"""A job folder as the web process, the runner and a worker leave it behind: written at once, at times of one's choosing."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from digits.core.events import Event, EventWriter
from digits.core.jobfolder import JobFolder, JobRecord, TaskPlan, new_job_id
from digits.core.settings import Settings

LABELS = [str(digit) for digit in range(10)]


@dataclass
class Made:
    """A job on disk, before it is indexed."""

    folder: JobFolder
    submitted: float


def make(
    settings: Settings, kind: str, name: str, *, spec: dict[str, Any], ago_s: float, user: str = "ana", group: str = "",
    depends_on: str = "", extension: str = "", title: str = "", tasks: dict[str, str] | None = None,
) -> Made:  # fmt: skip
    """Write a job folder as the web process leaves it, submitted ``ago_s`` seconds ago."""
    folder = JobFolder(settings.jobs / new_job_id(settings.jobs))
    submitted = time.time() - ago_s
    model = kind == "model"
    record = JobRecord(
        id=folder.id, kind="model" if model else "dataset", name=name, group=group, username=user, created=submitted,
        extension=extension or ("caffe" if model else "image-classification"),
        title=title or ("Image Classification Model" if model else "Image Classification Dataset"),
        depends_on=depends_on, worker="train" if model else "build", spec=spec,
        tasks=tuple(TaskPlan(name=key, title=text) for key, text in (tasks or {}).items()),
    )  # fmt: skip
    folder.write(record)
    return Made(folder, submitted)


def journal(made: Made, *lines: tuple[float, dict[str, Any]]) -> None:
    """Append journal lines, each at so many seconds after the job was submitted."""
    with made.folder.journal_file.open("a") as file:
        for after_s, line in lines:
            events = made.folder.events_file.stat().st_size if made.folder.events_file.exists() else 0
            file.write(json.dumps({"time": made.submitted + after_s, "events": events, **line}) + "\n")


def say(made: Made, *events: Event) -> None:
    """Append events, as the job's worker would."""
    writer = EventWriter(made.folder.events_file)
    for event in events:
        writer(event)
    writer.close()
