"""Opens a segmentation dataset for training and testing."""

from __future__ import annotations

from digits.core.jobfolder import JobFolder
from digits.core.work import WorkerSettings
from digits.data.pairreader import RecordPairReader
from digits.data.reader import PairReader


def open_reader(folder: JobFolder, db: str) -> PairReader:
    """Return the pictures and masks of database ``db`` ("train" or "val").

    Raises:
        NotFoundError: the dataset has no such database (yet).
    """
    return RecordPairReader(folder.path, db, num_threads=WorkerSettings.from_environment().num_threads)
