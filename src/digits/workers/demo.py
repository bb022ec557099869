"""``python -m digits.workers.demo <job folder>``: the least a job can be. It counts steps and draws a curve.

Its spec: ``steps``; ``seconds`` a step; ``misstep``: the step at which it fails (none when 0); ``deaf``: it does not hear
that it should stop.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from digits.core.errors import TrainingError
from digits.core.events import Emit, Metric, Progress, Resumed
from digits.core.jobfolder import JobFolder, JobRecord
from digits.core.metrics import MetricsWriter
from digits.core.spec import Spec, field
from digits.core.work import StopCheck, StoppedError, WorkerSettings
from digits.workers.job import run_job


class DemoSpec(Spec):
    """How long the demo works, and whether it fails."""

    steps: int = field(10, title="Steps", ge=1)
    seconds: float = field(0.01, title="Duration of a step", unit="s", ge=0)
    misstep: int = field(0, title="Step that fails", description="0: none does.", ge=0)
    deaf: bool = field(False, title="Does not stop when asked")


def count(
    record: JobRecord, folder: JobFolder, emit: Emit, stop: StopCheck, settings: WorkerSettings
) -> dict[str, Any]:
    """Take the steps, one event and one point of the curve each."""
    del settings
    spec = DemoSpec.model_validate(record.spec)
    curves = MetricsWriter(folder.metrics)
    if (attempt := folder.attempt()) > 1:  # it keeps nothing to go on from
        curves.cut({})
        emit(Resumed(step=0, attempt=attempt))
    sys.stdout.write(f"counting to {spec.steps}\n")
    for step in range(1, spec.steps + 1):
        if stop() and not spec.deaf:
            raise StoppedError(f"stopped after {step - 1} steps")
        if step == spec.misstep:
            raise TrainingError(f"Step {step} went wrong, as it was asked to.", hint="Ask for none.")
        time.sleep(spec.seconds)
        curves.append("loss/train", step=step, epoch=step / spec.steps, value=1 / step)
        emit(Metric(step=step, epoch=step / spec.steps, values={"loss/train": 1 / step}))
        emit(Progress(task="count", done=step, total=spec.steps, unit="steps", text=f"Step {step} of {spec.steps}"))
    curves.close()
    emit(Progress(task="count", done=spec.steps, total=spec.steps, unit="steps", state="done"))
    return {"steps": spec.steps}


if __name__ == "__main__":
    sys.exit(run_job(Path(sys.argv[1]), count))
