"""``python -m digits.workers.infer <model job folder> [--epoch E] --service <folder>``: a loaded model that answers over HTTP."""

from __future__ import annotations

import argparse
import base64
import sys
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap

from digits.core.errors import DataError, SpecError
from digits.core.extensions import extension, load
from digits.core.jobfolder import JobFolder
from digits.core.work import WorkerSettings
from digits.data.images import Limits, encode_png, read_file, visible
from digits.training.inference import Predictor, top_classes
from digits.workers.service import Handler, Question, run_service

_CHUNK = 128  # pictures decoded and classified at a time: memory stays flat for a list of any length


class Inference:
    """The questions that a loaded model answers."""

    def __init__(self, predictor: Predictor, settings: WorkerSettings) -> None:
        self._predictor = predictor
        self._limits = Limits(max_pixels=settings.max_image_pixels)
        self._spool = Path(settings.spool) if settings.spool else None
        self._threads = ThreadPoolExecutor(max(2, settings.num_threads), "decode")
        self._lock = ThreadPoolExecutor(1, "network")  # one question at a time reaches the network

    def classify(self, question: Question) -> dict[str, Any]:
        """``/classify``: the best classes of each path, or the numbers of a regression; a file that is no picture costs its own row."""
        paths, top = _paths(question), int(question.get("top", 5))
        return self._lock.submit(self._classify, paths, top, bool(question.get("all_scores"))).result()

    def picture(self, question: Question) -> dict[str, Any]:
        """``/picture``: the picture at a path as the network sees it."""
        image = self._predictor.seen(self._read(_paths({"paths": [question.get("path")]})[0]))
        png = base64.b64encode(encode_png(visible(image))).decode()
        return {"png_base64": png, "width": image.shape[1], "height": image.shape[0]}

    def _classify(self, paths: list[str], top: int, all_scores: bool) -> dict[str, Any]:
        began = time.perf_counter()
        results: list[dict[str, Any]] = []
        scores: list[np.ndarray] = []
        for first in range(0, len(paths), _CHUNK):
            some = paths[first : first + _CHUNK]
            read = list(self._threads.map(self._try_read, some))
            images = [each for each in read if not isinstance(each, DataError)]
            probabilities = self._predictor.classify(images) if images else None
            best = iter(self._answers(probabilities, top) if probabilities is not None else ())
            for path, each in zip(some, read, strict=True):
                results.append(
                    _refused(path, each)
                    if isinstance(each, DataError)
                    else {"path": path, "ok": True, "top": next(best)}
                )
            if all_scores and probabilities is not None:
                scores.append(probabilities)
        answer = {"labels_count": len(self._predictor.labels), "epoch": self._predictor.epoch, "results": results}
        answer["target_kind"] = self._predictor.facts.target_kind
        if scores:
            answer["scores_file"] = str(self._keep(scores))
        return answer | {"seconds": time.perf_counter() - began}

    def _answers(self, outputs: np.ndarray, top: int) -> list[list[tuple[int, str, float]]]:
        """Return (id, label, probability) of the best classes of each picture; or all its numbers, in order."""
        labels = self._predictor.labels
        if self._predictor.facts.target_kind != "vector":
            return top_classes(outputs, labels, top)
        return [[(index, label, float(row[index])) for index, label in enumerate(labels)] for row in outputs]

    def _read(self, path: str) -> np.ndarray:
        try:
            return self._predictor.prepare(read_file(path), limits=self._limits)
        except DataError as error:
            error.where = error.where or path
            raise

    def _try_read(self, path: str) -> np.ndarray | DataError:
        try:
            return self._read(path)
        except DataError as error:
            return error

    def _keep(self, scores: list[np.ndarray]) -> Path:
        """Write all probabilities to the spool: [N, classes]."""
        assert self._spool is not None, "all_scores needs a spool"
        self._spool.mkdir(parents=True, exist_ok=True)
        path = self._spool / f"scores-{uuid.uuid4().hex}.npy"
        out = open_memmap(path, "w+", np.float32, (sum(map(len, scores)), scores[0].shape[1]))
        np.concatenate(scores, out=out)
        out.flush()
        return path


def _paths(question: Question) -> list[str]:
    paths = question.get("paths")
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise SpecError({"paths": ["must be a list of paths"]})
    return paths


def _refused(path: str, error: DataError) -> dict[str, Any]:
    return {"path": path, "ok": False, "error": {"message": error.message, "hint": error.hint, "rule": error.rule}}


def setup(folder: JobFolder, epoch: float | None, settings: WorkerSettings) -> Mapping[str, Handler]:
    """Load the model, as its framework does, and return what it answers."""
    framework = extension("frameworks", folder.record().extension)
    predictor: Predictor = load(framework.predictor)(folder, epoch, settings.device)
    predictor.classify([np.zeros((predictor.facts.height, predictor.facts.width, predictor.facts.channels), np.uint8)])
    inference = Inference(predictor, settings)
    return {"/classify": inference.classify, "/picture": inference.picture}


def main() -> int:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="digits.workers.infer")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epoch", type=float)
    parser.add_argument("--service", type=Path, required=True)
    arguments = parser.parse_args()
    settings = WorkerSettings.from_environment()
    return run_service(
        arguments.service,
        lambda: setup(JobFolder(arguments.folder), arguments.epoch, settings),
        settings.inference_idle_s,
    )


if __name__ == "__main__":
    sys.exit(main())
