"""A job's rows as a pure function of its files: ``job.json``, then each line of the journal and each event in turn.

The live index and ``reindex`` go through here alike, so a rebuilt database equals the one that was lost. A line of the journal
carries the offset into ``events.jsonl`` up to which events counted when it was written: that fixes their order.
Lines that do not fit (a move that the table of states forbids) change nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from digits.core.errors import JobError
from digits.core.events import (
    Done,
    Event,
    Failed,
    Metric,
    Preview,
    Progress,
    Resumed,
    Snapshot,
    SnapshotRemoved,
    Stopped,
    Warned,
    read_events,
)
from digits.core.jobfolder import JobFolder, JobRecord
from digits.core.measures import of_class
from digits.core.states import JobState, check_move
from digits.store import curves

MAX_WARNINGS = 100
SHORT_WAIT_S = 1.0  # DIGITS leaves a shorter wait out of the history

Row = dict[str, Any]
_S = JobState


@dataclass
class JobIndex:
    """The rows of one job while they change; columns that hold JSON are plain objects here."""

    folder: JobFolder
    job: Row
    tasks: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    snapshots: dict[str, Row] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    """Which of "tasks", "history", "snapshots", "summaries" must be written again."""

    @classmethod
    def new(cls, folder: JobFolder, record: JobRecord) -> JobIndex:
        """Return the rows of a job that nobody has touched."""
        job: Row = record.model_dump(exclude={"tasks", "gpus", "group"}) | {
            "group_name": record.group,
            "wanted_gpus": list(record.gpus),
            "notes": "",
            "priority": 0,
            "state": _S.INITIALIZED,
            "reason": "",
            "started": None,
            "finished": None,
            "error": None,
            "handle": None,
            "stop_asked": None,
            "deleted": False,
            "progress": 0.0,
            "text": "",
            "rate": None,
            "facts": {},
            "latest": {},
            "previews": {},
            "warnings": [],
            "outcome": {},
            "attempt": 1,
            "queue_place": None,
            "spark": [],
            "series": {},
            "journal_offset": 0,
            "events_offset": 0,
        }
        index = cls(folder, job, history=[_history_row(_S.INITIALIZED, record.created, "")])
        for plan in record.tasks:
            index._add_task(plan.name, plan.title)
        index.changed |= {"tasks", "history", "snapshots", "summaries"}
        return index

    @property
    def state(self) -> JobState:
        """The job's state."""
        return JobState(self.job["state"])

    def note(self, what: str, **facts: Any) -> None:
        """Write a line into the journal, force it to the disk, and let it count here."""
        line = self.folder.note(what, **facts, events=self.job["events_offset"])
        self.job["journal_offset"] = self.folder.journal_file.stat().st_size
        self.apply_line(line)

    def move(self, state: JobState, *, reason: str = "", error: Row | None = None) -> None:
        """Bring the job into ``state``, journal first; the state it is in already changes nothing.

        Raises:
            JobError: the table of states forbids it.
        """
        if state is self.state:
            return
        check_move(self.state, state)
        extra = {"error": error} if error else {}
        self.note("state", state=state.value, reason=reason, **extra)

    def resume(self, *, by: str = "", changes: Row | None = None) -> None:
        """Queue a job that is over once more, with ``changes`` to fields of its spec, journal first.

        Raises:
            JobError: it is not over.
        """
        check_move(self.state, _S.WAITING, resume=True)
        self.note("resume", by=by, changes=changes or {})

    def catch_up(self) -> None:
        """Let lines of the journal count that were written just before a crash."""
        for offset, line in read_journal(self.folder, self.job["journal_offset"]):
            self.index_events(until=line.get("events"))
            self.apply_line(line)
            self.job["journal_offset"] = offset

    def index_events(self, until: int | None = None) -> int:
        """Let the worker's new events count, up to offset ``until`` if given; return how many there were."""
        count = 0
        if until is not None and until <= self.job["events_offset"]:
            return 0
        for offset, event in read_events(self.folder.events_file, self.job["events_offset"]):
            if until is not None and offset > until:
                break
            self.apply_event(event)
            self.job["events_offset"] = offset
            count += 1
        return count

    def apply_line(self, line: Row) -> None:
        """Let one line of the journal count."""
        match line.get("what"):
            case "state":
                self._apply_state(line)
            case "edit":
                for key, column in (("name", "name"), ("notes", "notes"), ("group", "group_name")):
                    if line.get(key) is not None:
                        self.job[column] = line[key]
            case "resume":
                self._apply_resume(line)
            case "drop_snapshot":
                self.snapshots.pop(line["file"], None)
                self.changed.add("snapshots")
            case "started":
                self.job["handle"] = line["handle"]
            case "abort":
                self.job["stop_asked"] = self.job["stop_asked"] or line["time"]
            case "delete":
                self.job["deleted"] = True
            case "priority":
                self.job["priority"] = line["priority"]

    def _apply_state(self, line: Row) -> None:
        old, new, time = self.state, JobState(line["state"]), float(line["time"])
        if old is new:
            return
        try:
            check_move(old, new)
        except JobError:
            return
        self.job |= {"state": new, "reason": line.get("reason", ""), "queue_place": None}
        last = self.history[-1]
        if new is _S.RUNNING and last["state"] == _S.WAITING and time - last["time"] < SHORT_WAIT_S:
            self.history.pop()
        self.history.append(_history_row(new, time, self.job["reason"]))
        self.changed |= {"tasks", "history"}
        if new is _S.RUNNING:
            self.job |= {"started": _went_on(self.job, time), "finished": None}
        if new is _S.WAITING:
            self.job |= {"started": None, "handle": None}
        if new.is_running:
            self._set_tasks({_S.INITIALIZED: _S.WAITING})
        else:
            self._finish(new, time, line.get("error"))

    def _apply_resume(self, line: Row) -> None:
        """Wake a job that is over; what its attempts found and how long they worked stays known."""
        if self.state.is_running:
            return
        changes, by = line.get("changes") or {}, line.get("by")
        self.job |= {
            "state": _S.WAITING, "reason": "", "queue_place": None, "error": None, "stop_asked": None, "outcome": {},
            "attempt": self.job["attempt"] + 1, "spec": self.job["spec"] | changes,
        }  # fmt: skip
        self.history.append(_history_row(_S.WAITING, float(line["time"]), f"Resumed by {by}." if by else "Resumed."))
        for task in self.tasks:
            total = changes.get("train_epochs") if task["unit"] == "epochs" else None
            if total:
                task |= {"total": float(total), "progress": min(1.0, task["done"] / total)}
            if task["state"] != _S.DONE or task["progress"] < 1:
                task["state"] = _S.WAITING
        self._mean_progress()
        self.changed |= {"tasks", "history"}

    def _finish(self, state: JobState, time: float, error: Row | None) -> None:
        finished = self.job["finished"] or time  # known already where it was resumed and never ran
        self.job |= {"finished": finished, "error": error, "handle": None, **curves.of(self.folder)}
        self.changed.add("summaries")
        if state is _S.DONE:
            self.job["progress"] = 1.0
        if state is _S.ERROR and self.tasks and not any(task["state"] == _S.RUNNING for task in self.tasks):
            first = next((task for task in self.tasks if task["state"] != _S.DONE), self.tasks[-1])
            first["state"] = _S.RUNNING  # the part that was about to begin is the one that failed
        for task in self.tasks:
            if state is _S.DONE:
                task["progress"] = 1.0
            if task["finished"] is None and task["started"] is not None:
                task["finished"] = time
        others = _S.ABORTED if state is not _S.DONE else _S.DONE
        self._set_tasks({_S.RUNNING: state, _S.WAITING: others, _S.INITIALIZED: others})

    def _set_tasks(self, moves: dict[JobState, JobState]) -> None:
        for task in self.tasks:
            task["state"] = moves.get(JobState(task["state"]), task["state"])

    def apply_event(self, event: Event) -> None:
        """Let one event of the worker count."""
        match event:
            case Progress():
                self._progress(event)
            case Metric():
                self.job["latest"] |= _finite(event.values)
                self._summarize(event.values)
            case Snapshot():
                self.snapshots[event.file] = {
                    "file": event.file,
                    "epoch": event.epoch,
                    "step": event.step,
                    "bytes": event.bytes,
                    "metrics": _finite(event.metrics),
                    "created": event.time,
                }
                self.changed.add("snapshots")
            case SnapshotRemoved():
                self.snapshots.pop(event.file, None)
                self.changed.add("snapshots")
            case Preview():
                self.job["previews"][event.name] = event.file
            case Warned():
                self._warn(event)
            case Resumed():
                self._resumed(event)
            case Done():
                self.job |= {"facts": event.facts, "outcome": {"type": "done"}}
            case Stopped() | Failed():
                self.job["outcome"] = event.model_dump(exclude={"time"})

    def _warn(self, event: Warned) -> None:
        """Keep a warning, once: each attempt at a job says it again."""
        words = event.model_dump(exclude={"type", "time"})
        known = any(words.items() <= each.items() for each in self.job["warnings"])
        if not known and len(self.job["warnings"]) < MAX_WARNINGS:
            self.job["warnings"].append(words | {"time": event.time})

    def _resumed(self, event: Resumed) -> None:
        """Forget what came after the snapshot that the training goes on from."""
        self.job |= {"attempt": event.attempt, "outcome": {}, **curves.of(self.folder)}
        self.snapshots = {name: row for name, row in self.snapshots.items() if row["step"] <= event.step}
        if (last := self.history[-1])["state"] == _S.RUNNING:
            whence = f"from epoch {event.epoch:.4g}" if event.step else "from the beginning"
            last["reason"] = f"Resumed {whence} (attempt {event.attempt})"
        self.changed |= {"snapshots", "history", "summaries"}

    def _progress(self, event: Progress) -> None:
        task = next((task for task in self.tasks if task["name"] == event.task), None)
        if task is None:
            task = self._add_task(event.task, event.title or event.task)
        done = event.state == "done"
        share = 1.0 if done else min(1.0, event.done / event.total) if event.total else 0.0
        task |= {
            "state": _S.DONE if done else _S.RUNNING,
            "progress": share,
            "done": event.done,
            "total": event.total,
            "unit": event.unit,
            "text": event.text,
            "rate": event.rate,
            "started": _went_on(task, event.time) if task["state"] == _S.WAITING else task["started"] or event.time,
            "finished": event.time if done else None,
            "facts": task["facts"] | event.facts,
        }
        self.job |= {"text": event.text, "rate": event.rate}
        self._mean_progress()
        self.changed.add("tasks")

    def _mean_progress(self) -> None:
        if self.tasks:
            self.job["progress"] = sum(each["progress"] for each in self.tasks) / len(self.tasks)

    def _summarize(self, values: dict[str, float]) -> None:
        """Keep last, least and greatest of what was told; when the job is over, those of every point take their place.

        Measures of single classes are none of a list's columns: a model may have hundreds.
        """
        series = self.job["series"]
        for name, value in values.items():
            if math.isfinite(value) and of_class(name) is None:
                _, least, greatest = series.get(name, (value, value, value))
                series[name] = [value, min(least, value), max(greatest, value)]
                self.changed.add("summaries")

    def _add_task(self, name: str, title: str) -> Row:
        task: Row = {
            "name": name,
            "position": len(self.tasks),
            "title": title,
            "state": _S.INITIALIZED,
            "progress": 0.0,
            "done": 0.0,
            "total": 0.0,
            "unit": "",
            "text": "",
            "rate": None,
            "started": None,
            "finished": None,
            "facts": {},
        }
        self.tasks.append(task)
        return task


def rebuild(folder: JobFolder) -> JobIndex:
    """Return a job's rows from its files alone.

    Raises:
        NotFoundError: the folder holds no ``job.json``.
    """
    index = JobIndex.new(folder, folder.record())
    index.catch_up()
    index.index_events()
    return index


def read_journal(folder: JobFolder, offset: int) -> Iterator[tuple[int, Row]]:
    """Yield each whole line of the journal from ``offset`` on, with the offset just after it."""
    try:
        file = folder.journal_file.open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            try:
                fact = json.loads(line)
            except ValueError:  # torn by a power cut, with later lines after it
                continue
            if isinstance(fact, dict) and isinstance(fact.get("time"), int | float):
                yield offset, fact


def _went_on(part: Row, time: float) -> float:
    """Return the start of a job or task that goes on at ``time``: as if it had not stood still since it was over."""
    started, finished = part["started"], part["finished"]
    return time if started is None or finished is None else time - max(0.0, float(finished - started))


def _history_row(state: JobState, time: float, reason: str) -> Row:
    return {"state": state, "time": time, "reason": reason}


def _finite(values: dict[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
