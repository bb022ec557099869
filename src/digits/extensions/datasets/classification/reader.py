"""Opens a classification dataset for training and testing."""

from __future__ import annotations

from digits.core.jobfolder import JobFolder
from digits.core.work import WorkerSettings
from digits.data.reader import DatasetReader
from digits.data.recordreader import RecordReader


def open_reader(folder: JobFolder, db: str) -> DatasetReader:
    """Return the pictures and class ids of database ``db`` ("train", "val" or "test").

    Raises:
        NotFoundError: the dataset has no such database (yet).
    """
    return RecordReader(folder.path, db, num_threads=WorkerSettings.from_environment().num_threads)
