"""Jobs that are run by workers one after the other, as the runner would, and what they say."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from digits.core.beginning import Beginning, WeightFile
from digits.core.evaluationspec import EvaluationSpec
from digits.core.events import Event, read_events
from digits.core.jobfolder import JobFolder, JobRecord, new_job_id
from digits.core.metrics import points
from digits.core.platform import worker_environment
from digits.core.spec import DatasetSpec, Spec
from digits.core.trainspec import StandardNetwork, TrainSpec
from digits.core.work import WorkerSettings
from digits.networks.standard import standard_networks


@dataclass(frozen=True)
class Trained:
    """A training that came to its end."""

    folder: JobFolder
    minutes: float
    metrics: dict[str, float]
    """Of the last validation."""

    def curve(self, series: str) -> list[float]:
        """Return the values of a series, rounded."""
        return [round(value, 4) for _, _, value in points(self.folder.metrics, series)]


class Jobs:
    """Job folders below ``root``.

    Args:
        root: made if it is not there.
        threads: of each worker.
        code: whether networks written in Python may run.
    """

    def __init__(self, root: Path, threads: int, *, code: bool = False) -> None:
        self.folder = root / "jobs"
        settings = WorkerSettings(num_threads=threads, device="cpu", spool=str(root / "spool"), python_layers=code)
        self._environment = {**os.environ, **worker_environment(threads), **settings.to_environment()}

    def dataset(self, extension: str, spec: DatasetSpec) -> JobFolder:
        """Build a dataset."""
        folder = self._job("dataset", extension, "build", spec)
        self._run("build", folder)
        return folder

    def train(self, spec: TrainSpec) -> Trained:
        """Train a model, from published weights where its network says so."""
        folder = self._job("model", spec.framework, "train", spec, depends_on=spec.dataset)
        if isinstance(spec.network, StandardNetwork) and spec.network.pretrained:
            Beginning(weights=(published(spec.network.name),)).write(folder)
        began = time.perf_counter()
        self._run("train", folder)
        minutes = (time.perf_counter() - began) / 60
        return Trained(folder, minutes, self._done(folder).facts["metrics"])

    def evaluate(self, trained: Trained, db: Literal["train", "val", "test"]) -> JobFolder:
        """Let a model answer a database of the dataset that it was trained on."""
        spec = EvaluationSpec(dataset=trained.folder.record().depends_on, db=db)
        folder = self._job("evaluation", "evaluation", "evaluate", spec, parent=trained.folder.id)
        self._run("evaluate", folder)
        return folder

    def _job(
        self, kind: Any, extension: str, worker: str, spec: Spec, depends_on: str = "", parent: str = ""
    ) -> JobFolder:  # fmt: skip
        folder = JobFolder(self.folder / new_job_id(self.folder))
        folder.write(
            JobRecord(
                id=folder.id, kind=kind, extension=extension, title=kind, name=kind, created=time.time(), worker=worker,
                depends_on=depends_on, parent=parent, spec=spec.model_dump(mode="json"),
            )
        )  # fmt: skip
        return folder

    def _run(self, worker: str, folder: JobFolder) -> None:
        command = [sys.executable, "-m", f"digits.workers.{worker}", str(folder.path)]
        subprocess.run(command, env=self._environment, check=True)

    def _done(self, folder: JobFolder) -> Any:
        events: list[Event] = [event for _, event in read_events(folder.events_file)]
        return next(event for event in reversed(events) if event.type == "done")


def published(network: str) -> WeightFile:
    """Return the published weights of a standard network of Torch's."""
    known = standard_networks(suffix="py")[network].pretrained
    assert known is not None
    path = known.path()
    assert path is not None, f"the weights are not installed: {known.install}"
    return WeightFile(path=str(path), name=known.title, sha256=known.sha256)


def machine(threads: int) -> dict[str, Any]:
    """Return what the time of a training depends on."""
    return {
        "cores": os.cpu_count(), "threads": threads, "torch": torch.__version__, "python": platform.python_version(),
    }  # fmt: skip
