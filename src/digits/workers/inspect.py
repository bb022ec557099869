"""``python -m digits.workers.inspect <folder> --service <folder>``: answers what must be computed before or beside a job.

What a source holds, how a picture would be stored, what a network is, a snapshot as a file for others. No weights are kept here.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digits.core.errors import DigitsError, NotFoundError
from digits.core.extensions import extension, installed, interpreter, load
from digits.core.work import StopCheck, WorkerSettings
from digits.data.example import pace, resize_example
from digits.data.images import Limits
from digits.workers.apart import EXPORT_S, ask_apart, export
from digits.workers.samples import Samples
from digits.workers.scans import Progress, Scans
from digits.workers.service import Handler, Question, run_service

if TYPE_CHECKING:
    from digits.training.pace import PaceKeeper

MAX_DAMAGED = 1000
NUM_PACED = 12
"""Of a source's samples: as many are prepared to say how long all pictures take."""
NUM_MEASUREMENTS = 5
"""Of the machine's pace: what disturbs one may leave the next alone."""


class Inspector:
    """The questions that need no model."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._samples = Samples()
        self._limits = Limits(max_pixels=settings.max_image_pixels)
        self._runs_python = settings.python_layers
        self._pythons = settings.pythons
        self._spool = Path(settings.spool)
        self._scans = Scans()
        self._tracing = threading.Lock()  # torch traces one network at a time

    def folder(self, question: Question) -> dict[str, Any]:
        """What a source holds; "running" with the number of files so far where that takes longer than a page should wait."""
        asked = {name: question[name] for name in ("path", "source") if name in question}
        inspect = load(extension("datasets", question["extension"]).inspect)

        def look(progress: Progress, stop: StopCheck) -> dict[str, Any]:
            told: dict[str, Any]
            told, samples = inspect(**asked, settings=self._settings, progress=progress, stop=stop)
            own = self._settings
            plan = {"num_threads": own.num_threads, "shard_above": own.shard_above, "shard_images": own.shard_images}
            return told | plan | {"look": self._samples.keep(samples)}

        return self._scans.ask(json.dumps(question, sort_keys=True), look)

    def verify(self, question: Question) -> dict[str, Any]:
        """Whether the records of a dataset are what was written; "running" with the number of those read so far."""
        from digits.data.verify import verify

        def look(progress: Progress, stop: StopCheck) -> dict[str, Any]:
            found = verify(Path(question["folder"]), progress=lambda done, _total: progress(done), stop=stop)
            damaged = [asdict(each) for each in found.damaged[:MAX_DAMAGED]]
            told = {"records": found.records, "content_hash": found.content_hash, "index_whole": found.index_whole}
            return told | {"damaged": damaged, "damaged_count": len(found.damaged)}

        return self._scans.ask(json.dumps(["verify", question], sort_keys=True), look)

    def resize_example(self, question: Question) -> dict[str, Any]:
        """One picture in all resize modes; of a look's pictures with what all of them would take."""
        look, number, mode = question.pop("look", ""), question.pop("sample", 0), question.pop("mode", "squash")
        if not look:
            return resize_example(**question, limits=self._limits)
        samples = self._samples.of(look)
        if not number < len(samples):
            raise NotFoundError("There is no such sample.")
        path = question.pop("path")
        found = resize_example(path, **question, limits=self._limits, data=samples[number].data)
        files = [each.data for each in samples[:: max(1, len(samples) // NUM_PACED)]]
        found["source"]["name"] = samples[number].name
        return found | {"pace": pace(files, **question, mode=mode, limits=self._limits)}

    def network(self, question: Question) -> dict[str, Any]:
        """The table of layers and the graph of a definition, and about how long a picture takes in its training on this CPU."""
        found = self._of_network(question, "describe")
        bytes_a_picture = found["activations_bytes"] / max(1, found["batch_size"])
        return found | {"picture_s": _pace().pace().picture_s(found["multiply_adds"], bytes_a_picture)}

    def copies(self, question: Question) -> dict[str, Any]:
        """Which weights would be copied into which layers of a definition."""
        return self._of_network(question, "copies")

    def to_fcn(self, question: Question) -> dict[str, Any]:
        """A classifier made fully convolutional, with the table of its factors and the proof of its equality."""
        framework = extension("frameworks", question["framework"])
        if not framework.to_fcn:
            raise DigitsError(
                f"{framework.title} networks cannot be made fully convolutional here.", hint="Caffe's and Torch's can."
            )
        return self._of_network(question, "to_fcn")

    def _of_network(self, question: Question, what: str) -> dict[str, Any]:
        """Ask the framework; where a definition may run code of a user's, in a process that ends with the answer."""
        framework = extension("frameworks", question.pop("framework"))
        if not question.get("text"):
            question["text"] = load(framework.standard)(question.pop("standard", ""))
        if framework.library:
            question |= {"runs": self._runs_python}
            return ask_apart(getattr(framework, what), question, python=interpreter(framework.name, self._pythons))
        if (
            framework.is_own
        ):  # the definition itself is code: one of a user's runs apart, and where it may not, is refused
            question["runs"] = self._runs_python
            if self._runs_python and not load(framework.is_own)(question["text"]):
                return ask_apart(getattr(framework, what), question)
        elif self._runs_python and '"Python"' in question["text"]:
            return ask_apart(getattr(framework, what), question)
        question.pop("python_source", None)
        found: dict[str, Any] = load(getattr(framework, what))(question)
        return found

    def augmentation(self, question: Question) -> dict[str, Any]:
        """Pictures of a dataset as a training with some augmentation might see them."""
        from digits.training.augmentpreview import preview

        return preview(question)

    def export(self, question: Question) -> dict[str, Any]:
        """A snapshot as a file in the spool: the framework's own, or with "format" one for others. Who asked removes it."""
        framework, name = extension("frameworks", question["framework"]), question.get("format", "")
        if name and name not in framework.exports:
            raise DigitsError(f"There is no format {name!r}.", hint=f"Formats: {', '.join(framework.exports)}.")
        self._spool.mkdir(parents=True, exist_ok=True, mode=0o700)
        stem = self._spool / f"export-{uuid.uuid4().hex}"
        asked = question | {"write": framework.exports[name] if name else framework.snapshot, "stem": str(stem)}
        if framework.library and name:
            python = interpreter(framework.name, self._pythons)
            return ask_apart("digits.workers.apart:export", asked, python=python, most_s=EXPORT_S)
        with self._tracing if name else nullcontext():
            return dict(export(asked))


def setup(settings: WorkerSettings) -> Mapping[str, Handler]:
    """Return the questions; what draws and measures networks is loaded meanwhile, as torch takes seconds."""
    threading.Thread(target=_warm_up, daemon=True).start()
    inspector = Inspector(settings)
    return {
        "/folder": inspector.folder,
        "/verify": inspector.verify,
        "/resize-example": inspector.resize_example,
        "/network": inspector.network,
        "/copies": inspector.copies,
        "/to-fcn": inspector.to_fcn,
        "/augmentation": inspector.augmentation,
        "/export": inspector.export,
    }


def _warm_up() -> None:
    time.sleep(0.5)  # a first question about a folder comes first
    for framework in installed("frameworks").values():
        if framework.library:  # it runs in processes of its own
            continue
        try:
            load(framework.describe)
        except (ImportError, DigitsError) as error:  # said again, to whoever asks for it
            sys.stderr.write(f"{framework.name} cannot be loaded: {error}\n")
    for _ in range(NUM_MEASUREMENTS):
        _pace().measure()
        time.sleep(0.2)


@cache
def _pace() -> PaceKeeper:
    from digits.training.pace import PaceKeeper

    return PaceKeeper()


def main() -> int:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="digits.workers.inspect")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--service", type=Path, required=True)
    arguments = parser.parse_args()
    settings = WorkerSettings.from_environment()
    return run_service(arguments.service, lambda: setup(settings), settings.inference_idle_s)


if __name__ == "__main__":
    sys.exit(main())
