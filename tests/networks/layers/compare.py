"""Runs a definition in torch, in double precision, and by the formulas of ``tests.reference.numpy_caffe``, and compares all there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch

from digits.caffeproto.filter import filter_net
from digits.caffeproto.text import parse_net
from digits.networks.caffe.build import build
from digits.networks.caffe.net import CaffeNet
from digits.networks.layers.registry import Phase
from tests.reference.numpy_caffe import Array, Reference

STEP = 1e-6


def assert_like_formulas(
    text: str,
    given: Mapping[str, Array] | None = None,
    *,
    phase: Phase = "TEST",
    seed: int = 0,
    kept: Iterable[str] = (),
) -> dict[str, Array]:
    """Check blobs and gradients of a definition; return the blobs.

    Args:
        text: the definition.
        given: inputs that must be what they are, as labels; no gradient is checked there. The others are drawn.
        phase: TRAIN or TEST.
        seed: of what is drawn.
        kept: parameters, by "layer:i", that stay as their filler made them; the others are drawn.
    """
    draw, given = np.random.default_rng(seed), given or {}
    message = filter_net(parse_net(text, where="test.prototxt").message, phase=phase)
    net = build(message, {}, phase=phase, where="test.prototxt")
    params = {name: _drawn(draw, name, array, net) for name, array in net.state().items()}
    params |= {name: net.state()[name].astype(np.float64) for name in kept}
    reference = Reference(message, params, phase)
    for layer in message.layer:  # what is shared has its owner's values
        for index in range(len(layer.param)):
            if (name := f"{layer.name}:{index}") in params:
                params[name] = params[reference.owner(layer, index)].reshape(params[name].shape)
    net.module.double()
    net.load_state(params)
    _load_exactly(net, params)
    drawn = {name: draw.normal(size=net.input_shapes[name]) for name in net.inputs if name not in given}
    inputs = drawn | {name: np.asarray(values, np.float64) for name, values in given.items()}

    tensors = {name: torch.tensor(values, requires_grad=name in drawn) for name, values in inputs.items()}
    blobs = net.activations(**tensors)
    expected, losses, read = reference.run(inputs)
    made = {name: blob.detach().numpy() for name, blob in blobs.items()}
    for name, values in expected.items():
        assert made[name].shape == values.shape, name
        np.testing.assert_allclose(made[name], values, rtol=1e-6, atol=1e-9, err_msg=name)

    pulls = {name: draw.normal(size=made[name].shape) for name in net.outputs if not losses}
    if losses:
        total = net.total_loss(blobs)
    else:
        total = sum((blobs[name] * torch.tensor(pull)).sum() for name, pull in pulls.items())  # type: ignore[assignment] # a sum of tensors
    if not (isinstance(total, torch.Tensor) and total.requires_grad and total.isfinite()):
        return made
    torch.autograd.backward(total)

    def run(inputs: Mapping[str, Array]) -> float:
        blobs, losses, _ = reference.run(inputs, frozen=read)
        return float(sum(losses.values()) if losses else sum((blobs[n] * pull).sum() for n, pull in pulls.items()))

    for name in drawn:
        gradient = _numpy(tensors[name].grad, inputs[name])
        _assert_slope(lambda array: run(inputs | {name: array}), inputs[name], gradient, draw, name)  # noqa: B023 - called at once
    for parameter in net.parameters:
        if not parameter.tensor.requires_grad:
            continue
        name, before = parameter.name, params[parameter.name]

        def run_with(array: Array) -> float:
            reference.params[name] = array  # noqa: B023 - called at once
            return run(inputs)

        _assert_slope(run_with, before, _numpy(parameter.tensor.grad, before), draw, name)
        reference.params[name] = before
    return made


def _drawn(draw: np.random.Generator, name: str, array: Array, net: CaffeNet) -> Array:
    """Return values for a parameter blob; a BatchNorm's are such as it could hold."""
    types = {info.name: info.type for info in net.layers}
    layer, _, index = name.rpartition(":")
    if types[layer] == "BatchNorm" and index in ("1", "2"):
        count = sum(other.rpartition(":")[0] == layer for other in net.blobs)
        is_factor = index == "2"
        return np.full(array.shape, 1.0 if count == 5 else 1.5) if is_factor else draw.uniform(0.5, 2, array.shape)
    return draw.normal(scale=0.5, size=array.shape)


def _load_exactly(net: CaffeNet, params: Mapping[str, Array]) -> None:
    """Put double values in; weight files hold single ones."""
    with torch.no_grad():
        for parameter in net.parameters:
            parameter.tensor.copy_(torch.tensor(params[parameter.name]))


def _numpy(gradient: torch.Tensor | None, like: Array) -> Array:
    return np.zeros(like.shape) if gradient is None else gradient.numpy()


def _assert_slope(run: object, at: Array, gradient: Array, draw: np.random.Generator, name: str) -> None:
    """Check a gradient along two directions against the difference of two runs close by."""
    assert callable(run)
    for _ in range(2):
        direction = draw.normal(size=at.shape)
        difference = (run(at + STEP * direction) - run(at - STEP * direction)) / (2 * STEP)
        along = float((gradient * direction).sum())
        scale = float(np.abs(gradient * direction).sum())
        rounding = 1e-9 * abs(run(at))  # of the difference of two numbers of this size
        assert abs(along - difference) <= 1e-6 * scale + 1e-7 + rounding, (
            f"{name}: {along} and {difference} along a direction"
        )
