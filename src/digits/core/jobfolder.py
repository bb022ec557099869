"""The job folder: the truth about a job; the database is only an index of these.

<root>/jobs/20261124-041512-7f3a/
  job.json       what was asked for; never changes        journal.jsonl  what people and the runner did to it
  events.jsonl   what the worker said                     output.log     for people; never parsed
  metrics/       curves (digits.core.metrics)             snapshots/     weights and solver state
  stop           its presence asks the worker to stop
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from digits.core.errors import NotFoundError
from digits.core.files import mend, read_json, write_json

JobKind = Literal["dataset", "model", "pretrained_model", "evaluation", "health", "export"]
"""The first three stand in lists; the others belong to their ``parent``, whose page shows them, and go with it."""
LISTED_KINDS: tuple[JobKind, ...] = ("dataset", "model", "pretrained_model")
JOB_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
SNAPSHOT_WEIGHTS, SNAPSHOT_STATE, SNAPSHOT_FACTS = "weights.safetensors", "state.safetensors", "state.json"
"""Files of a snapshot's folder; those without the second hold weights that no training can go on from."""
SNAPSHOT_PREFIX = "epoch_"
_SNAPSHOT = re.compile(SNAPSHOT_PREFIX + r"(\d+(?:\.\d+)?)")


class TaskPlan(BaseModel):
    """A part of a job that has its own state, progress and time left on the page."""

    model_config = ConfigDict(frozen=True)
    name: str = Field(description="'create_train_db': what the worker's Progress events say.")
    title: str = Field(description="'Create DB (train)': what people read.")


class JobRecord(BaseModel):
    """``job.json``: the job as submitted."""

    model_config = ConfigDict(frozen=True)
    id: str
    kind: JobKind
    extension: str = Field(description="Name of the extension that knows the spec: 'image-classification', 'caffe'.")
    title: str = Field(description="'Image Classification Dataset'.")
    name: str
    group: str = ""
    username: str = ""
    created: float
    parent: str = Field(
        default="",
        description="The job this one belongs to and goes with (an evaluation's model, a health check's dataset).",
    )
    depends_on: str = Field(
        default="", description="The job that must be Done before this one starts (a model's dataset)."
    )
    worker: str = Field(description="'build': the process is `python -m digits.workers.build <job folder>`.")
    tasks: tuple[TaskPlan, ...] = ()
    num_gpus: int = Field(default=0, description="GPUs wanted, 0 for none; ignored where the machine has none.")
    gpus: tuple[int, ...] = Field(default=(), description="These GPUs and no others, if any are named.")
    spec: dict[str, Any]


@dataclass(frozen=True)
class JobFolder:
    """Paths inside one job's folder."""

    path: Path

    @property
    def id(self) -> str:
        """The job's id is its folder's name."""
        return self.path.name

    @property
    def record_file(self) -> Path:
        """What was asked for; never changes."""
        return self.path / "job.json"

    @property
    def journal_file(self) -> Path:
        """What people and the runner did to the job."""
        return self.path / "journal.jsonl"

    @property
    def events_file(self) -> Path:
        """What the worker said."""
        return self.path / "events.jsonl"

    @property
    def output_log(self) -> Path:
        """What the worker printed, for people."""
        return self.path / "output.log"

    @property
    def metrics(self) -> Path:
        """The curves."""
        return self.path / "metrics"

    @property
    def snapshots(self) -> Path:
        """Weights and solver states."""
        return self.path / "snapshots"

    @property
    def stop_file(self) -> Path:
        """Its presence asks the worker to stop."""
        return self.path / "stop"

    def record(self) -> JobRecord:
        """Return ``job.json``.

        Raises:
            NotFoundError: the folder holds none.
        """
        try:
            return JobRecord.model_validate(read_json(self.record_file))
        except (OSError, ValueError) as error:
            raise NotFoundError("Job not found", where=str(self.path)) from error

    def write(self, record: JobRecord) -> None:
        """Make the folder with its ``job.json``; the job exists from then on."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.record_file, record.model_dump(mode="json"))

    def note(self, what: str, **facts: Any) -> dict[str, Any]:
        """Append a line to the journal, force it to the disk, and return it: it is there before the database knows."""
        fact = {"time": time.time(), "what": what, **facts}
        fd = os.open(self.journal_file, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        try:
            os.write(fd, mend(fd) + json.dumps(fact).encode() + b"\n")
            os.fsync(fd)
        finally:
            os.close(fd)
        return fact

    def snapshot_folders(self) -> list[Path]:
        """Return the folders of whole snapshots, by epoch."""
        found = {
            float(match[1]): path
            for path in self.snapshots.glob(SNAPSHOT_PREFIX + "*")
            if (match := _SNAPSHOT.fullmatch(path.name)) and (path / SNAPSHOT_FACTS).is_file()
        }
        return [found[epoch] for epoch in sorted(found)]

    def remove_snapshot(self, name: str) -> None:
        """Take a snapshot off the disk: out of sight at once, so that no half of it is ever taken for a whole one."""
        out_of_sight = self.snapshots / f".{name}.gone"
        shutil.rmtree(out_of_sight, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            os.replace(self.snapshots / name, out_of_sight)
        shutil.rmtree(out_of_sight, ignore_errors=True)

    def spec_changes(self) -> dict[str, Any]:
        """Return the fields of the spec that are other since than in ``job.json``: what was asked for when the job was resumed."""
        changes: dict[str, Any] = {}
        for line in self.journal():
            if line.get("what") == "resume":
                changes |= line.get("changes") or {}
        return changes

    def attempt(self) -> int:
        """Return which attempt at the job this is, from 1: one more for each time that it was resumed."""
        return 1 + [line.get("what") for line in self.journal()].count("resume")

    def journal(self) -> Iterator[dict[str, Any]]:
        """Yield the journal's lines, oldest first; a torn last line is passed over."""
        try:
            lines = self.journal_file.read_bytes().splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                continue


def new_job_id(jobs: Path) -> str:
    """Make a new folder below ``jobs`` and return its name, DIGITS' ``YYYYMMDD-HHMMSS-xxxx``; two never collide."""
    jobs.mkdir(parents=True, exist_ok=True)
    while True:
        name = time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(2)
        try:
            (jobs / name).mkdir(mode=0o700)
        except FileExistsError:
            continue
        return name


def find_job_folder(jobs: Path, job_id: str) -> JobFolder:
    """Return the folder of ``job_id``.

    Raises:
        NotFoundError: the id is not of an id's form, or there is no such folder.
    """
    if JOB_ID.fullmatch(job_id) and (jobs / job_id).is_dir():
        return JobFolder(jobs / job_id)
    raise NotFoundError("Job not found")
