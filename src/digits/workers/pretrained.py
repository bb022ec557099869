"""``python -m digits.workers.pretrained <job folder>``: makes a pretrained model of files that were sent, lent or fetched from a store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from digits.core.errors import SetupError
from digits.core.events import Emit
from digits.core.extensions import FrameworkExtension, extension, load
from digits.core.jobfolder import JobFolder, JobRecord
from digits.core.pretrainedspec import PretrainedSpec
from digits.core.work import StopCheck, WorkerSettings
from digits.workers.job import run_job


def take_in(
    record: JobRecord, folder: JobFolder, emit: Emit, stop: StopCheck, settings: WorkerSettings
) -> dict[str, Any]:
    """Fetch what lies in a store, make the model's folder, and return the job's facts.

    Raises:
        DigitsError: the files cannot be had or do not hold together.
    """
    spec = PretrainedSpec.model_validate(record.spec)
    if spec.store_entry:
        from digits.data.modelstore.fetching import fetch_entry

        spec = fetch_entry(spec, folder, settings, emit, stop)
    framework: FrameworkExtension = extension("frameworks", spec.framework)
    if not framework.take_in:
        raise SetupError(f"The framework {framework.title} takes no weights of others.")
    from digits.training.pretrained import Intake

    facts: dict[str, Any] = load(framework.take_in)(Intake(spec, folder, settings, emit))
    return facts


if __name__ == "__main__":
    sys.exit(run_job(Path(sys.argv[1]), take_in))
