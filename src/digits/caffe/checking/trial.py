"""A network is built, and runs forward and backward once, on random data."""

from __future__ import annotations

import torch
from torch import Tensor

from digits.caffe.checking.findings import Finding
from digits.caffe.checking.sizes import candidates
from digits.caffe.checking.standins import with_stand_ins
from digits.caffe.definitions import Definition
from digits.caffeproto import caffe_pb2
from digits.core.errors import DigitsError, NetworkError
from digits.networks.caffe.build import build
from digits.networks.caffe.memory import check_memory
from digits.networks.caffe.net import CaffeNet
from digits.networks.caffe.python_layer import python_layers_from
from digits.networks.layers.registry import Phase, Shape

_NUMBERED = {("SoftmaxWithLoss", 1), ("Accuracy", 1), ("HingeLoss", 1), ("InfogainLoss", 1),
             ("MultinomialLogisticLoss", 1), ("Embed", 0), ("BatchReindex", 1), ("ContrastiveLoss", 2)}  # fmt: skip
"""Bottoms that hold numbers of classes or rows: 0 is always one."""
_MOST_WORK = 2e12  # a hundred pictures through VGG-16


def trial(definition: Definition, phase: Phase) -> list[Finding]:
    """Return why the network of one state does not build and run; notes alone if it does."""
    with python_layers_from(*definition.folders.all):
        definition, notes = with_stand_ins(definition)
        try:
            shapes = _fitting(definition, phase)
            net = build(definition.message, shapes, phase=phase, where=definition.where)
            _run(net, definition.message)
        except DigitsError as error:
            return [Finding.of(error, file=definition.where)]
        except (RuntimeError, IndexError, ValueError, MemoryError) as error:
            first = str(error).strip().partition("\n")[0]
            return [Finding(definition.where, f"It builds for {phase} and does not run: {first}.")]
    return notes


def _fitting(definition: Definition, phase: Phase) -> dict[str, Shape]:
    """Return the first shapes of the data with which the network builds.

    Raises:
        NetworkError: there are none; the words are those of the try that came furthest.
    """
    tries: list[DigitsError] = []
    for shapes in candidates(definition, phase):
        try:
            net = build(definition.message, shapes, phase=phase, where=definition.where, device="meta")
        except DigitsError as error:
            tries.append(error)
            continue
        _check_work(net, definition)
        check_memory(
            2 * (net.num_parameters + net.num_values), where=definition.where, what="One pass forward and backward takes",
            hint="It builds; it was not run.",
        )  # fmt: skip
        return shapes
    raise max(tries, key=_line)


def _line(error: DigitsError) -> int:
    """Return the line that an error names; 0 where it names none."""
    last = error.where.rpartition(":")[2]
    return int(last) if last.isdecimal() else 0


def _check_work(net: CaffeNet, definition: Definition) -> None:
    """Do nothing if the network can be tried in seconds or minutes.

    Raises:
        NetworkError: it would take hours.
    """
    work = sum(row.multiply_adds * max(1, *(shape[0] for shape in row.output_shapes if shape), 1) for row in net.layers)
    if work > _MOST_WORK:
        words = f"One pass takes {work:.1e} multiplications of weights; {_MOST_WORK:.0e} are the most that is tried."
        raise NetworkError(words, where=definition.where, hint="It builds; it was not run.")


def _run(net: CaffeNet, message: caffe_pb2.NetParameter) -> None:
    chance = torch.Generator().manual_seed(0)
    numbered = {
        layer.bottom[index]
        for layer in message.layer
        for type_, index in _NUMBERED
        if layer.type == type_ and len(layer.bottom) > index
    }
    inputs: dict[str, Tensor] = {}
    for name, shape in net.input_shapes.items():
        if name not in net.fillers:
            is_number = name in numbered or (len(shape) == 1 and "label" in name)
            inputs[name] = torch.zeros(shape) if is_number else torch.rand(shape, generator=chance)
    outputs = net(**inputs)
    if net.losses:
        total = net.total_loss(outputs)
    else:
        total = sum((outputs[name].sum() for name in net.outputs), torch.zeros(()))
    if total.requires_grad:
        torch.autograd.backward(total)
