"""The index rebuilt from nothing, and jobs that are on the disk but not in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from sqlalchemy import Connection, delete, select

from digits.core.errors import DigitsError
from digits.core.jobfolder import JOB_ID, JobFolder
from digits.core.settings import Settings
from digits.store import rows
from digits.store.database import Database
from digits.store.replay import JobIndex, rebuild
from digits.store.schema import JOBS

_log = logging.getLogger(__name__)


def reindex(database: Database, settings: Settings) -> int:
    """Rebuild all rows of jobs from the job folders in one step; return the number of jobs."""
    with database.write() as connection:
        return rebuild_all(connection, settings)


def rebuild_all(connection: Connection, settings: Settings) -> int:
    """Do so within a step that is under way."""
    connection.execute(delete(JOBS))
    count = 0
    for folder in _folders(settings):
        index = _rebuilt(folder)
        if index is not None:
            rows.add(connection, index)
            count += 1
    return count


def find_orphans(database: Database, settings: Settings) -> int:
    """Index the jobs that were accepted just before a crash: on the disk, not yet in the database; return how many."""
    with database.read() as connection:
        known = set(connection.execute(select(JOBS.c.id)).scalars())
    count = 0
    for folder in _folders(settings):
        if folder.id not in known and (index := _rebuilt(folder)) is not None:
            with database.write() as connection:
                count += rows.add(connection, index)
    return count


def _folders(settings: Settings) -> Iterator[JobFolder]:
    if settings.jobs.is_dir():
        for path in sorted(settings.jobs.iterdir()):
            if JOB_ID.fullmatch(path.name) and (path / "job.json").is_file():
                yield JobFolder(path)


def _rebuilt(folder: JobFolder) -> JobIndex | None:
    try:
        return rebuild(folder)
    except (DigitsError, OSError, ValueError) as error:
        _log.warning("the job folder %s cannot be read and is left out: %s", folder.path, error)
        return None
