"""What lists show, sort and search of a job: one narrow row, made anew from the job's other rows whenever those are saved.

Rows of ``jobs`` are wide (what was asked for, facts, labels): ten thousand of them cannot be read for each page. So a list reads
``listed`` alone. A new column of a list is one line of the schema, one line here, and one of ``digits.store.lists``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from digits.core.states import JobState
from digits.store.replay import JobIndex, Row

SORTED_STATES = list(JobState)
_COPIED = (
    "kind", "extension", "title", "name", "group_name", "username", "depends_on", "created", "started", "finished",
    "progress", "state", "spark", "series",
)  # fmt: skip


def listed(index: JobIndex) -> Row:
    """Return the row of ``listed`` of a job."""
    job, spec, facts = index.job, index.job["spec"], index.job["facts"]
    state, labels = index.state, facts.get("labels") or ()
    dbs = facts.get("dbs") or {}
    row: Row = {name: job[name] for name in _COPIED} | {
        "job_id": job["id"],
        "running": state.is_running,
        "state_order": SORTED_STATES.index(state),
        "sort_name": job["name"].casefold(),
        "device": device(
            held=job["handle"]["gpus"] if job["handle"] else (),
            told=_told_device(index),
            wants_gpu=state is JobState.WAITING and bool(job["num_gpus"] and job["wanted_gpus"]),
        ),
        "framework": _text(spec.get("framework")) or job["extension"],
        "backend": _text(facts.get("backend")) or _text(spec.get("backend")),
        "pictures": sum(_number(db.get("entries")) for db in dbs.values() if isinstance(db, dict)) or None,
        "classes": len(labels) or None,
        "bytes": _number(facts.get("bytes")) or None,
        "epochs": _epochs(spec, state, job["progress"]),
        "total_epochs": _number(spec.get("train_epochs")) or None,
        "has_labels": bool(labels or facts.get("has_labels")),
    }
    return row | {"haystack": _haystack(row)}


def summaries(index: JobIndex) -> list[Row]:
    """Return the rows of ``summaries``: last, least and greatest value of each curve."""
    return [
        {"name": name, "last": last, "min": least, "max": greatest}
        for name, (last, least, greatest) in index.job["series"].items()
    ]


def device(*, held: Sequence[int], told: str, wants_gpu: bool) -> str:
    """Return "GPU 0", "GPUs 0, 1", "GPU" while it waits for one, "CPU".

    Args:
        held: numbers of the GPUs that the job holds now.
        told: the worker's name of its device: "cpu", "cuda:0", "mps"; "" where it has not said.
        wants_gpu: whether the job waits for certain GPUs.
    """
    if held:
        return f"GPU {held[0]}" if len(held) == 1 else "GPUs " + ", ".join(str(gpu) for gpu in held)
    if told:
        return told.upper().replace("CUDA:", "GPU ").replace("CUDA", "GPU").replace("MPS", "Apple GPU")
    return "GPU" if wants_gpu else "CPU"


def _told_device(index: JobIndex) -> str:
    """Return what the worker said of its device: at the end of a job in its facts, before in those of a task."""
    told = (facts.get("device") for facts in (index.job["facts"], *(task["facts"] for task in index.tasks)))
    return next((str(name) for name in told if name), "")


def _epochs(spec: Mapping[str, Any], state: JobState, progress: float) -> float | None:
    total = _number(spec.get("train_epochs"))
    if not total:
        return None
    return float(total) if state is JobState.DONE else progress * total


def _haystack(row: Mapping[str, Any]) -> str:
    """Return all that the filter looks in, in lower case."""
    words = ("name", "job_id", "group_name", "username", "state", "title", "backend", "framework", "device")
    return "\n".join(str(row[name]) for name in words).lower()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    """Return a count out of a worker's facts or a spec; 0 for what is none: extensions of others write there too."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0
