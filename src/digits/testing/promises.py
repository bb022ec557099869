"""What extensions of all kinds have to hold, and how their work is run: in the product's own worker processes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from digits.core.events import Event, read_events
from digits.core.jobfolder import JobFolder, JobKind, JobRecord, TaskPlan, new_job_id
from digits.core.platform import worker_environment
from digits.core.spec import Spec
from digits.core.work import WorkerSettings

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_HEAVY = ("torch", "numpy", "tensorflow", "cv2", "PIL")
_LIMIT_S = 600


def holds(is_true: bool, promise: str, found: object = "") -> None:
    """Raise an AssertionError that says which promise is broken, and what was found instead."""
    if not is_true:
        raise AssertionError(f"{promise}{f' Found: {found}.' if found != '' else ''}")


def check_name(name: str, title: str) -> None:
    """Hold an extension's name and title against what forms, routes and folders need."""
    holds(bool(_NAME.fullmatch(name)), "An extension's name is lowercase words with hyphens between.", name)
    holds(bool(title.strip()), "An extension has a title that people read.")


def check_import(package: str) -> None:
    """Hold an extension's package against the rule that listing extensions loads nothing heavy."""
    code = f"import sys, {package}; print([each for each in {_HEAVY!r} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    holds(done.returncode == 0, f"{package} can be imported.", done.stderr.strip()[-500:])
    holds(
        done.stdout.strip() == "[]",
        f"{package} imports its spec alone; heavy work is named by strings.",
        done.stdout.strip(),
    )


def check_spec(kind: type[Spec], spec: Spec) -> None:
    """Hold a spec against what the form, job.json and the docs need of it."""
    holds(isinstance(spec, kind), f"The spec to check with is a {kind.__name__}.", type(spec).__name__)
    text = spec.model_dump_json()
    holds(kind.model_validate_json(text) == spec, "A spec read back from job.json is the same.", text)
    try:
        kind.model_validate({**json.loads(text), "no_such_field": 1})
    except ValidationError:
        pass
    else:
        raise AssertionError("A spec refuses fields that it does not know (derive it from digits.core.spec).")
    for name, info in kind.model_fields.items():
        is_choice = isinstance(getattr(spec, name), BaseModel)
        holds(is_choice or bool(info.title), f"Each field of a spec has a title (digits.core.spec.field): {name!r}.")


def run_worker(
    folder: Path,
    worker: str,
    *,
    kind: JobKind,
    extension: str,
    spec: Spec | Mapping[str, Any],
    tasks: tuple[TaskPlan, ...] = (),
    stopped: bool = False,
    depends_on: str = "",
    settings: WorkerSettings | None = None,
    python: str = sys.executable,
) -> tuple[JobFolder, list[Event]]:
    """Run a new job's worker to its end, and return the job's folder and what it said.

    Args:
        folder: where job folders are made.
        worker: "build", "train".
        kind: of the job.
        extension: the one that does the work.
        spec: what is asked for.
        tasks: as planned.
        stopped: whether it is asked to stop before it begins.
        depends_on: the dataset of a training.
        settings: what the worker is told of the server's.
        python: the interpreter that runs it.
    """
    job = JobFolder(folder / new_job_id(folder))
    asked = spec.model_dump(mode="json") if isinstance(spec, Spec) else dict(spec)
    job.write(
        JobRecord(
            id=job.id,
            kind=kind,
            extension=extension,
            title="Conformance",
            name="conformance",
            created=0.0,
            worker=worker,
            tasks=tasks,
            spec=asked,
            depends_on=depends_on,
        )
    )
    if stopped:
        job.stop_file.touch()
    return job, run_again(job, settings=settings, python=python)


def run_again(job: JobFolder, *, settings: WorkerSettings | None = None, python: str = sys.executable) -> list[Event]:
    """Run the worker of a job that is there already, and return all that it has said."""
    environment = {**os.environ, **worker_environment(1), **(settings or WorkerSettings(device="cpu")).to_environment()}
    with job.output_log.open("ab") as output:
        subprocess.run(
            [python, "-m", f"digits.workers.{job.record().worker}", str(job.path)], cwd=job.path, env=environment,
            stdout=output, stderr=subprocess.STDOUT, timeout=_LIMIT_S, check=False,
        )  # fmt: skip
    return [event for _, event in read_events(job.events_file)]


def last(job: JobFolder, events: list[Event]) -> Event:
    """Return how a job ended."""
    holds(
        bool(events), "A worker says how it ended.", job.output_log.read_text(encoding="utf-8", errors="replace")[-800:]
    )
    return events[-1]
