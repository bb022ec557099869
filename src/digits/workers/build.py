"""``python -m digits.workers.build <job folder>``: makes a dataset, as the extension named in ``job.json`` does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from digits.core.events import Emit
from digits.core.extensions import extension, load
from digits.core.jobfolder import JobFolder, JobRecord
from digits.core.work import StopCheck, WorkerSettings
from digits.workers.job import run_job


def build(
    record: JobRecord, folder: JobFolder, emit: Emit, stop: StopCheck, settings: WorkerSettings
) -> dict[str, Any]:
    """Make the dataset and return its facts."""
    kind = extension("datasets", record.extension)
    facts: dict[str, Any] = load(kind.build)(kind.spec.model_validate(record.spec), folder, settings, emit, stop)
    return facts


if __name__ == "__main__":
    sys.exit(run_job(Path(sys.argv[1]), build))
