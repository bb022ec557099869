"""``digits caffe test``: the means of a network's outputs over some batches, with real Caffe's lines."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from digits.caffe.commands.train import choose_device
from digits.caffe.definitions import State, read_net
from digits.caffe.fed import FedNet
from digits.caffeproto import caffe_pb2
from digits.caffeproto.files import read_weights_file
from digits.core.errors import NetworkError
from digits.networks.caffe.copying import copy_by_name
from digits.training.caffelog import CaffeLog


def measure(
    model: Path, *, weights: Sequence[Path], iterations: int, state: State, gpu: str = "", seed: int | None = None
) -> dict[str, float]:
    """Run ``iterations`` batches through the network in a file, and return the means of its outputs.

    Raises:
        DigitsError: the network, its weights or its data cannot be used.
    """
    log = CaffeLog(sys.stderr)
    device = choose_device(gpu, caffe_pb2.SolverParameter.CPU, 0, log)
    fed = FedNet(read_net(model).only(state), state.phase, seed=seed, device=device)
    try:
        files = [(str(path), read_weights_file(path)) for path in weights]
        for row in copy_by_name(fed.net, files):
            if row.outcome != "copied":
                log.say(f"Layer {row.layer}: {row.words}")
        return _measure(fed, iterations, log)
    finally:
        fed.close()


def _measure(fed: FedNet, iterations: int, log: CaffeLog) -> dict[str, float]:
    if not fed.net.outputs:
        raise NetworkError("The network has no output to measure.", where=fed.definition.where)
    log.say(f"Running for {iterations} iterations.")
    sums: dict[str, Tensor] = {}
    loss = torch.zeros((), dtype=torch.float64)
    for number in range(iterations):
        passed = fed.measure()
        for name, value in passed.values:
            log.say(f"Batch {number}, {name} = {value:.6g}")
        for name, blob in passed.outputs:
            total = blob.detach().cpu().to(torch.float64)
            sums[name] = sums[name] + total if name in sums else total
        loss += passed.loss.detach().cpu()
    log.say(f"Loss: {loss.item() / iterations:.6g}")
    means: dict[str, float] = {}
    for name, total in sums.items():
        for index, value in enumerate((total / iterations).flatten().tolist()):
            weight = fed.net.losses.get(name, 0.0)
            words = f" (* {weight:g} = {weight * value:.6g} loss)" if weight else ""
            log.say(f"{name} = {value:.6g}{words}")
            means[name if total.numel() == 1 else f"{name}[{index}]"] = value
    return means
