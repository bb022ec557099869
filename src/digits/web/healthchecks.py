"""Checks of a dataset's health as its pages and the API see them: starting one, the newest, and what was found.

A check is a job whose parent is the dataset; it shows on the dataset's pages alone. The findings are those of the newest that is Done.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from digits.core.errors import DigitsError, JobError, SpecError
from digits.core.files import read_json
from digits.core.healthspec import FINDINGS_FILE, TITLE, HealthSpec, tasks
from digits.core.states import JobState
from digits.store import Job, Store


def start(store: Store, dataset: Job, spec: HealthSpec, username: str) -> Job:
    """Queue a check; it waits for a dataset that is still being made. One that is under way is not doubled.

    Raises:
        JobError: the dataset will never be finished, or another check of it is under way.
        SpecError: the model cannot be asked about this dataset.
    """
    if not dataset.is_running and dataset.state is not JobState.DONE:
        raise JobError(f'"{dataset.name}" is {dataset.state}; a finished dataset can be checked.')
    if not can_check(dataset):
        raise JobError("Only a dataset with one class for each picture can be checked.")
    if spec.model:
        _check_model(store, dataset, spec.model)
    for old in checks(store, dataset.id):
        if old.is_running:
            if old.spec == spec.model_dump(mode="json"):
                return old
            raise JobError("A check of this dataset is under way.", hint="Abort it, or wait for its end.")
    found = newest_done(checks(store, dataset.id))
    for old in checks(store, dataset.id):
        if found is None or old.id != found.id:
            store.delete(old.id)
    return store.submit(
        kind="health", extension=dataset.extension, title=TITLE, name=f"Health of {dataset.name}", username=username,
        worker="health", parent=dataset.id, depends_on=dataset.id, tasks=tasks(spec), num_gpus=1 if spec.model else 0,
        spec=spec.model_dump(mode="json"),
    )  # fmt: skip


def can_check(dataset: Job) -> bool:
    """Whether a dataset's records are pictures that have one class each; of one that is not made yet that is not known, and assumed."""
    has_pictures = "alphabet" not in dataset.facts and "pictures_per_record" not in dataset.facts
    return has_pictures and bool(dataset.facts.get("target_kind", "class") == "class")


def _check_model(store: Store, dataset: Job, model_id: str) -> None:
    try:
        model = store.job(model_id)
    except DigitsError as error:
        raise SpecError({"model": [f"There is no model {model_id[:64]!r}."]}) from error
    if model.kind != "model":
        raise SpecError({"model": [f"{model.name!r} is no model."]})
    if not store.snapshots(model.id):
        raise SpecError({"model": [f"{model.name!r} has no snapshot yet."]})
    trained_on = store.job(model.depends_on).facts
    for fact in ("labels", "image"):
        if dataset.facts and trained_on.get(fact) != dataset.facts.get(fact):
            raise SpecError(
                {"model": [f"{model.name!r} was trained on other {'classes' if fact == 'labels' else 'pictures'}."]}
            )


def checks(store: Store, dataset_id: str) -> list[Job]:
    """Return the checks of a dataset, newest first."""
    return store.jobs(kind="health", parent=dataset_id)


def newest_done(found: list[Job]) -> Job | None:
    """Return the newest check that has findings."""
    return next((job for job in found if job.state is JobState.DONE), None)


def findings(job: Job | None) -> dict[str, Any] | None:
    """Return what a check found; None where there is no such file."""
    path = None if job is None else job.folder.path / FINDINGS_FILE
    try:
        return None if path is None else _read(path, path.stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=4)
def _read(path: Path, changed_ns: int) -> dict[str, Any]:  # noqa: ARG001 - another time of change is another file
    found: dict[str, Any] = read_json(path)
    return found
