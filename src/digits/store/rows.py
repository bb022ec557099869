"""Between tables and objects: rows to ``JobIndex`` and back, rows to what the store gives out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, bindparam, delete, insert, select, update

from digits.core.errors import NotFoundError
from digits.core.executor import Handle
from digits.core.jobfolder import JobFolder
from digits.core.settings import Settings
from digits.core.states import JobState
from digits.store.entities import HistoryRow, Job, Service, SnapshotRow, Task, Trouble
from digits.store.listing import listed, summaries
from digits.store.replay import JobIndex, Row
from digits.store.schema import HISTORY, JOBS, LISTED, SNAPSHOTS, SUMMARIES, TASKS

_JSON: dict[str, Any] = {  # column -> what an empty text stands for
    "spec": dict, "facts": dict, "latest": dict, "previews": dict, "outcome": dict, "series": dict,
    "spark": list, "warnings": list, "wanted_gpus": list, "metrics": dict, "error": lambda: None, "handle": lambda: None,
}  # fmt: skip
_LAZY = ("spec", "facts", "previews", "warnings", "outcome")


def load(connection: Connection, settings: Settings, job_id: str) -> JobIndex:
    """Return the rows of one job, to be changed (locked, where the database locks rows).

    Raises:
        NotFoundError: there is no such job, or it was deleted.
    """
    row = connection.execute(select(JOBS).where(JOBS.c.id == job_id).with_for_update()).mappings().first()
    if row is None:
        raise NotFoundError("Job not found")

    def parts(table: Table) -> list[Row]:
        query = select(table).where(table.c.job_id == job_id)
        if "position" in table.c:
            query = query.order_by(table.c.position)
        return [_unpack(each) for each in connection.execute(query).mappings()]

    curves = connection.execute(select(LISTED.c.spark, LISTED.c.series).where(LISTED.c.job_id == job_id)).first()
    return JobIndex(
        JobFolder(settings.jobs / job_id),
        _unpack(row) | (_unpack(curves._mapping) if curves else {"spark": [], "series": {}}),
        parts(TASKS),
        parts(HISTORY),
        {each["file"]: each for each in parts(SNAPSHOTS)},
    )


def save(connection: Connection, index: JobIndex) -> None:
    """Write back the rows of one job that is there already."""
    values = _job_row(index)
    job_id = values.pop("id")
    connection.execute(update(JOBS).where(JOBS.c.id == job_id), values)
    _replace(connection, LISTED, job_id, [] if index.job["deleted"] else [listed(index)])
    if "summaries" in index.changed:
        _replace(connection, SUMMARIES, job_id, summaries(index))
    if "tasks" in index.changed:
        _replace(connection, TASKS, job_id, index.tasks)
    if "history" in index.changed:
        history = [row | {"position": position} for position, row in enumerate(index.history)]
        _replace(connection, HISTORY, job_id, history)
    if "snapshots" in index.changed:
        _replace(connection, SNAPSHOTS, job_id, list(index.snapshots.values()))
    index.changed.clear()


def add(connection: Connection, index: JobIndex) -> bool:
    """Write the rows of a job, unless somebody found its folder first and did; return whether it was new."""
    if connection.execute(select(JOBS.c.id).where(JOBS.c.id == index.job["id"])).first() is not None:
        return False
    connection.execute(insert(JOBS), _job_row(index))
    index.changed |= {"tasks", "history", "snapshots", "summaries"}
    save(connection, index)
    return True


def _job_row(index: JobIndex) -> Row:
    return _pack({name: value for name, value in index.job.items() if name not in ("spark", "series")})


def _replace(connection: Connection, table: Table, job_id: str, rows: list[Row]) -> None:
    connection.execute(delete(table).where(table.c.job_id == bindparam("job")), {"job": job_id})
    if rows:
        connection.execute(insert(table), [_pack(row) | {"job_id": job_id} for row in rows])


def _pack(row: Mapping[str, Any]) -> Row:
    return {name: (json.dumps(value) if value else "") if name in _JSON else value for name, value in row.items()}


def _unpack(row: Mapping[Any, Any]) -> Row:
    return {
        name: (json.loads(value) if value else _JSON[name]()) if name in _JSON else value for name, value in row.items()
    }


def to_job(row: RowMapping, settings: Settings) -> Job:
    """Return the job of a row of ``JOBS``."""
    handle = Handle.model_validate_json(row["handle"]) if row["handle"] else None
    return Job(
        id=row["id"],
        kind=row["kind"],
        extension=row["extension"],
        title=row["title"],
        name=row["name"],
        group=row["group_name"],
        username=row["username"],
        notes=row["notes"],
        state=JobState(row["state"]),
        reason=row["reason"],
        created=row["created"],
        started=row["started"],
        finished=row["finished"],
        progress=row["progress"],
        text=row["text"],
        rate=row["rate"],
        parent=row["parent"],
        depends_on=row["depends_on"],
        worker=row["worker"],
        num_gpus=row["num_gpus"],
        wanted_gpus=tuple(json.loads(row["wanted_gpus"])) if row["wanted_gpus"] else (),
        gpus=handle.gpus if handle else (),
        latest=json.loads(row["latest"]) if row["latest"] else {},
        error=_trouble(row["error"]),
        attempt=row["attempt"],
        priority=row["priority"],
        queue_place=row["queue_place"],
        stop_asked=row["stop_asked"],
        deleted=row["deleted"],
        handle=handle,
        folder=JobFolder(settings.jobs / row["id"]),
        texts={name: row[name] for name in _LAZY},
    )


def to_task(row: RowMapping) -> Task:
    """Return the task of a row of ``TASKS``."""
    values = _unpack(row) | {"state": JobState(row["state"])}
    values["facts"] = values["facts"] or {}
    del values["job_id"], values["position"]
    return Task(**values)


def to_history(row: RowMapping) -> HistoryRow:
    """Return one line of a job's history."""
    return HistoryRow(JobState(row["state"]), row["time"], row["reason"])


def to_snapshot(row: RowMapping) -> SnapshotRow:
    """Return the snapshot of a row of ``SNAPSHOTS``."""
    values = _unpack(row)
    del values["job_id"]
    return SnapshotRow(**values)


def to_service(row: RowMapping) -> Service:
    """Return the service of a row of ``SERVICES``."""
    handle = Handle.model_validate_json(row["handle"]) if row["handle"] else None
    return Service(**(dict(row) | {"error": _trouble(row["error"]), "handle": handle}))


def _trouble(text: str) -> Trouble | None:
    return Trouble(**json.loads(text)) if text else None
