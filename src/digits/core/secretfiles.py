"""What a job needs and nobody else may read, as a bucket's keys: ``<root>/secrets/<job id>.json``, for the server's user alone.

It is in no job folder, so that no archive, page or log of the job has it, and goes with the job.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path


def write_secrets(folder: Path, job_id: str, values: Mapping[str, str]) -> None:
    """Keep the secrets of a job, by dotted field of its spec."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = _place(folder, job_id)
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(dict(values), file)
        file.flush()
        os.fsync(file.fileno())


def read_secrets(folder: Path, job_id: str) -> dict[str, str]:
    """Return the secrets of a job, {} where it has none."""
    try:
        found = json.loads(_place(folder, job_id).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {str(name): str(value) for name, value in found.items()}


def remove_secrets(folder: Path, job_id: str) -> None:
    """Forget the secrets of a job."""
    _place(folder, job_id).unlink(missing_ok=True)


def _place(folder: Path, job_id: str) -> Path:
    assert Path(job_id).name == job_id != "", job_id
    return folder / f"{job_id}.json"
