"""What the tests of networks share: a small network from text, run once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.caffeproto.text import parse_net
from digits.networks.caffe.build import build
from digits.networks.caffe.net import CaffeNet
from digits.networks.layers.registry import Phase, Shape


@dataclass(frozen=True)
class Run:
    """One forward pass, and what flowed back from the sum of all outputs (or from the losses)."""

    net: CaffeNet
    blobs: dict[str, NDArray[Any]]
    gradients: dict[str, NDArray[Any] | None]


def make(text: str, phase: Phase = "TEST", **inputs: Shape) -> CaffeNet:
    """Build the network of a text; inputs are shapes of blobs that an Input layer need not name."""
    named = "".join(f'layer {{ name: "{name}" type: "Input" top: "{name}" }} ' for name in inputs)
    message = parse_net(named + text, where="net.prototxt").message
    return build(message, inputs, phase=phase, where="net.prototxt", generator=torch.Generator().manual_seed(0))


def run(
    text: str, phase: Phase = "TEST", *, weights: Mapping[str, NDArray[Any]] | None = None, **inputs: NDArray[Any]
) -> Run:
    """Build the network of a text around ``inputs``, and run it forward and backward."""
    net = make(text, phase, **{name: array.shape for name, array in inputs.items()})
    if weights is not None:
        net.load_state(weights)
    given = {name: torch.from_numpy(np.asarray(array, np.float32)).requires_grad_() for name, array in inputs.items()}
    blobs = net.activations(**given)
    outputs = net(**given)
    total = (
        net.total_loss(outputs) if net.losses else sum((outputs[name].sum() for name in net.outputs), torch.zeros(()))
    )
    if isinstance(total, Tensor) and total.requires_grad:
        total.backward()  # type: ignore[no-untyped-call] # torch's own
    return Run(
        net,
        {name: blob.detach().numpy() for name, blob in blobs.items()},
        {name: None if blob.grad is None else blob.grad.numpy() for name, blob in given.items()},
    )


def one(type_: str, param: str = "", *, bottoms: str = "x", tops: str = "y") -> str:
    """Return the text of one layer named "l"."""
    names = "".join(f' bottom: "{name}"' for name in bottoms.split()) + "".join(
        f' top: "{name}"' for name in tops.split()
    )
    return f'layer {{ name: "l" type: "{type_}"{names} {param} }}'


def ramp(*shape: int) -> NDArray[np.float32]:
    """Return values that all differ and are neither sorted nor positive only."""
    count = int(np.prod(shape))
    return np.sin(np.arange(count, dtype=np.float64) * 1.7 + 0.3).astype(np.float32).reshape(shape) * 3
