"""What only the runner does to the index: let the worker's words count, and say where the queue stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from sqlalchemy import delete, false, insert, select, true

from digits.core.errors import NotFoundError
from digits.core.executor import Handle
from digits.core.states import JobState
from digits.store import rows
from digits.store.entities import Gpu, Job
from digits.store.reindex import find_orphans
from digits.store.schema import GPUS, JOBS
from digits.store.store import RUNNING_STATES, Store


class Ledger:
    """The runner's side of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    def recover(self) -> int:
        """Index jobs that were accepted just before a crash, and lines of journals that were; return how many new jobs."""
        found = find_orphans(self._database, self._store.settings)
        for job in self.open_jobs():
            if job.folder.path.is_dir():
                with self._store.change(job.id, deleted=True):
                    pass  # changing nothing lets the journal's last lines count
        return found

    def open_jobs(self) -> list[Job]:
        """Return the jobs that are not over, and deleted ones, those to start first in front."""
        not_over = select(JOBS).where(JOBS.c.deleted == false(), JOBS.c.state.in_(RUNNING_STATES))
        deleted = select(JOBS).where(JOBS.c.deleted == true())
        with self._database.read() as connection:
            found = [
                rows.to_job(row, self._store.settings)
                for query in (not_over, deleted)  # each by an index of its own; together SQLite would read all rows
                for row in connection.execute(query).mappings()
            ]
        return sorted(found, key=lambda job: (-job.priority, job.created, job.id))

    def states(self, job_ids: Iterable[str]) -> dict[str, tuple[str, JobState]]:
        """Return name and state of each of these jobs; those that do not exist are left out."""
        query = select(JOBS.c.id, JOBS.c.name, JOBS.c.state).where(
            JOBS.c.id.in_(list(job_ids)), JOBS.c.deleted == false()
        )
        with self._database.read() as connection:
            return {row.id: (row.name, JobState(row.state)) for row in connection.execute(query)}

    def index_events(self, job_ids: Iterable[str]) -> set[str]:
        """Let new events of these jobs count, rows and offsets in one step; return those whose worker said its last word."""
        finished = set()
        with self._database.write() as connection:
            for job_id in job_ids:
                try:
                    index = rows.load(connection, self._store.settings, job_id)
                except NotFoundError:  # a reindex left it out: its folder cannot be read
                    continue
                index.catch_up()
                if index.index_events():
                    rows.save(connection, index)
                if index.job["outcome"]:
                    finished.add(job_id)
        return finished

    def note_started(self, job_id: str, handle: Handle) -> None:
        """Keep how to find the job's process again."""
        with self._store.change(job_id, deleted=True) as index:
            index.note("started", handle=handle.model_dump(mode="json"))

    def set_waiting(self, job_id: str, reason: str, place: int | None) -> None:
        """Say what a job waits for and its place in the queue; its state becomes Waiting, if it is not yet."""
        with self._store.change(job_id) as index:
            index.move(JobState.WAITING)
            index.job |= {"reason": reason, "queue_place": place}

    def set_gpus(self, gpus: Sequence[Gpu]) -> None:
        """Say which GPUs there are and who holds them."""
        if list(gpus) == self._store.gpus():
            return
        with self._database.write() as connection:
            connection.execute(delete(GPUS))
            if gpus:
                connection.execute(insert(GPUS), [asdict(gpu) for gpu in gpus])

    def forget(self, job_id: str) -> None:
        """Drop the rows of a job whose folder was taken away."""
        with self._database.write() as connection:
            connection.execute(delete(JOBS).where(JOBS.c.id == job_id))
