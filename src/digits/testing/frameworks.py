"""What a framework has to hold: it describes, trains, saves, stops, goes on and answers, in worker processes."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from digits.core.errors import DigitsError
from digits.core.events import Done, Snapshot, Stopped
from digits.core.extensions import FrameworkExtension, extension, interpreter, load
from digits.core.jobfolder import JobFolder
from digits.core.metrics import series_names
from digits.core.trainspec import CustomNetwork, TrainSpec
from digits.core.work import WorkerSettings
from digits.testing.promises import check_import, check_name, holds, last, run_again, run_worker

SIDE_PX, PER_CLASS = 20, 30
CLASSES = ("dark", "light")
_EPOCHS = 2


def check_framework(name: str, network: str, folder: Path, *, broken: str = "") -> JobFolder:
    """Hold the installed framework ``name`` against everything that the product relies on.

    Args:
        name: of its entry point in ``digits.frameworks``.
        network: a network of its language for grey pictures of 20 x 20 and two classes that anything learns: dark and light.
        folder: where job folders may be made.
        broken: a text that ``describe`` must refuse in words.

    Returns:
        The model that was trained, for tests of one's own.

    Raises:
        AssertionError: a promise is broken; the words say which.
        NotFoundError: no extension of that name is installed.
    """
    kind: FrameworkExtension = extension("frameworks", name)
    check_name(kind.name, kind.title)
    holds(kind.name == name, "The entry point is called as the extension.", f"{name} and {kind.name}")
    dataset = _dataset(folder)
    spec = TrainSpec(
        dataset=dataset.id, name="conformance", framework=name, network=CustomNetwork(text=network), train_epochs=_EPOCHS,
        batch_size=10, learning_rate=0.01, use_mean="none", random_seed=1, device="cpu",
    )  # fmt: skip
    settings, python = WorkerSettings(device="cpu", python_layers=True), interpreter(name, {})

    def train(*, stopped: bool = False) -> JobFolder:
        job, events = run_worker(
            folder, "train", kind="model", extension=name, spec=spec, depends_on=dataset.id, settings=settings,
            stopped=stopped, python=python,
        )  # fmt: skip
        end = last(job, events)
        holds(isinstance(end, Stopped if stopped else Done), "A training ends as it was asked to.", end)
        return job

    model = train()
    series = series_names(model.metrics)
    for wanted in ("lr", "/train", "/val"):
        holds(any(each.endswith(wanted) for each in series), f"A training draws a curve {wanted!r}.", sorted(series))
    holds(len(model.snapshot_folders()) == _EPOCHS, "There is a snapshot each epoch.", len(model.snapshot_folders()))

    halted = train(stopped=True)
    halted.stop_file.unlink()
    halted.note("resume", changes={})
    events = run_again(halted, settings=settings, python=python)
    holds(isinstance(last(halted, events), Done), "A training that was stopped goes on when it is resumed.", events[-1])
    told = [event for event in events if isinstance(event, Snapshot)]
    holds(bool(told), "A snapshot is told when it is there.")
    if not kind.library:  # else it answers in an interpreter of its own
        _check_declaration(kind)
        _check_described(kind, network, broken)
        _check_answers(kind, model, settings)
    return model


def _check_declaration(kind: FrameworkExtension) -> None:
    check_import(kind.check.rpartition(".")[0])
    for reference in (kind.check, kind.describe, kind.trainer, kind.predictor, kind.standard, kind.refit, kind.copies):
        holds(callable(load(reference)), "What is named as module:attribute is there.", reference)


def _check_answers(kind: FrameworkExtension, model: JobFolder, settings: WorkerSettings) -> None:
    given = settings.to_environment()
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)  # as the service that answers gets them
    try:
        predictor = load(kind.predictor)(model, None, "cpu")
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    pictures = [np.full((SIDE_PX, SIDE_PX, 1), shade, np.uint8) for shade in (20, 235)]
    scores = predictor.classify(pictures)
    holds(scores.shape == (2, len(CLASSES)), "A predictor gives a row of scores for each picture.", scores.shape)
    alone = predictor.classify(pictures[1:])
    same = bool(np.allclose(scores[1], alone[0], atol=1e-5))
    holds(same, "What a picture is answered does not hang on the others.", f"{scores[1]}, {alone[0]}")


def _check_described(kind: FrameworkExtension, network: str, broken: str) -> None:
    question = {"channels": 1, "height": SIDE_PX, "width": SIDE_PX, "num_classes": len(CLASSES), "runs": True}
    describe = load(kind.describe)
    found = describe(question | {"text": network})
    holds(bool(found["layers"]), "A network is described by a table of its layers.")
    if not broken:
        return
    try:
        describe(question | {"text": broken})
    except DigitsError as error:
        holds(bool(error.message.strip()), "A network that is wrong is refused in words.")
    else:
        raise AssertionError("A network that is wrong is refused.")


def _dataset(folder: Path) -> JobFolder:
    """Build a small dataset of grey squares, dark or light."""
    chance, pictures = np.random.default_rng(5), folder / "pictures"
    for label, shade in zip(CLASSES, (40, 215), strict=True):
        (pictures / label).mkdir(parents=True, exist_ok=True)
        for number in range(PER_CLASS):
            noise = chance.normal(shade, 20, (SIDE_PX, SIDE_PX)).clip(0, 255).astype(np.uint8)
            cv2.imwrite(str(pictures / label / f"{number}.png"), noise)
    kind = extension("datasets", "image-classification")
    spec = kind.spec.model_validate(
        {
            "name": "conformance",
            "resize_width": SIDE_PX,
            "resize_height": SIDE_PX,
            "resize_channels": 1,
            "source": {"method": "folder", "train": str(pictures), "pct_val": 20},
            "random_seed": 1,
        }
    )
    job, events = run_worker(
        folder, "build", kind="dataset", extension=kind.name, spec=spec, tasks=tuple(load(kind.tasks)(spec))
    )
    holds(isinstance(last(job, events), Done), "The dataset to train on is built.", events[-1])
    return job
