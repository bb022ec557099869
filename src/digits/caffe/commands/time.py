"""``digits caffe time``: how long each layer takes forward and backward, and the whole network, in real Caffe's table.

The layers' times are of the layers one by one; the network's are of its graph as it trains, which is faster than their sum.
"""

from __future__ import annotations

import sys
import time as clock
from pathlib import Path

import torch
from torch import Tensor

from digits.caffe.commands.train import choose_device, say_net
from digits.caffe.definitions import State, read_net
from digits.caffe.fed import FedNet
from digits.caffe.net import Net
from digits.caffeproto import caffe_pb2
from digits.training import devices
from digits.training.caffelog import CaffeLog

_LAYER_ITERATIONS = 10  # at most: the layers one by one are there to compare, not to be measured to the last digit


def time(model: Path, *, iterations: int, state: State, gpu: str = "") -> dict[str, float]:
    """Measure the network in a file, and return milliseconds: "forward", "backward", "forward_backward".

    Raises:
        DigitsError: the network or its data cannot be used.
    """
    log = CaffeLog(sys.stderr)
    device = choose_device(gpu, caffe_pb2.SolverParameter.CPU, 0, log)
    definition = read_net(model).only(state)
    fed = FedNet(definition, state.phase, seed=1, device=device)
    say_net(fed, log)
    with devices.denormals_flushed():
        inputs = _inputs(fed)
        log.say("Performing Forward")
        outputs = fed.net(**inputs)
        loss = fed.net.total_loss(outputs).item() if fed.net.losses else 0.0
        log.say(f"Initial loss: {loss:.6g}")
        log.say("*** Benchmark begins ***")
        log.say(f"Testing for {iterations} iterations.")
        forward, backward, whole = _graph(fed, inputs, iterations, log)
        fed.close()
        layers = _layers(Net.of(definition, 0 if state.phase == "TRAIN" else 1), min(iterations, _LAYER_ITERATIONS))
    log.say("Average time per layer: ")
    for name, ahead, back in layers:
        log.say(f"{name:>10}\tforward: {ahead:.6g} ms.")
        log.say(f"{name:>10}\tbackward: {back:.6g} ms.")
    log.say(f"Average Forward pass: {forward:.6g} ms.")
    log.say(f"Average Backward pass: {backward:.6g} ms.")
    log.say(f"Average Forward-Backward: {whole:.6g} ms.")
    log.say(f"Total Time: {whole * iterations:.6g} ms.")
    log.say("*** Benchmark ends ***")
    return {"forward": forward, "backward": backward, "forward_backward": whole}


def _inputs(fed: FedNet) -> dict[str, Tensor]:
    """Return one batch; inputs that nothing feeds are random."""
    chance = torch.Generator().manual_seed(1)
    blobs = fed.batch()
    for name, shape in fed.net.input_shapes.items():
        if name not in blobs and name not in fed.net.fillers:
            blobs[name] = torch.rand(shape, generator=chance).to(fed.device)
    return blobs


def _graph(fed: FedNet, inputs: dict[str, Tensor], iterations: int, log: CaffeLog) -> tuple[float, float, float]:
    """Return the mean milliseconds of a forward and of a backward pass of the graph, and of both."""

    def both() -> tuple[float, float]:
        began = _now(fed.device)
        outputs = fed.net(**inputs)
        between = _now(fed.device)
        if fed.net.losses:
            total = fed.net.total_loss(outputs)
        else:
            total = sum((outputs[name].sum() for name in fed.net.outputs), torch.zeros((), device=fed.device))
        if total.requires_grad:
            torch.autograd.backward(total)
        ended = _now(fed.device)
        for parameter in fed.net.parameters:
            parameter.tensor.grad = None
        return between - began, ended - between

    both()  # memory is taken, and kernels are chosen, in the first pass
    forward = backward = 0.0
    for number in range(iterations):
        ahead, back = both()
        forward, backward = forward + ahead, backward + back
        log.say(f"Iteration: {number + 1} forward-backward time: {1000 * (ahead + back):.4g} ms.")
    return 1000 * forward / iterations, 1000 * backward / iterations, 1000 * (forward + backward) / iterations


def _layers(net: Net, iterations: int) -> list[tuple[str, float, float]]:
    """Return each layer's name and its mean milliseconds forward and backward, on the processor."""
    names = [layer.name for layer in net.layers]
    ahead, back = [0.0] * len(names), [0.0] * len(names)
    for number in range(-1, iterations):  # the first round takes memory and counts for nothing
        for seconds, order, go in (
            (ahead, range(len(names)), net.forward_layer),
            (back, reversed(range(len(names))), net.backward_layer),
        ):
            for index in order:
                began = clock.perf_counter()
                go(index)
                seconds[index] += clock.perf_counter() - began if number >= 0 else 0.0
    return [
        (name, 1000 * one / iterations, 1000 * other / iterations)
        for name, one, other in zip(names, ahead, back, strict=True)
    ]


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    return clock.perf_counter()
