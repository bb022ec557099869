"""``python -m digits.workers.train <job folder>``: trains a network, as the framework named in ``job.json`` does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from digits.core.events import Emit
from digits.core.extensions import extension, load
from digits.core.jobfolder import JobFolder, JobRecord
from digits.core.trainspec import TrainSpec
from digits.core.work import StopCheck, WorkerSettings
from digits.workers.job import run_job


def train(
    record: JobRecord, folder: JobFolder, emit: Emit, stop: StopCheck, settings: WorkerSettings
) -> dict[str, Any]:
    """Train the network and return the model's facts."""
    framework = extension("frameworks", record.extension)
    spec = TrainSpec.model_validate(record.spec | folder.spec_changes())
    facts: dict[str, Any] = load(framework.trainer)(spec, folder, settings, emit, stop)
    return facts


if __name__ == "__main__":
    sys.exit(run_job(Path(sys.argv[1]), train))
