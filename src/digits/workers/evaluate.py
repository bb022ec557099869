"""``python -m digits.workers.evaluate <job folder>``: the model that the job belongs to answers a whole database.

Records are decoded a batch ahead, in threads, and forgotten once they are answered: memory does not grow with their number.
"""

from __future__ import annotations

import csv
import io
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.evaluationspec import METRICS_FILE, TASK, EvaluationSpec, unfit
from digits.core.events import Emit
from digits.core.extensions import extension, load
from digits.core.files import atomic, write_json, write_text
from digits.core.jobfolder import JobFolder, JobRecord, find_job_folder
from digits.core.tables import harmless
from digits.core.work import StopCheck, WorkerSettings
from digits.data.index import Index
from digits.data.reader import PairReader, PairSample, Records, Sample
from digits.scoring.kept import ANSWERS_FILE, KEPT
from digits.training.dataset import Dataset
from digits.training.frames import DENSE
from digits.training.inference import Predictor
from digits.training.targets import Answers, Scores, target
from digits.workers.job import run_job
from digits.workers.told import Told

_BATCH_BYTES = 32 << 20
_MOST = 256
_NAMED = ("key", "path")


def evaluate(
    record: JobRecord, folder: JobFolder, emit: Emit, stop: StopCheck, settings: WorkerSettings
) -> dict[str, Any]:
    """Answer every record of the database, write the files, and return the metrics.

    Raises:
        DataError: the dataset is not one for the model.
        NotFoundError: the model, its snapshot or the dataset is gone.
        StoppedError: asked to stop; there are no results.
    """
    spec = EvaluationSpec.model_validate(record.spec)
    model = find_job_folder(folder.path.parent, record.parent)
    dataset = Dataset.open(model, spec.dataset)
    predictor: Predictor = load(extension("frameworks", model.record().extension).predictor)(
        model, spec.epoch, settings.device
    )
    labels = list(predictor.labels)
    if problem := unfit(asdict(predictor.facts), labels, dataset.facts):
        raise DataError(problem, hint="Choose a dataset that is like the one it was trained on.")
    reader = dataset.reader(spec.db)
    columns = np.array([labels.index(label) for label in reader.labels], np.int64)
    answers = replace(Answers.of(dataset.facts), labels=tuple(labels))
    scores = target(predictor.facts.target_kind, answers).scores(labels, columns)
    told = Told(emit, stop, TASK, len(reader))
    keys = Index(dataset.folder.path / "index" / spec.db, reader.target_kind)
    refused = _answer(reader, predictor, scores, keys, folder.path, told, settings.num_threads)
    facts = {"count": len(reader) - refused, "refused": refused, "epoch": predictor.epoch}
    result = scores.result()
    _write_results(folder.path, facts | {"labels": labels}, result)
    told.end()
    return facts | {"metrics": result["metrics"]}


def _answer(
    reader: Records, predictor: Predictor, scores: Scores, keys: Index, folder: Path, told: Told, num_threads: int
) -> int:
    """Answer all records; write the answer to each, and return how many could not be read."""
    targets, refused = _targets(reader), 0
    answers = open_memmap(folder / ANSWERS_FILE, "w+", KEPT, (len(reader),))
    with atomic(folder / "predictions.csv") as file:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
        writer = csv.writer(text)
        writer.writerow((*_NAMED, *scores.columns))
        for batch in _batches(reader, num_threads):
            told(batch.first)
            refused += batch.refused
            if not batch.rows:
                continue
            truth = np.stack(batch.labels) if targets is None else targets[batch.rows]
            rows, cells = scores.add(predictor.answers(batch.images), truth)
            answers[batch.rows] = rows
            for row, path, each in zip(batch.rows, batch.paths, cells, strict=True):
                writer.writerow(tuple(map(harmless, (keys.key(row).decode(), path, *each))))
        text.flush()
        text.detach()  # so that the file is not closed with it
    answers.flush()
    return refused


def _targets(reader: Records) -> NDArray[Any] | None:
    """Return all answers; None for those that are read with their pictures."""
    return None if isinstance(reader, PairReader) and reader.target_kind in DENSE else reader.targets()


@dataclass(frozen=True)
class _Batch:
    """Some records that follow each other, without those that are broken."""

    first: int
    rows: list[int]
    images: list[NDArray[np.uint8]]
    labels: list[NDArray[Any]]
    """Of pairs alone."""
    paths: list[str]
    refused: int


def _batches(reader: Records, num_threads: int) -> Iterator[_Batch]:
    """Yield all records; while one batch is answered the next is decoded."""
    # Pictures that differ in size are answered one by one.
    bytes_each = _BATCH_BYTES if reader.sample_shape is None else int(np.prod(reader.sample_shape))
    size = max(1, min(_MOST, _BATCH_BYTES // max(1, bytes_each)))
    with ThreadPoolExecutor(max(1, num_threads), "decode") as pool:
        ahead: deque[tuple[int, list[Future[list[Sample | PairSample | None]]]]] = deque()
        try:
            for first in range(0, len(reader), size):
                ahead.append(
                    (first, _submitted(pool, reader, range(first, min(first + size, len(reader))), num_threads))
                )
                if len(ahead) > 1:
                    yield _gathered(*ahead.popleft())
            while ahead:
                yield _gathered(*ahead.popleft())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _submitted(
    pool: ThreadPoolExecutor, reader: Records, rows: range, num_threads: int
) -> list[Future[list[Sample | PairSample | None]]]:
    """Hand each thread an equal part: one task a picture would cost more than a small picture does."""
    part = -(-len(rows) // max(1, num_threads))
    return [pool.submit(_read, reader, rows[start : start + part]) for start in range(0, len(rows), part)]


def _read(reader: Records, rows: range) -> list[Sample | PairSample | None]:
    return [_sample(reader, row) for row in rows]


def _sample(reader: Records, row: int) -> Sample | PairSample | None:
    try:
        return reader[row]
    except DataError:
        return None


def _gathered(first: int, parts: Sequence[Future[list[Sample | PairSample | None]]]) -> _Batch:
    samples = [sample for part in parts for sample in part.result()]
    found = [(first + place, sample) for place, sample in enumerate(samples) if sample is not None]
    rows, images, labels, paths = (
        [row for row, _ in found],
        [each.image_HWC for _, each in found],
        [each.label for _, each in found if isinstance(each, PairSample)],
        [each.source for _, each in found],
    )
    return _Batch(first, rows, images, labels, paths, len(samples) - len(found))


def _write_results(folder: Path, facts: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Write the numbers as JSON, and its tables for people who work with spreadsheets."""
    per_class = result["per_class"]
    _write_csv(
        folder / "per_class.csv", list(per_class[0]) if per_class else ["label"], (row.values() for row in per_class)
    )
    _write_csv(folder / "confusion.csv", ["label", "prediction", "count"], result["confusion"])
    write_json(folder / METRICS_FILE, {**facts, **result})  # last: where it is the others are


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(tuple(map(harmless, row)) for row in rows)
    write_text(path, out.getvalue())


if __name__ == "__main__":
    sys.exit(run_job(Path(sys.argv[1]), evaluate))
