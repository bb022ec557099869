"""``digits caffe forward``: one pass of a network on given arrays, and everything it made, by name in a file.

Keys: ``param:<layer>:<i>`` before the pass, ``blob:<name>`` (after the last layer that writes it), ``param_after:<layer>:<i>`` of those that
the pass changed, and with gradients ``topdiff:<name>`` (what was put in at the outputs of a network without a loss),
``dinput:<name>`` (where it is not 0) and ``dparam:<layer>:<i>``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.caffe.arrayfiles import load_arrays, save_arrays
from digits.caffe.definitions import State, read_net
from digits.caffe.fed import FedNet
from digits.caffeproto import caffe_pb2
from digits.caffeproto.files import read_weights_file
from digits.core.errors import NetworkError
from digits.networks.caffe.copying import copy_by_name
from digits.networks.caffe.memory import check_memory
from digits.networks.caffe.net import CaffeNet

Arrays = dict[str, NDArray[Any]]


def forward(
    net: Path,
    *,
    weights: Iterable[Path],
    inputs: Path,
    output: Path,
    state: State,
    gradients: bool = False,
    passes: int = 1,
    seed: int | None = None,
) -> list[str]:
    """Run the network of a file and write what it made; return what there is to say about it.

    Raises:
        DigitsError: the network, the weights or the arrays cannot be used.
    """
    definition = read_net(net).only(state)
    given = load_arrays(inputs)
    blobs = {name: array for name, array in given.items() if not name.startswith("topdiff:")}
    diffs = {name.partition(":")[2]: array for name, array in given.items() if name.startswith("topdiff:")}
    if seed is not None:
        torch.manual_seed(seed)
    fed = FedNet(definition, state.phase, seed=seed, sizes={name: array.shape for name, array in blobs.items()})
    held = fed.net.num_values * (2 if gradients else 1) + 2 * fed.net.num_parameters
    check_memory(held, where=str(net), what="Its blobs take")
    notes = [f"The network has no input {name!r}." for name in blobs if name not in fed.net.inputs]
    files = [(str(path), read_weights_file(path)) for path in weights]
    if files:
        rows = copy_by_name(fed.net, files)
        notes += [f"{row.layer}: {row.words}" for row in rows if row.outcome != "copied"]
    save_arrays(output, run(fed, blobs, diffs, gradients=gradients, passes=passes))
    return notes


def run(
    fed: FedNet, blobs: Mapping[str, NDArray[Any]], diffs: Mapping[str, NDArray[Any]], *, gradients: bool, passes: int
) -> Arrays:
    """Return everything that ``passes`` passes made, under its key."""
    net, before = fed.net, fed.net.state()
    tensors = fed.batch() | {name: torch.from_numpy(array) for name, array in blobs.items() if name in fed.net.inputs}
    definition = fed.definition.message
    wanted = tensors.keys() if definition.force_backward else tensors.keys() & _asked_for(definition)
    for name in wanted if gradients else ():
        tensors[name].requires_grad_()
    made = dict[str, Tensor]()
    with torch.set_grad_enabled(gradients):
        for _ in range(passes):
            made = net.activations(**tensors)
    arrays: Arrays = {f"param:{name}": array for name, array in before.items()}
    hidden = {*net.inputs, *(net.losses.keys() - {top for layer in net.layers for top in layer.tops})}
    arrays |= {f"blob:{name}": blob.detach().numpy() for name, blob in made.items() if name not in hidden}
    after = net.state()
    arrays |= {f"param_after:{name}": array for name, array in after.items() if not _equal(array, before[name])}
    if gradients:
        arrays |= _backward(net, made, diffs)
        found = {name: tensor.grad for name, tensor in tensors.items() if tensor.grad is not None and tensor.grad.any()}
        arrays |= {f"dinput:{name}": gradient.numpy() for name, gradient in found.items()}
        arrays |= {f"dparam:{name}": array for name, array in net.gradients().items()}
    return arrays


def _asked_for(net: caffe_pb2.NetParameter) -> set[str]:
    """Return the blobs whose one reader says ``propagate_down: true``; where there are several, Caffe's own Split does not hear them."""
    readers = [
        (name, index < len(layer.propagate_down) and layer.propagate_down[index])
        for layer in net.layer
        for index, name in enumerate(layer.bottom)
    ]
    count = Counter(name for name, _ in readers)
    return {name for name, asks in readers if asks and count[name] == 1}


def _backward(net: CaffeNet, made: Mapping[str, Tensor], diffs: Mapping[str, NDArray[Any]]) -> Arrays:
    """Send the losses back, and what is given for outputs; ones into every output if there is neither. Return what was put in."""
    injected = {name: np.asarray(array, np.float32) for name, array in diffs.items()}
    for name, array in injected.items():
        if name not in net.outputs or array.shape != tuple(made[name].shape):
            shapes = ", ".join(f"{each} {tuple(made[each].shape)}" for each in net.outputs)
            raise NetworkError(f"There is no output {name!r} of shape {array.shape}.", hint=f"Outputs: {shapes}.")
    if not net.losses and not injected:
        injected = {name: np.ones(tuple(made[name].shape), np.float32) for name in net.outputs}
    terms = [(made[name] * torch.from_numpy(array)).sum() for name, array in injected.items()]
    if net.losses:
        terms.append(net.total_loss(made))
    total = torch.stack([term.reshape(()) for term in terms]).sum() if terms else torch.zeros(())
    if total.requires_grad:
        torch.autograd.backward(total)
    return {f"topdiff:{name}": array for name, array in injected.items()}


def _equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return bool(np.array_equal(one, other, equal_nan=True))
