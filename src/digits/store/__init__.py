"""The index of jobs: the only SQL of the project. The truth is in the job folders; this can be rebuilt from them."""

from digits.store.entities import Gpu, HistoryRow, Job, ListedJob, SeriesSummary, Service, SnapshotRow, Task, Trouble
from digits.store.store import Store

__all__ = [
    "Gpu",
    "HistoryRow",
    "Job",
    "ListedJob",
    "SeriesSummary",
    "Service",
    "SnapshotRow",
    "Store",
    "Task",
    "Trouble",
]
