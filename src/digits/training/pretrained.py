"""A pretrained model's folder: files that came from anywhere, made into what a trained model's folder holds.

Definition, labels, mean, layers in Python, ``model.json``, ``network.json`` and one snapshot: so all that asks a trained model (tests of
pictures, downloads, exports, fine-tuning) asks a pretrained one the same way. A framework brings the two steps that are its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.beginning import PYTHON_LAYERS
from digits.core.errors import DigitsError, WeightsError
from digits.core.events import Emit, Progress, Snapshot, Warned
from digits.core.files import write_json
from digits.core.jobfolder import SNAPSHOT_WEIGHTS, JobFolder
from digits.core.pretrainedspec import IMPORT, PretrainedSpec
from digits.core.work import WorkerSettings
from digits.training.dataset import LABELS_FILE, MEAN_FILE
from digits.training.inference import Predictor
from digits.training.modelfacts import MODEL_FILE, ModelFacts
from digits.training.parts import NETWORK_FILE
from digits.training.run import Network as LoadableNet
from digits.training.snapshots import Facts, write_snapshot

Weights = Mapping[str, NDArray[np.float32]]
_NAMED = 5  # layers that a warning names


@dataclass(frozen=True)
class Network:
    """What a framework makes of a definition."""

    name: str
    net: LoadableNet
    num_classes: int
    """As the definition has them, where nobody gave labels."""
    parameters: int
    layers: Sequence[dict[str, Any]]
    crop_size: int
    data_blob: str
    use_mean: str


@dataclass(frozen=True)
class Intake:
    """A pretrained model on its way in."""

    spec: PretrainedSpec
    folder: JobFolder
    settings: WorkerSettings
    emit: Emit

    def file(self, field: str) -> Path | None:
        """Return the file of a field, None where none came."""
        name: str = getattr(self.spec, field)
        return self.folder.path / name if name else None

    @property
    def size(self) -> tuple[int, int, int]:
        """(channels, height, width) of its pictures."""
        return int(self.spec.image_type), self.spec.height, self.spec.width

    def text(self) -> str:
        """Return the definition.

        Raises:
            DigitsError: it is no text.
        """
        path = self.file("model_def_file")
        assert path is not None, "forms and archives ask for it"
        try:
            return path.read_text("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            raise DigitsError("The definition is no text in UTF-8.", where="model_def_file") from error

    def labels(self) -> list[str]:
        """Return the classes, [] where nobody named them."""
        path = self.file("labels_file")
        if path is None:
            return []
        lines = path.read_text("utf-8-sig", "surrogateescape").splitlines()
        while lines and not lines[-1].strip():
            lines.pop()
        return lines


def take_in(
    intake: Intake,
    read: Callable[[Path], Weights],
    build: Callable[[Intake, int], Network],
    opened: Callable[[JobFolder], Predictor],
) -> dict[str, Any]:
    """Make the folder of a pretrained model and return the job's facts.

    Args:
        intake: what came.
        read: reads weights as the framework's networks name them.
        build: writes the framework's own files into the folder, told the number of labels, and returns the network.
        opened: loads the model as tests of pictures do; it is asked about one picture, so that nothing is kept that cannot answer.

    Raises:
        DigitsError: the files do not hold together, in words.
    """
    spec, folder = intake.spec, intake.folder
    _say(intake, 0, "Reading the weights")
    weights_path = intake.file("weights_file")
    assert weights_path is not None, "forms and archives ask for them"
    weights = read(weights_path)
    if not weights:
        raise WeightsError("The file holds no weights.", where="weights_file")
    labels = intake.labels()
    for field, name in (("mean_file", MEAN_FILE), ("python_layers_file", PYTHON_LAYERS)):
        if path := intake.file(field):
            shutil.copyfile(path, folder.path / name)
    network = build(intake, len(labels))
    weights = _fitted(intake, network, weights)
    channels, height, width = intake.size
    facts = ModelFacts(
        target_kind=spec.target_kind, channels=channels, height=height, width=width, resize_mode=spec.resize_mode,
        seed=spec.noise_seed, use_mean=network.use_mean, crop_size=network.crop_size, data_blob=network.data_blob,
    )  # fmt: skip
    write_json(folder.path / MODEL_FILE, asdict(facts))
    write_json(
        folder.path / NETWORK_FILE,
        {"name": network.name, "parameters": network.parameters, "layers": list(network.layers)},
    )
    at = Facts(step=spec.step, epoch=spec.epoch, seed=0)
    file, size = write_snapshot(folder, at, weights, {})
    labels = _checked_labels(intake, labels or list(map(str, range(network.num_classes))), opened)
    intake.emit(Snapshot(epoch=spec.epoch, step=spec.step, file=file, bytes=size))
    _say(intake, 1, "Done", state="done")
    _keep_once(weights_path, folder.path / file / SNAPSHOT_WEIGHTS)
    return {
        "labels": labels, "parameters": network.parameters, "network": network.name, "origin": spec.origin,
        "image": {"channels": channels, "height": height, "width": width}, "target_kind": spec.target_kind,
        "arrays": len(weights),
    }  # fmt: skip


def _fitted(intake: Intake, network: Network, weights: Weights) -> Weights:
    """Return the weights as the network holds them, with those of layers that only a training has; warn of layers without any.

    Raises:
        WeightsError: an array has another shape than the layer, or none is of this network.
    """
    own = network.net.state()
    if not own.keys() & weights.keys():
        raise WeightsError(
            "None of the weights is of a layer of this definition.", where="weights_file",
            hint=f"The file has {_listed(weights)}; the network has {_listed(own)}.",
        )  # fmt: skip
    try:
        network.net.load_state(weights, partial=True)
    except WeightsError as error:
        hint = error.hint or "Are the weights of this definition, and the labels and sizes right?"
        raise WeightsError(error.message, where="weights_file", hint=hint) from error
    if missing := [name for name in own if name not in weights]:
        intake.emit(
            Warned(
                message=f"There are no weights for {_listed(missing)}.",
                hint="These layers answer by their fillers, which is by chance.",
            )
        )
    return {**weights, **network.net.state()}


def _checked_labels(intake: Intake, labels: list[str], opened: Callable[[JobFolder], Predictor]) -> list[str]:
    """Write the labels and let the model answer once; where nobody gave labels, there are as many as it has answers."""
    _say(intake, 0.7, "Asking it about a picture")
    path = intake.folder.path / LABELS_FILE
    path.write_text("\n".join(labels) + "\n", "utf-8", "surrogateescape")
    predictor = opened(intake.folder)
    facts = predictor.facts
    picture = np.zeros((facts.height, facts.width, facts.channels), np.uint8)
    answers = predictor.classify([picture])
    if answers.ndim != 2:
        return labels  # a map or a list of boxes: its shape does not tell how many classes there are
    count = answers.shape[1]
    if count != len(labels) and intake.file("labels_file"):
        raise DigitsError(
            f"The network answers with {count:,} numbers, and there are {len(labels):,} labels.", where="labels_file",
            hint="Give one label a line, in the order of the training; or none.",
        )  # fmt: skip
    if count != len(labels):
        labels = [str(number) for number in range(count)]
        path.write_text("\n".join(labels) + "\n", "utf-8")
    return labels


def _keep_once(sent: Path, kept: Path) -> None:
    """Put a link to the weights in the place of the file that came: a clone finds them, and the disk holds them once."""
    other = sent.with_name(f".{sent.name}")
    try:
        os.link(kept, other)
        os.replace(other, sent)
    except OSError:
        other.unlink(missing_ok=True)


def _listed(names: Mapping[str, Any] | Sequence[str]) -> str:
    found = list(names)
    return ", ".join(found[:_NAMED]) + (f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else "")


def _say(intake: Intake, share: float, text: str, *, state: str = "running") -> None:
    intake.emit(Progress(task=IMPORT, done=share, total=1, text=text, state="done" if state == "done" else "running"))
