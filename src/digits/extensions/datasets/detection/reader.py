"""Opens an object detection dataset for training and testing."""

from __future__ import annotations

from digits.core.jobfolder import JobFolder
from digits.core.work import WorkerSettings
from digits.data.boxreader import RecordBoxReader


def open_reader(folder: JobFolder, db: str) -> RecordBoxReader:
    """Return the pictures and boxes of database ``db`` ("train" or "val").

    Raises:
        NotFoundError: the dataset has no such database (yet).
    """
    return RecordBoxReader(folder.path, db, num_threads=WorkerSettings.from_environment().num_threads)
