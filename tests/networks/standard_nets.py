"""Standard networks as tests build them: any state, any kind, without memory unless it is asked for."""

from __future__ import annotations

from math import prod

from digits.caffeproto.filter import filter_net
from digits.caffeproto.text import parse_net
from digits.networks.caffe.build import build
from digits.networks.caffe.definition import CaffeDefinition, State, fill_classes, prepare
from digits.networks.caffe.net import CaffeNet
from digits.networks.caffe.python_layer import python_layers_from
from digits.networks.layers.registry import Phase, Shape
from digits.networks.standard import standard_networks, standard_text


def definition(
    name: str, classes: int = 10, *, size: tuple[int, int] | None = None, channels: int | None = None
) -> CaffeDefinition:
    """A classifier after DIGITS' rules, for pictures of its card's size or of another."""
    card = standard_networks()[name]
    height, width = size or (card.height, card.width)
    return prepare(
        standard_text(name), where=name, num_classes=classes, channels=channels or card.channels,
        height=height, width=width,
    )  # fmt: skip


def built(
    name: str, state: State = "train", *, classes: int = 10, size: tuple[int, int] | None = None, batch: int = 2,
    channels: int | None = None, device: str = "meta",
) -> CaffeNet:  # fmt: skip
    """One state of a network of any kind."""
    card = standard_networks()[name]
    if card.kind != "classification":
        return _built_dense(name, state, size or (card.height, card.width), batch, device)
    made = definition(name, classes, size=size, channels=channels)
    message = {"train": made.train, "val": made.val, "deploy": made.deploy}[state]
    assert message is not None
    shape = tuple(made.deploy.layer[0].input_param.shape[0].dim)[1:]
    inputs: dict[str, Shape] = {"data": (batch, *shape), "label": (batch,)}
    return build(message, inputs, phase="TRAIN" if state == "train" else "TEST", where=name, device=device)


def _built_dense(name: str, state: State, size: tuple[int, int], batch: int, device: str) -> CaffeNet:
    phase: Phase = "TRAIN" if state == "train" else "TEST"
    message = filter_net(parse_net(standard_text(name), where=name).message, phase=phase, stages=[state], where=name)
    message.layer.extend(filled := fill_classes(message.layer, standard_networks()[name].num_classes))
    del message.layer[: len(filled)]
    if state == "deploy":  # DIGITS puts an Input layer there
        message.layer.insert(0, type(message.layer[0])(name="input", type="Input", top=["data"]))
    labels = (1, 3, 16) if name == "detectnet" else (1, *size)
    inputs: dict[str, Shape] = {"data": (batch, 3, *size), "label": (batch, *labels)}
    with python_layers_from():
        return build(message, inputs, phase=phase, where=name, device=device)


def conv(inputs: int, outputs: int, kernel: int, groups: int = 1) -> int:
    """Learned values of a convolution with a bias."""
    return outputs * inputs // groups * kernel**2 + outputs


def conv_norm(inputs: int, outputs: int, *kernel: int, groups: int = 1) -> int:
    """Learned values of a convolution without a bias that a factor and a bias a channel follow."""
    height_width = kernel if len(kernel) == 2 else kernel * 2
    return outputs * inputs // groups * prod(height_width) + 2 * outputs


def linear(inputs: int, outputs: int) -> int:
    """Learned values of a fully connected layer."""
    return inputs * outputs + outputs
