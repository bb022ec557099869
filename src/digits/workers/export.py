"""``python -m digits.workers.export <job folder>``: writes the dataset that the job belongs to as files for other programs."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Any

from digits.core.errors import DataError, SetupError
from digits.core.events import Emit, Progress
from digits.core.exportspec import MARK, TASK, ExportSpec, folder_problem
from digits.core.files import folder_bytes, read_json, write_json
from digits.core.jobfolder import JobFolder, JobRecord, find_job_folder
from digits.core.work import StopCheck, StoppedError, WorkerSettings
from digits.data.exports import export_records
from digits.workers.job import run_job

_SAY_S = 0.5


def export(
    record: JobRecord, folder: JobFolder, emit: Emit, stop: StopCheck, settings: WorkerSettings
) -> dict[str, Any]:
    """Write everything beside its place, then put it there: the folder is whole or not there.

    Raises:
        DataError: something else lies there meanwhile, or a record is broken.
        SetupError: the folder cannot be written.
        StoppedError: asked to stop; nothing is left.
    """
    del settings
    spec = ExportSpec.model_validate(record.spec)
    dataset = find_job_folder(folder.path.parent, record.parent)
    facts = read_json(dataset.path / "dataset.json")
    place = Path(spec.path)
    if problem := folder_problem(place, overwrite=spec.overwrite):
        raise DataError(problem)
    total = sum(int(each["entries"]) for each in facts["dbs"].values())
    tell = _Told(emit, stop, total)
    work = place.with_name(f".{place.name}.{folder.id}.tmp")
    try:
        work.mkdir()
        count = export_records(dataset.path, facts, work, spec.format, tell)
        size = folder_bytes(work)
        write_json(
            work / MARK, {"dataset": dataset.id, "format": spec.format, "content_hash": facts.get("content_hash")}
        )
        _put(work, place, overwrite=spec.overwrite)
    except OSError as error:
        raise SetupError(f"The export cannot be written: {error.strerror or error}.", where=str(place)) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    tell.end()
    return {"path": str(place), "format": spec.format, "pictures": count, "bytes": size}


def _put(work: Path, place: Path, *, overwrite: bool) -> None:
    if problem := folder_problem(place, overwrite=overwrite):
        raise DataError(problem)
    if place.is_dir():
        old = work.with_suffix(".old")
        place.rename(old)
        work.rename(place)
        shutil.rmtree(old, ignore_errors=True)
    else:
        work.rename(place)


class _Told:
    """Says how far it is, now and then; stops it where that was asked for."""

    def __init__(self, emit: Emit, stop: StopCheck, total: int) -> None:
        self._emit, self._stop, self._total = emit, stop, total
        self._began, self._next = time.monotonic(), 0.0

    def __call__(self, done: int) -> None:
        """Hear how many pictures are written.

        Raises:
            StoppedError: the job was asked to stop.
        """
        if self._stop():
            raise StoppedError
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _SAY_S
            self._emit(self._progress(done))

    def end(self) -> None:
        """Say that all are."""
        self._emit(self._progress(self._total).model_copy(update={"state": "done"}))

    def _progress(self, done: int) -> Progress:
        rate = done / max(time.monotonic() - self._began, 1e-6)
        text = f"{done:,} of {self._total:,} pictures"
        return Progress(task=TASK, done=done, total=self._total, unit="pictures", text=text, rate=rate)


if __name__ == "__main__":
    sys.exit(run_job(Path(sys.argv[1]), export))
