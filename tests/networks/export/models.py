"""Networks to write: standard ones with weights that keep the values alive to the end, the published SqueezeNet, and small ones of a text."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from digits.caffeproto import caffe_pb2
from digits.caffeproto.files import read_weights_file
from digits.caffeproto.filter import filter_net
from digits.caffeproto.text import parse_net, to_text
from digits.caffeproto.upgrade import upgrade_net
from digits.networks.caffe.build import build
from digits.networks.caffe.definition import prepare
from digits.networks.caffe.export.model import ExportModel
from digits.networks.standard import standard_networks, standard_text
from tests.shared import shared

Arrays = Mapping[str, NDArray[Any]]


def of_text(text: str, weights: Arrays | None = None, *, where: str = "deploy.prototxt", **more: Any) -> ExportModel:
    """A network of a text, with the weights given or drawn."""
    net = upgrade_net(parse_net(text, where=where).message, where=where)
    drawn = draw_weights(build(net, {}, phase="TEST", where=where).state()) if weights is None else weights
    return ExportModel(name="small", deploy=net, where=where, weights=drawn, **more)


def standard(name: str) -> ExportModel:
    """A standard network as DIGITS would train it on pictures of its own size, with 10 classes and drawn weights."""
    card = standard_networks()[name]
    if card.kind == "segmentation":
        return _segmenting(name)
    made = prepare(
        standard_text(name), where=name, num_classes=10, channels=card.channels, height=card.height, width=card.width,
        use_mean="none",
    )  # fmt: skip
    both = upgrade_net(parse_net(made.train_val_text, where=name).message)
    shapes = dict.fromkeys(("data",), (2, *made.deploy.layer[0].input_param.shape[0].dim[1:])) | {"label": (2,)}
    trained = build(made.train, shapes, phase="TRAIN", where=name)
    return ExportModel(
        name=name, deploy=made.deploy, where=name, weights=draw_weights(trained.state()), training=both,
        labels=tuple("abcdefghij"),
    )  # fmt: skip


def _segmenting(name: str) -> ExportModel:
    """The layers that answer, for pictures of a middling size."""
    whole = upgrade_net(parse_net(standard_text(name), where=name).message, where=name)
    deploy = filter_net(whole, phase="TEST", stages=("deploy",), where=name)
    deploy.input.append("data")
    deploy.input_shape.add().dim.extend((1, 3, 128, 160))
    return of_text(to_text(deploy), where=name)


def squeezenet() -> ExportModel:
    """The published SqueezeNet 1.0."""
    folder = shared("data", "pretrained")
    text = (folder / "squeezenet_v1.0_deploy.prototxt").read_text()
    return of_text(text, read_weights_file(folder / "squeezenet_v1.0.caffemodel"))


def draw_weights(state: Arrays) -> dict[str, NDArray[np.float32]]:
    """Weights that neither swell nor fade from layer to layer, biases and statistics near what a training makes."""
    rng = np.random.default_rng(8)
    drawn = {}
    for name, blob in state.items():
        if blob.ndim > 1:
            values = rng.normal(0, sqrt(2 / prod(blob.shape[1:])), blob.shape)
        elif blob.size == 1:
            values = np.ones(1)
        else:  # biases, means, variances, factors
            values = (
                rng.uniform(0.5, 1, blob.shape) if name.endswith((":0", ":1", ":3")) else rng.normal(0, 0.1, blob.shape)
            )
        drawn[name] = values.astype(np.float32)
    return drawn


def with_scores(model: ExportModel) -> ExportModel:
    """The network without its last Softmax, which would hide how far scores are apart."""
    deploy = caffe_pb2.NetParameter()
    deploy.CopyFrom(model.deploy)
    del deploy.layer[:]
    deploy.layer.extend(layer for layer in model.deploy.layer if layer.type != "Softmax")
    return replace(model, deploy=deploy)


def pictures(model: ExportModel, count: int = 1) -> dict[str, NDArray[np.float32]]:
    """Inputs as pictures are after the mean was taken off."""
    rng = np.random.default_rng(3)
    return {
        name: rng.uniform(-110, 140, (count, *shape[1:])).astype(np.float32)
        for name, shape in model.input_shapes().items()
    }


def ours(model: ExportModel, inputs: Arrays, *, also: Sequence[str] = ()) -> dict[str, NDArray[Any]]:
    """What the network makes of the inputs here: its outputs, and the blobs ``also``."""
    net = model.build(len(next(iter(inputs.values()))))
    with torch.inference_mode():
        made = net.activations(**{name: torch.from_numpy(array.copy()) for name, array in inputs.items()})
    return {name: made[name].numpy() for name in (*net.outputs, *also)}


def unpacked(archive: Path, folder: Path) -> tuple[Path, Path]:
    """Unpack an archive for Caffe; its deploy file and its weights."""
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
    return folder / "deploy.prototxt", next(folder.glob("*.caffemodel"))
