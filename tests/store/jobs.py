"""Jobs for tests, and the words of a worker put into their folders."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from digits.core.events import Event, EventWriter
from digits.core.jobfolder import TaskPlan
from digits.core.states import JobState
from digits.store import Job, Store
from digits.store.schema import METADATA

PLANS = (
    TaskPlan(name="parse_folder", title="Parse Folder (train/val)"),
    TaskPlan(name="create_train_db", title="Create DB (train)"),
)


def dataset(store: Store, name: str = "digits", **more: Any) -> Job:
    return store.submit(
        kind="dataset", extension="image-classification", title="Image Classification Dataset", name=name, worker="build",
        spec={"name": name, "side": 28}, tasks=PLANS, **more,
    )  # fmt: skip


def model(store: Store, name: str = "lenet", **more: Any) -> Job:
    return store.submit(
        kind="model", extension="caffe", title="Image Classification Model", name=name, worker="train", spec={"epochs": 3},
        tasks=[TaskPlan(name="train", title="Train Caffe Model")], **more,
    )  # fmt: skip


def move(store: Store, job: Job, state: JobState, **more: Any) -> None:
    with store.change(job.id, deleted=True) as index:
        index.index_events()
        index.move(state, **more)


def say(job: Job, *events: Event) -> None:
    writer = EventWriter(job.folder.events_file)
    for event in events:
        writer(event)
    writer.close()


def all_rows(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Every row of the tables that ``reindex`` makes."""
    with store.database.read() as connection:
        return {
            name: sorted((dict(row) for row in connection.execute(select(METADATA.tables[name])).mappings()), key=str)
            for name in ("jobs", "listed", "summaries", "tasks", "history", "snapshots")
        }
