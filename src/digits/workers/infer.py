"""``python -m digits.workers.infer <model job folder> [--epoch E] --service <folder>``: a loaded model that answers over HTTP."""

from __future__ import annotations

import argparse
import base64
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap

from digits.core.errors import DataError
from digits.core.extensions import extension, load
from digits.core.jobfolder import JobFolder
from digits.core.work import WorkerSettings
from digits.data.images import encode_png, visible
from digits.training.inference import Predictor, top_classes
from digits.workers.inside import Inside
from digits.workers.outputs import Outputs
from digits.workers.service import Handler, Question, run_service
from digits.workers.viewing import Viewing
from digits.workers.warm import WarmModel, asked_path, in_parts, refusal

_CHUNK = 128  # pictures decoded and classified at a time: memory stays flat for a list of any length


class Inference:
    """The questions about classes, and about a picture as the network sees it."""

    def __init__(self, model: WarmModel) -> None:
        self._model = model
        self._predictor = model.predictor

    def classify(self, question: Question) -> dict[str, Any]:
        """``/classify``: the best classes of each picture (``paths``, or ``records`` of a dataset), or the numbers of a regression; a file that is no picture costs its own row."""
        return self._model.alone(lambda: self._classify(question, int(question.get("top", 5))))

    def picture(self, question: Question) -> dict[str, Any]:
        """``/picture``: the picture at a path as the network sees it."""
        image = self._predictor.seen(self._model.read(asked_path(question)))
        png = base64.b64encode(encode_png(visible(image))).decode()
        return {"png_base64": png, "width": image.shape[1], "height": image.shape[0]}

    def _classify(self, question: Question, top: int) -> dict[str, Any]:
        began = time.perf_counter()
        results: list[dict[str, Any]] = []
        scores: list[np.ndarray] = []
        for part in in_parts(question, _CHUNK):
            named = self._model.pictures(part)
            images = [each for _, each in named if not isinstance(each, DataError)]
            probabilities = self._predictor.classify(images) if images else None
            best = iter(self._answers(probabilities, top) if probabilities is not None else ())
            for path, each in named:
                answer = refusal(each) if isinstance(each, DataError) else {"ok": True, "top": next(best)}
                results.append({"path": path} | answer)
            if question.get("all_scores") and probabilities is not None:
                scores.append(probabilities)
        found = {"labels_count": len(self._predictor.labels), "epoch": self._predictor.epoch, "results": results}
        found["target_kind"] = self._predictor.facts.target_kind
        if scores:
            found["scores_file"] = str(self._keep(scores))
        return found | {"seconds": time.perf_counter() - began}

    def _answers(self, outputs: np.ndarray, top: int) -> list[list[tuple[int, str, float]]]:
        """Return (id, label, probability) of the best classes of each picture; or all its numbers, in order."""
        labels = self._predictor.labels
        if self._predictor.facts.target_kind != "vector":
            return top_classes(outputs, labels, top)
        return [[(index, label, float(row[index])) for index, label in enumerate(labels)] for row in outputs]

    def _keep(self, scores: list[np.ndarray]) -> Path:
        """Write all probabilities to the spool: [N, classes]."""
        path = self._model.spool / f"scores-{uuid.uuid4().hex}.npy"
        out = open_memmap(path, "w+", np.float32, (sum(map(len, scores)), scores[0].shape[1]))
        np.concatenate(scores, out=out)
        out.flush()
        return path


def setup(folder: JobFolder, epoch: float | None, settings: WorkerSettings) -> Mapping[str, Handler]:
    """Load the model, as its framework does, and return what it answers."""
    framework = extension("frameworks", folder.record().extension)
    predictor: Predictor = load(framework.predictor)(folder, epoch, settings.device)
    predictor.classify([np.zeros((predictor.facts.height, predictor.facts.width, predictor.facts.channels), np.uint8)])
    model = WarmModel(predictor, settings)
    inference, inside, outputs, viewing = Inference(model), Inside(model), Outputs(model), Viewing(model)
    return {
        "/classify": inference.classify, "/picture": inference.picture, "/layers": inside.layers, "/maps": inside.maps,
        "/outputs": outputs.paths, "/outputs_db": outputs.records, "/view": viewing.view,
    }  # fmt: skip


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
