"""Caffe weights and a prototxt made into a model's folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from digits.caffeproto.files import read_weights_file
from digits.caffeproto.text import parse_net
from digits.caffeproto.upgrade import upgrade_net
from digits.core.errors import DigitsError, NetworkError
from digits.core.events import Warned
from digits.core.files import write_text
from digits.core.jobfolder import JobFolder
from digits.networks.caffe import data_layers
from digits.networks.caffe import definition as rules
from digits.networks.caffe.definition import CaffeDefinition
from digits.networks.caffe.heads import heads, output_param
from digits.training.caffe_deploy import DEPLOY_FILE, open_deploy, python_layers_of
from digits.training.caffe_predictor import open_predictor
from digits.training.caffe_trainer import ORIGINAL_FILE
from digits.training.caffe_transform import TRAIN_VAL_FILE, answering_param
from digits.training.dataset import MEAN_FILE, Mean
from digits.training.devices import choose_device
from digits.training.inference import Predictor
from digits.training.mean import mean_of
from digits.training.pretrained import Intake, Network, take_in


def take(intake: Intake) -> dict[str, Any]:
    """Take a Caffe model in and return the job's facts.

    Raises:
        DigitsError: the files do not hold together, in words.
    """
    with python_layers_of(intake.folder, allowed=intake.settings.python_layers):
        return take_in(intake, read_weights_file, _build, _opened)


def _opened(folder: JobFolder) -> Predictor:
    return open_predictor(folder, None, "cpu")


def _build(intake: Intake, num_labels: int) -> Network:
    """Apply DIGITS' rules to the definition, and write the files that a training would have written."""
    made = _prepared(intake, num_labels)
    for warning in made.warnings:
        intake.emit(Warned(message=warning))
    folder = intake.folder
    texts = {ORIGINAL_FILE: made.original_text, TRAIN_VAL_FILE: made.train_val_text, DEPLOY_FILE: made.deploy_text}
    for name, text in texts.items():
        write_text(folder.path / name, text)
    net = open_deploy(folder, choose_device("cpu"))
    param = data_layers.data_layer_of(made.train).transform_param
    return Network(
        name=net.name,
        net=net,
        num_classes=num_labels or _num_outputs(intake.text()),
        parameters=net.num_parameters,
        layers=[asdict(each) for each in net.layers],
        crop_size=made.crop_size or 0,
        data_blob=made.deploy.layer[0].top[0],
        use_mean="image" if param.HasField("mean_file") else "pixel" if param.mean_value else "none",
    )


def _prepared(intake: Intake, num_labels: int) -> CaffeDefinition:
    text = intake.text()
    channels, height, width = intake.size
    told = _told(intake)
    try:
        return rules.prepare(
            text, where=ORIGINAL_FILE, num_classes=num_labels or _num_outputs(text), channels=channels, height=height,
            width=width, crop_size=told.crop_size, use_mean=told.use_mean, mean_values=told.mean_values,
            mean_file=MEAN_FILE, target_kind=intake.spec.target_kind,
        )  # fmt: skip
    except NetworkError as error:
        raise NetworkError(f"Bad network: {error.message}", where=error.where, hint=error.hint) from error


@dataclass(frozen=True)
class _Told:
    """What happens to pictures first."""

    crop_size: int | None
    use_mean: Mean
    mean_values: tuple[float, ...]


def _told(intake: Intake) -> _Told:
    """Return what an archive's ``train_val.prototxt`` says of crop and mean, else what the form says."""
    spec, path = intake.spec, intake.file("train_val_file")
    if path is None:
        mean = mean_of(intake.folder.path / MEAN_FILE, spec.use_mean)
        values = mean.flatten().tolist() if mean is not None and spec.use_mean == "pixel" else ()
        return _Told(spec.crop_size, spec.use_mean, tuple(values))
    text = path.read_text("utf-8", "replace")
    param = answering_param(upgrade_net(parse_net(text, where=TRAIN_VAL_FILE).message, where=TRAIN_VAL_FILE))
    use_mean: Mean = "image" if param.HasField("mean_file") else "pixel" if param.mean_value else "none"
    if use_mean == "image" and intake.file("mean_file") is None:
        raise DigitsError(
            "train_val.prototxt takes a mean picture off, and there is none.", where="mean_file", hint="Add mean.binaryproto."
        )  # fmt: skip
    return _Told(param.crop_size or None, use_mean, tuple(param.mean_value))


def _num_outputs(text: str) -> int:
    """Return how many classes a definition answers with, as far as it says so; of labels that nobody gave."""
    net = upgrade_net(parse_net(text, where=ORIGINAL_FILE).message, where=ORIGINAL_FILE)
    counts = [param.num_output for layer in heads(net.layer) if (param := output_param(layer)) and param.num_output]
    if counts:
        return int(counts[-1])
    raise NetworkError(
        "The definition does not say how many classes there are, and there are no labels.", where=ORIGINAL_FILE,
        hint="Give the labels, or a num_output to the last layer.",
    )  # fmt: skip
