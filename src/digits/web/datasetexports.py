"""Exports of a dataset: jobs whose parent it is, as its page and the API see them."""

from __future__ import annotations

from pathlib import Path

from digits.core.errors import JobError, SpecError
from digits.core.exportspec import TITLE, ExportSpec, folder_problem, format_problem, tasks
from digits.core.settings import Settings
from digits.core.states import JobState
from digits.store import Job, Store
from digits.web.paths import is_allowed


def start(store: Store, settings: Settings, dataset: Job, spec: ExportSpec, username: str) -> Job:
    """Queue an export.

    Raises:
        JobError: the dataset is not finished.
        SpecError: the folder may not be written to.
    """
    if dataset.state is not JobState.DONE:
        raise JobError(f'"{dataset.name}" is {dataset.state}; a finished dataset can be exported.')
    if strange := format_problem(spec.format, dataset.facts.get("target_kind", "class")):
        raise SpecError({"format": [strange]})
    path = Path(spec.path)
    problem = folder_problem(path, overwrite=spec.overwrite)
    if settings.data_roots and not is_allowed(path, settings.data_roots):
        problem = f"The setting data_roots allows {', '.join(map(str, settings.data_roots))} alone."
    elif is_allowed(path, [settings.root]):
        problem = "The server's own folder is not for exports."
    if problem:
        raise SpecError({"path": [problem]})
    return store.submit(
        kind="export", extension=dataset.extension, title=TITLE, name=f"Export of {dataset.name}", username=username,
        worker="export", parent=dataset.id, depends_on=dataset.id, tasks=tasks(), spec=spec.model_dump(mode="json"),
    )  # fmt: skip


def exports(store: Store, dataset_id: str) -> list[Job]:
    """Return the exports of a dataset, newest first."""
    return store.jobs(kind="export", parent=dataset_id)[:10]
