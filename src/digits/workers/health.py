"""``python -m digits.workers.health <job folder>``: looks for what is wrong with the dataset that the job belongs to."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.core.errors import DataError
from digits.core.events import Emit, Warned, read_events
from digits.core.extensions import extension, load
from digits.core.files import read_json
from digits.core.healthspec import COMPARE, PREDICT, SCAN, HealthSpec
from digits.core.jobfolder import JobFolder, JobRecord, find_job_folder
from digits.core.settings import Device
from digits.core.work import StopCheck, WorkerSettings
from digits.data.health.duplicates import find_duplicates
from digits.data.health.findings import odd_files, write_findings
from digits.data.health.imbalance import imbalance
from digits.data.health.looks import Looks, Tell, look
from digits.data.health.outliers import find_outliers
from digits.data.health.suspects import Suspect, find_suspects
from digits.data.reader import DatasetReader
from digits.workers.job import run_job
from digits.workers.told import Told

if TYPE_CHECKING:
    from digits.training.inference import Predictor  # torch: loaded by the framework, where there is a model to ask

_BATCH = 256
_HINT = "Choose a model that was trained on this dataset."
UNKNOWN = -1


def check_health(
    record: JobRecord, folder: JobFolder, emit: Emit, stop: StopCheck, settings: WorkerSettings
) -> dict[str, Any]:
    """Check the parent dataset, write the findings, and return how many there are of each kind."""
    spec = HealthSpec.model_validate(record.spec)
    dataset = find_job_folder(folder.path.parent, record.parent)
    facts = read_json(dataset.path / "dataset.json")
    kind = extension("datasets", dataset.record().extension)
    if facts.get("target_kind", "class") != "class":
        raise DataError("Only a dataset with one class for each picture can be checked.", where=record.parent)
    readers: dict[str, DatasetReader] = {
        db: load(kind.reader)(dataset, db) for db, each in facts["dbs"].items() if each["entries"]
    }
    shape = next(iter(readers.values())).sample_shape
    looks = _look(readers, emit, stop, settings)
    told = Told(emit, stop, COMPARE, len(looks))
    duplicates, outliers = find_duplicates(looks, told), find_outliers(looks, shape[:2])
    told.end()
    suspects: list[Suspect] = []
    model: dict[str, Any] | None = None
    if spec.model:
        told = Told(emit, stop, PREDICT, len(looks))
        doubter = _Doubter.open(spec, folder.path.parent, looks, shape, settings.device)
        suspects, estimated = doubter.suspects(readers, told)
        model = {"id": spec.model, "epoch": doubter.predictor.epoch, "estimated": estimated}
        told.end()
    filled = imbalance(looks.labels, {db: reader.targets() for db, reader in readers.items()})
    more = {"imbalance": filled, "files": odd_files(dataset.path, _notes(dataset)), "model": model}
    counts = write_findings(folder.path, looks, duplicates, outliers, suspects, more)
    return {"pictures": len(looks), "counts": counts, "even": filled["even"], "model": spec.model}


def _look(readers: Mapping[str, DatasetReader], emit: Emit, stop: StopCheck, settings: WorkerSettings) -> Looks:
    told = Told(emit, stop, SCAN, sum(map(len, readers.values())))
    looks = look(readers, num_threads=settings.num_threads, tell=told)
    told.end()
    return looks


@dataclass
class _Doubter:
    """Asks a model about every record, a batch at a time."""

    predictor: Predictor
    looks: Looks
    columns: list[int]

    @classmethod
    def open(cls, spec: HealthSpec, jobs: Path, looks: Looks, shape: tuple[int, ...], device: Device) -> _Doubter:
        """Load the model.

        Raises:
            NotFoundError: it is gone.
            DataError: it knows other classes, or pictures of another size.
        """
        model = find_job_folder(jobs, spec.model)
        predictor = load(extension("frameworks", model.record().extension).predictor)(model, spec.epoch, device)
        facts = predictor.facts
        if (facts.height, facts.width, facts.channels) != shape:
            text = "The model was made for pictures of {1} × {0} with {2} channels, the dataset has {4} × {3} with {5}."
            raise DataError(text.format(facts.height, facts.width, facts.channels, *shape), hint=_HINT)
        missing = [label for label in looks.labels if label not in predictor.labels]
        if missing:
            raise DataError(f"The model knows no class {missing[0]!r}.", hint=_HINT)
        return cls(predictor, looks, [predictor.labels.index(label) for label in looks.labels])

    def suspects(self, readers: Mapping[str, DatasetReader], tell: Tell) -> tuple[list[Suspect], dict[str, int]]:
        """Return the doubted pictures by their places, and how many labels of each database are thought wrong."""
        found: list[Suspect] = []
        estimated = {}
        # Each database by itself: a model is surer of what it was trained on.
        for start, (db, reader) in zip(self.looks.starts, readers.items(), strict=False):
            targets = reader.targets().copy()
            targets[[place - start for place in self.looks.broken if 0 <= place - start < len(reader)]] = UNKNOWN
            probabilities = np.zeros((len(reader), len(self.columns)), np.float32)
            for first in range(0, len(reader), _BATCH):
                rows = np.flatnonzero(targets[first : first + _BATCH] != UNKNOWN) + first
                if len(rows):
                    images = [reader[row].image_HWC for row in rows.tolist()]
                    probabilities[rows] = self.predictor.classify(images)[:, self.columns]
                tell(start + min(first + _BATCH, len(reader)))
            doubts = find_suspects(targets, probabilities)
            found += [each._replace(place=start + each.place) for each in doubts.suspects]
            estimated[db] = doubts.estimated
        return sorted(found, key=lambda each: -each.margin), estimated


def _notes(dataset: JobFolder) -> list[str]:
    """Return what the building of the dataset warned of."""
    return [event.message for _, event in read_events(dataset.events_file) if isinstance(event, Warned)]


if __name__ == "__main__":
    sys.exit(run_job(Path(sys.argv[1]), check_health))
