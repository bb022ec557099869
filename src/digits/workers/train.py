"""``python -m digits.workers.train <job folder>``: trains a network, as the framework named in ``job.json`` does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from digits.core.events import Emit, Warned
from digits.core.extensions import FrameworkExtension, extension, load
from digits.core.jobfolder import JobFolder, JobRecord
from digits.core.trainspec import TrainSpec
from digits.core.work import StopCheck, WorkerSettings
from digits.workers.job import run_job
from digits.workers.together import train_together


def train(
    record: JobRecord, folder: JobFolder, emit: Emit, stop: StopCheck, settings: WorkerSettings
) -> dict[str, Any]:
    """Train the network and return the model's facts; with several GPUs in a process for each."""
    framework: FrameworkExtension = extension("frameworks", record.extension)
    if settings.processes > 1:
        if framework.splits_batches:
            return train_together(folder, settings, stop)
        emit(Warned(message=f"{framework.title} trains on one GPU; the others that the job holds stay idle."))
        settings = settings.model_copy(update={"processes": 1})
    return train_here(record, folder, emit, stop, settings)


def train_here(
    record: JobRecord, folder: JobFolder, emit: Emit, stop: StopCheck, settings: WorkerSettings
) -> dict[str, Any]:
    """Train in this process, alone or as the one of several that ``settings`` say it is."""
    framework: FrameworkExtension = extension("frameworks", record.extension)
    spec = TrainSpec.model_validate(record.spec | folder.spec_changes())
    facts: dict[str, Any] = load(framework.trainer)(spec, folder, settings, emit, stop)
    return facts


if __name__ == "__main__":
    sys.exit(run_job(Path(sys.argv[1]), train))
