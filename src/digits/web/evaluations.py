"""Evaluations of models as their pages and the API see them: starting one, those of a model, and what was found.

An evaluation is a job whose parent is the model: it goes with it, and shows on its page. It waits for its dataset as a training does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from digits.core.errors import DigitsError, JobError, NotFoundError, SpecError
from digits.core.evaluationspec import DBS, METRICS_FILE, TITLE, EvaluationSpec, tasks, unfit
from digits.core.files import read_json
from digits.core.states import JobState
from digits.scoring.confusion import ClassRow, Confusion
from digits.store import Job, Store
from digits.web.classifying import labels_of
from digits.web.jobjson import plain_epoch
from digits.web.snapshots import choose

MODEL_FILE = "model.json"


def start(store: Store, model: Job, spec: EvaluationSpec, username: str) -> Job:
    """Queue an evaluation; the same one that is under way is not doubled.

    Raises:
        DigitsError: the model has no such snapshot.
        SpecError: there is no such dataset or database, or the model cannot answer it.
    """
    snapshot = choose(store.snapshots(model.id), spec.epoch)
    dataset = _dataset(store, spec.dataset or model.depends_on)
    db = _database(dataset, spec.db)
    _check_fit(model, dataset)
    asked = spec.model_copy(update={"dataset": dataset.id, "db": db, "epoch": snapshot.epoch}).model_dump(mode="json")
    for old in of_model(store, model.id):
        if old.is_running and old.spec == asked:
            return old
    return store.submit(
        kind="evaluation", extension=model.extension, title=TITLE, name=f"{model.name} on {db} of {dataset.name}",
        username=username, worker="evaluate", parent=model.id, depends_on=dataset.id,
        tasks=tasks(_entries(dataset, db)), num_gpus=1, spec=asked,
    )  # fmt: skip


def _dataset(store: Store, job_id: str) -> Job:
    try:
        dataset = store.job(job_id)
    except NotFoundError:
        dataset = None
    if dataset is None or dataset.kind != "dataset":
        raise SpecError({"dataset_id": [f"There is no dataset {job_id[:64]!r}."]})
    if dataset.state is not JobState.DONE:
        raise SpecError({"dataset_id": [f'"{dataset.name}" is {dataset.state}; a finished dataset can be answered.']})
    return dataset


def _entries(dataset: Job, db: str) -> int:
    return int(dataset.facts.get("dbs", {}).get(db, {}).get("entries") or 0)


def databases(dataset: Job) -> list[str]:
    """Return the databases of a finished dataset that hold anything, the one that is evaluated by default in front."""
    return [db for db in DBS if _entries(dataset, db)]


def _database(dataset: Job, db: str) -> str:
    found = databases(dataset)
    if not found or (db and db not in found):
        raise SpecError({"db": [f'"{dataset.name}" has no {db or "database"} with pictures in it.']})
    return db or found[0]


def _check_fit(model: Job, dataset: Job) -> None:
    try:
        made = read_json(model.folder.path / MODEL_FILE)
    except (OSError, ValueError) as error:
        raise JobError("The model has no network yet.", hint="Wait for its first epoch to end.") from error
    if problem := unfit(made, labels_of(model), dataset.facts):
        raise SpecError({"dataset_id": [problem]})


def of_model(store: Store, model_id: str) -> list[Job]:
    """Return the evaluations of a model, newest first."""
    return store.jobs(kind="evaluation", parent=model_id)


def fitting(store: Store, model: Job, *, most: int = 100) -> list[Job]:
    """Return the finished datasets that the model can answer, its own in front."""
    try:
        made, labels = read_json(model.folder.path / MODEL_FILE), labels_of(model)
    except (OSError, ValueError, DigitsError):
        return []
    known = [
        job for job in store.jobs(kind="dataset", limit=most) if job.state is JobState.DONE and job.facts.get("image")
    ]
    found = [job for job in known if databases(job) and not unfit(made, labels, job.facts)]
    return sorted(found, key=lambda job: job.id != model.depends_on)


@dataclass(frozen=True)
class Found:
    """What an evaluation found: ``metrics.json``, with the confusion by class ids."""

    json: dict[str, Any]
    labels: list[str]
    """Of the rates, in order."""
    confusion: Confusion

    @property
    def model_labels(self) -> list[str]:
        """Names of all classes that the model knows, by their ids."""
        names: list[str] = self.json["labels"]
        return names

    @property
    def class_rows(self) -> list[ClassRow]:
        """The rates of the classes; none where answers are numbers or masks."""
        rows = self.json["per_class"]
        return [ClassRow(**row) for row in rows] if rows and "f1" in rows[0] else []


def found(job: Job) -> Found | None:
    """Return what an evaluation found; None where it is not done."""
    if job.state is not JobState.DONE:
        return None
    path = job.folder.path / METRICS_FILE
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=4)
def _read(path: Path, changed_ns: int) -> Found:  # noqa: ARG001 - another time of change is another file
    json: dict[str, Any] = read_json(path)
    labels = [row["label"] for row in json["per_class"]]
    ids = {label: index for index, label in enumerate(labels)}
    return Found(
        json, labels, Confusion(labels, ((ids[true], ids[said], count) for true, said, count in json["confusion"]))
    )


def as_json(job: Job) -> dict[str, Any]:
    """Return ``/evaluations/<id>.json``; its numbers are empty until it is done."""
    result = found(job)
    numbers = result.json if result else {}
    return {
        "id": job.id,
        "name": job.name,
        "status": job.state.value,
        "model_id": job.parent,
        "dataset_id": job.spec["dataset"],
        "db": job.spec["db"],
        "snapshot_epoch": plain_epoch(job.spec["epoch"]),
        "progress": round(job.progress * 100, 2),
        "elapsed": round(job.elapsed_s, 3),
        "error": job.error.message if job.error else None,
        "count": numbers.get("count", 0),
        "refused": numbers.get("refused", 0),
        "metrics": numbers.get("metrics", {}),
        "per_class": numbers.get("per_class", []),
        "confusion": numbers.get("confusion", []),
        "calibration": numbers.get("calibration"),
    }
