"""A snapshot of a trained Caffe model as a file for others: what the framework's extension names under ``snapshot`` and ``exports``.

Each function takes the model's folder, the snapshot's epoch (None for the newest) and a path without an ending; it writes a file there, with
the format's ending, and returns its path.
"""

from __future__ import annotations

from pathlib import Path

from digits.caffeproto.caffemodel import write_caffemodel
from digits.caffeproto.filter import filter_net
from digits.caffeproto.text import parse_net
from digits.caffeproto.upgrade import upgrade_net
from digits.core.beginning import PYTHON_LAYERS
from digits.core.errors import NotFoundError
from digits.core.files import read_json, write_bytes
from digits.core.jobfolder import JobFolder
from digits.data.mean import read_mean
from digits.networks.caffe.export.formats import write
from digits.networks.caffe.export.model import ExportModel
from digits.networks.caffe.export.preprocessing import Preprocessing, mean_colour
from digits.training.caffe_deploy import DEPLOY_FILE
from digits.training.caffe_transform import answering_param, read_train_val
from digits.training.dataset import LABELS_FILE, MEAN_FILE
from digits.training.modelfacts import MODEL_FILE, ModelFacts
from digits.training.snapshots import find_snapshot, read_facts, read_weights


def snapshot(folder: JobFolder, epoch: float | None, stem: Path) -> Path:
    """Write Caffe's own file of a snapshot: the layers of the training with their weights."""
    weights = read_weights(find_snapshot(folder, epoch))
    path = stem.with_name(f"{stem.name}.caffemodel")
    write_bytes(path, write_caffemodel(filter_net(read_train_val(folder), phase="TRAIN"), weights))
    return path


def caffemodel(folder: JobFolder, epoch: float | None, stem: Path) -> Path:
    """Write an archive that Caffe and OpenCV read."""
    return write("caffemodel", _model(folder, epoch), stem)


def onnx(folder: JobFolder, epoch: float | None, stem: Path) -> Path:
    """Write an ONNX file."""
    return write("onnx", _model(folder, epoch), stem)


def pt2(folder: JobFolder, epoch: float | None, stem: Path) -> Path:
    """Write a file of ``torch.export``."""
    return write("pt2", _model(folder, epoch), stem)


def safetensors(folder: JobFolder, epoch: float | None, stem: Path) -> Path:
    """Write the weights with the network's text."""
    return write("safetensors", _model(folder, epoch), stem)


def _model(folder: JobFolder, epoch: float | None) -> ExportModel:
    """Read a snapshot with all that goes out with it.

    Raises:
        NotFoundError: there is no such snapshot.
        DigitsError: the model's files are not what they were.
    """
    place = find_snapshot(folder, epoch)
    try:
        facts = ModelFacts(**read_json(folder.path / MODEL_FILE))
        text = (folder.path / DEPLOY_FILE).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError("The model has no network yet.", where=str(folder.path)) from error
    training = read_train_val(folder)
    param = answering_param(training)
    mean = read_mean(folder.path / param.mean_file) if param.HasField("mean_file") else mean_colour(param.mean_value)
    names = [LABELS_FILE, PYTHON_LAYERS, *([MEAN_FILE] if param.HasField("mean_file") else [])]
    labels = (folder.path / LABELS_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    return ExportModel(
        name=f"snapshot_iter_{read_facts(place).step}",
        deploy=upgrade_net(parse_net(text, where=DEPLOY_FILE).message, where=DEPLOY_FILE),
        where=DEPLOY_FILE,
        weights=read_weights(place),
        preprocessing=Preprocessing(
            resize_HW=(facts.height, facts.width),
            resize_mode=facts.resize_mode,
            crop_px=param.crop_size,
            mean=mean,
            scale=param.scale,
            whitening=facts.whitening,
        ),
        labels=tuple(labels),
        training=training,
        files={name: folder.path / name for name in names if (folder.path / name).is_file()},
    )
