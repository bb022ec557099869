"""The jobs: what everybody asks and changes. Safe from any number of processes and threads.

A change is a line in the job's journal first, then rows; both under the database's write lock, so that two who change one job
at once come one after the other, and each sees what the other did.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, false, func, or_, select

from digits.core.errors import JobError, NotFoundError
from digits.core.files import read_json
from digits.core.jobfolder import JobFolder, JobKind, JobRecord, TaskPlan, new_job_id
from digits.core.platform import process_start
from digits.core.secretfiles import remove_secrets
from digits.core.settings import Settings
from digits.core.states import JobState
from digits.store import curves, resuming, rows, snapshots
from digits.store.database import Database
from digits.store.entities import Gpu, HistoryRow, Job, Service, ServiceKind, SnapshotRow, Task
from digits.store.lists import Lists
from digits.store.replay import JobIndex
from digits.store.schema import GPUS, HISTORY, JOBS, SNAPSHOTS, TASKS
from digits.store.services import Services

RUNNING_STATES = (JobState.INITIALIZED, JobState.WAITING, JobState.RUNNING)
RUNNER_FILE = "runner.json"
MAX_NAMES = 20  # of the models that a dataset is kept for


class Store:
    """Typed access to the index of jobs; no SQL outside this package."""

    def __init__(self, settings: Settings) -> None:
        """Open the database below ``settings.root``, making or migrating it if need be.

        Raises:
            SetupError: it cannot be opened.
        """
        self.settings = settings
        self.database = Database(settings)
        self.services = Services(self.database)
        self.lists = Lists(self.database)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    # ---------------------------------------------------------------- asking

    def job(self, job_id: str) -> Job:
        """Return the job.

        Raises:
            NotFoundError: there is none of that id, or it was deleted.
        """
        with self.database.read() as connection:
            row = (
                connection.execute(select(JOBS).where(JOBS.c.id == job_id, JOBS.c.deleted == false()))
                .mappings()
                .first()
            )
        if row is None:
            raise NotFoundError("Job not found")
        return rows.to_job(row, self.settings)

    def jobs(
        self,
        kind: JobKind | Sequence[JobKind] | None = None,
        running: bool | None = None,
        depends_on: str | None = None,
        parent: str | None = None,
        *,
        search: str = "",
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Job]:
        """Return jobs, newest first; ``search`` is looked for in id, name, group and user name."""
        query = self._chosen(select(JOBS), kind, running, depends_on, parent, search)
        if not running:
            query = query.order_by(JOBS.c.created.desc(), JOBS.c.id.desc()).offset(offset)
            if limit is not None or offset:
                query = query.limit(limit if limit is not None else 2**31)
        with self.database.read() as connection:
            found = [rows.to_job(row, self.settings) for row in connection.execute(query).mappings()]
        if not running:
            return found
        # Few run at a time: sorted here, SQLite finds them by their state, instead of reading all jobs in order.
        found.sort(key=lambda job: (job.created, job.id), reverse=True)
        return found[offset : None if limit is None else offset + limit]

    def counts(self, running: bool | None = None, *, search: str = "") -> dict[str, int]:
        """Return the number of jobs of each kind; kinds without a job are not named."""
        query = self._chosen(select(JOBS.c.kind, func.count()), None, running, None, None, search)
        with self.database.read() as connection:
            return {kind: count for kind, count in connection.execute(query.group_by(JOBS.c.kind))}  # noqa: C416 - dict() of rows hides the types

    def tasks(self, job_id: str) -> list[Task]:
        """Return the parts of a job, in their order."""
        query = select(TASKS).where(TASKS.c.job_id == job_id).order_by(TASKS.c.position)
        with self.database.read() as connection:
            return [rows.to_task(row) for row in connection.execute(query).mappings()]

    def history(self, job_id: str) -> list[HistoryRow]:
        """Return the states a job came through, oldest first."""
        query = select(HISTORY).where(HISTORY.c.job_id == job_id).order_by(HISTORY.c.position)
        with self.database.read() as connection:
            return [rows.to_history(row) for row in connection.execute(query).mappings()]

    def snapshots(self, job_id: str) -> list[SnapshotRow]:
        """Return the snapshots of a training, oldest first."""
        query = select(SNAPSHOTS).where(SNAPSHOTS.c.job_id == job_id).order_by(SNAPSHOTS.c.step, SNAPSHOTS.c.file)
        with self.database.read() as connection:
            return [rows.to_snapshot(row) for row in connection.execute(query).mappings()]

    def newest_snapshots(self) -> dict[str, SnapshotRow]:
        """Return the last snapshot of every training that has one."""
        last = (
            select(SNAPSHOTS.c.job_id, func.max(SNAPSHOTS.c.step).label("step")).group_by(SNAPSHOTS.c.job_id).subquery()
        )
        same = and_(SNAPSHOTS.c.job_id == last.c.job_id, SNAPSHOTS.c.step == last.c.step)
        with self.database.read() as connection:
            found = connection.execute(select(SNAPSHOTS).join(last, same)).mappings()
            return {row["job_id"]: rows.to_snapshot(row) for row in found}

    def sparkline(self, job_id: str) -> list[float]:
        """Return at most 50 values of the training loss, for a small picture of it; empty where there is none."""
        job = self.lists.job(job_id)
        return (
            curves.sparkline(JobFolder(self.settings.jobs / job_id))
            if job.is_running
            else json.loads(job.spark or "[]")
        )

    def events(self, job_id: str, after: int = 0, *, limit: int = 1000) -> tuple[int, list[dict[str, Any]]]:
        """Return what the worker said after the place ``after``, and the place to ask from next time."""
        return curves.events(self.job(job_id).folder, after, limit)

    def gpus(self) -> list[Gpu]:
        """Return the GPUs of the runner's machine."""
        with self.database.read() as connection:
            return [Gpu(**row) for row in connection.execute(select(GPUS).order_by(GPUS.c.index)).mappings()]

    def runner_alive(self) -> bool:
        """Return whether a runner works on this root."""
        try:
            who = read_json(self.settings.root / RUNNER_FILE)
            return bool(process_start(who["pid"]) == who["created"])
        except (OSError, ValueError, KeyError, TypeError):
            return False

    # ---------------------------------------------------------------- changing

    def new_folder(self) -> JobFolder:
        """Make the folder of a job to be submitted, for files that belong in it from the start."""
        return JobFolder(self.settings.jobs / new_job_id(self.settings.jobs))

    def submit(
        self,
        *,
        kind: JobKind,
        extension: str,
        title: str,
        name: str,
        worker: str,
        spec: dict[str, Any],
        tasks: Sequence[TaskPlan] = (),
        group: str = "",
        username: str = "",
        parent: str = "",
        depends_on: str = "",
        num_gpus: int = 0,
        gpus: Sequence[int] = (),
        notes: str = "",
        folder: JobFolder | None = None,
    ) -> Job:
        """Queue a job; it is on the disk when this returns. ``folder`` is one from ``new_folder``."""
        folder = folder or self.new_folder()
        record = JobRecord(
            id=folder.id, kind=kind, extension=extension, title=title, name=name, group=group, username=username,
            created=time.time(), parent=parent, depends_on=depends_on, worker=worker, tasks=tuple(tasks),
            num_gpus=num_gpus, gpus=tuple(gpus), spec=spec,
        )  # fmt: skip
        try:
            folder.write(record)
            index = JobIndex.new(folder, record)
            index.note("submit", by=username)
            if notes:
                index.note("edit", notes=notes)
            with self.database.write() as connection:
                rows.add(connection, index)
        except BaseException:
            # Whoever asked is told that it failed: the job must not turn up at the next start all the same.
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
        return self.job(folder.id)

    def edit(self, job_id: str, *, name: str | None = None, notes: str | None = None, group: str | None = None) -> Job:
        """Change what is given, and leave the rest."""
        given = {
            key: value for key, value in {"name": name, "notes": notes, "group": group}.items() if value is not None
        }
        with self.change(job_id) as index:
            index.note("edit", **given)
        return self.job(job_id)

    def prioritize(self, job_id: str, priority: int) -> Job:
        """Let a job start before those of lower priority; 0 is usual.

        Raises:
            JobError: it is over already.
        """
        with self.change(job_id) as index:
            if not index.state.is_running:
                raise JobError("Priority not changed", hint=f"The job is {index.state} already.")
            index.note("priority", priority=priority)
        return self.job(job_id)

    def abort(self, job_id: str) -> Job:
        """Stop a job: one that waits at once, one that runs as soon as its worker has stopped in good order.

        Raises:
            JobError: it is over already.
        """
        with self.change(job_id) as index:
            self._abort(index)
        return self.job(job_id)

    def resume(self, job_id: str, *, epochs: int | None = None, by: str = "") -> Job:
        """Queue a job that is over once more, as the same job; its worker goes on from what is whole on the disk.

        Args:
            job_id: of a training, or of any job whose worker can go on.
            epochs: the new end of a training, counted from its beginning; None leaves it where it is.
            by: who asked for it.

        Raises:
            JobError: it cannot go on: not over yet, its dataset or its snapshots gone, less epochs than are done.
        """
        with self.database.write() as connection:
            index = self._load(connection, job_id)
            index.resume(by=by, changes=resuming.changes_of(connection, index, epochs))
            rows.save(connection, index)
        return self.job(job_id)

    def drop_snapshot(self, job_id: str, epoch: float) -> None:
        """Delete one snapshot of a training that is over.

        Raises:
            NotFoundError: it has none of that epoch.
            JobError: the training is not over.
        """
        file = snapshots.nearest(self.snapshots(job_id), epoch).file
        with self.change(job_id) as index:
            snapshots.drop(index, file)
        snapshots.remove(JobFolder(self.settings.jobs / job_id), file)

    def delete(self, job_id: str) -> None:
        """Delete a job with all that belongs to it: hidden at once; a process of it is stopped first.

        Raises:
            JobError: models depend on it.
        """
        job = self.job(job_id)
        with self.database.write() as connection:
            self._check_unused(connection, job)
            children = connection.execute(select(JOBS.c.id).where(JOBS.c.parent == job_id)).scalars().all()
            for each in (*children, job_id):
                index = rows.load(connection, self.settings, each)
                index.catch_up()
                if index.state.is_running and not index.job["stop_asked"]:
                    self._abort(index)
                index.note("delete")
                rows.save(connection, index)
        for each in (*children, job_id):
            self.remove_if_over(each)

    def remove_if_over(self, job_id: str) -> bool:
        """Put a deleted job's folder into the trash and forget its rows; False while its process may still live."""
        with self.database.write() as connection:
            row = connection.execute(select(JOBS.c.state, JOBS.c.deleted).where(JOBS.c.id == job_id)).first()
            if row is None or not row.deleted or JobState(row.state).is_running:
                return row is None
            trash = self.settings.jobs / ".trash"
            trash.mkdir(exist_ok=True, mode=0o700)
            folder = self.settings.jobs / job_id
            if folder.is_dir():
                folder.rename(trash / f"{job_id}-{time.time_ns():x}")
            connection.execute(delete(JOBS).where(JOBS.c.id == job_id))
        remove_secrets(self.settings.secrets, job_id)
        return True

    def empty_trash(self) -> None:
        """Remove the folders of deleted jobs from the disk; may take a while."""
        for folder in (self.settings.jobs / ".trash").glob("*"):
            shutil.rmtree(folder, ignore_errors=True)

    def reindex(self) -> int:
        """Rebuild all rows of jobs from the job folders, in one step; return the number of jobs."""
        from digits.store.reindex import reindex

        return reindex(self.database, self.settings)

    # ---------------------------------------------------------------- services

    def ask_service(self, kind: ServiceKind, job_id: str = "", epoch: float | None = None) -> Service:
        """Return the service for this work, asking the runner for one if need be; ``epoch`` None is the last snapshot.

        Raises:
            NotFoundError: there is no such job, or it has no such snapshot.
        """
        if kind == "infer":
            epoch = snapshots.nearest(self.snapshots(self.job(job_id).id), epoch).epoch
        return self.services.ask(kind, job_id, epoch or 0.0)

    def service(self, service_id: str) -> Service:
        """Return the service.

        Raises:
            NotFoundError: it has gone.
        """
        return self.services.get(service_id)

    # ---------------------------------------------------------------- inside

    @contextmanager
    def change(self, job_id: str, *, deleted: bool = False) -> Iterator[JobIndex]:
        """Give a job's rows to change, alone; what the block did is kept if it ends well.

        Raises:
            NotFoundError: there is no such job, or (``deleted`` not set) it was deleted.
        """
        with self.database.write() as connection:
            index = self._load(connection, job_id, deleted=deleted)
            yield index
            rows.save(connection, index)

    def _load(self, connection: Connection, job_id: str, *, deleted: bool = False) -> JobIndex:
        index = rows.load(connection, self.settings, job_id)
        if index.job["deleted"] and not deleted:
            raise NotFoundError("Job not found")
        index.catch_up()
        return index

    def _abort(self, index: JobIndex) -> None:
        if not index.state.is_running:
            raise JobError("Job not aborted", hint=f"It is {index.state} already.")
        if index.state is JobState.RUNNING:
            if not index.job["stop_asked"]:
                index.note("abort")
            index.folder.stop_file.touch()
        else:
            index.move(JobState.ABORTED)

    def _check_unused(self, connection: Connection, job: Job) -> None:
        query = select(JOBS.c.name).where(
            JOBS.c.depends_on == job.id, JOBS.c.deleted == false(), JOBS.c.kind == "model"
        )
        names = connection.execute(query.order_by(JOBS.c.created)).scalars().all()
        if names:
            verb = "model depends" if len(names) == 1 else "models depend"
            listed = ", ".join(f'"{name}"' for name in names[:MAX_NAMES]) + (", …" if len(names) > MAX_NAMES else "")
            raise JobError(f'Cannot delete "{job.name}" because {len(names)} {verb} on it: {listed}')

    def _chosen(
        self,
        query: Select[Any],
        kind: JobKind | Sequence[JobKind] | None,
        running: bool | None,
        depends_on: str | None,
        parent: str | None,
        search: str,
    ) -> Select[Any]:
        query = query.where(JOBS.c.deleted == false())
        if kind is not None:
            query = query.where(JOBS.c.kind == kind if isinstance(kind, str) else JOBS.c.kind.in_(list(kind)))
        if running is not None:
            chosen = JOBS.c.state.in_(RUNNING_STATES)
            query = query.where(chosen if running else ~chosen)
        if depends_on is not None:
            query = query.where(JOBS.c.depends_on == depends_on)
        if parent is not None:
            query = query.where(JOBS.c.parent == parent)
        if search:
            columns = (JOBS.c.id, JOBS.c.name, JOBS.c.group_name, JOBS.c.username)
            query = query.where(or_(*(column.icontains(search, autoescape=True) for column in columns)))
        return query
