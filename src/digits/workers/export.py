"""``python -m digits.workers.export <job folder>``: writes the dataset that the job belongs to as files for other programs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from digits.core.errors import DataError, SetupError
from digits.core.events import Emit
from digits.core.exportspec import MARK, TASK, ExportSpec, folder_problem
from digits.core.files import folder_bytes, read_json, write_json
from digits.core.jobfolder import JobFolder, JobRecord, find_job_folder
from digits.core.work import StopCheck, WorkerSettings
from digits.data.exports import export_records
from digits.workers.job import run_job
from digits.workers.told import Told


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
    tell = Told(emit, stop, TASK, total)
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


if __name__ == "__main__":
    sys.exit(run_job(Path(sys.argv[1]), export))
