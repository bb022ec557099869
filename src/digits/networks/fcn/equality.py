"""The proof of the surgery: a classifier and what was made of it see one picture, and their scores are compared.

In double precision, so that what is left is a mistake of the surgery and no rounding. The two share their weights, as those of VGG-16 fill a gigabyte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from digits.caffeproto import caffe_pb2
from digits.networks.caffe.build import build
from digits.networks.caffe.heads import heads
from digits.networks.caffe.net import CaffeNet, attribute_of
from digits.networks.fcn.convolved import Convolved

Layer = caffe_pb2.LayerParameter
_LARGEST = 255.0
_BIAS_STD = 0.1


def largest_difference(
    layers: Sequence[Layer],
    made: Convolved,
    picture_CHW: tuple[int, ...],
    weights: Mapping[str, NDArray[np.float32]] | None = None,
) -> float:
    """Return the largest difference between two scores of one random picture; scores at several places are averaged.

    Args:
        layers: of the classifier's deploy network.
        made: what became of it.
        picture_CHW: (channels, height, width) of the classifier's own pictures.
        weights: of the classifier, by "layer:i"; random ones, of a size that keeps values apart, when None.

    Raises:
        NetworkError: the convolved network cannot be built.
        WeightsError: the weights are another network's.
    """
    ours = build(_net(layers), {"data": (1, *picture_CHW)}, phase="TEST", where="", generator=_generator())
    if weights is None:
        _randomise(ours)
    else:
        ours.load_state(weights, partial=True)
    theirs = build(_net([_input(), *made.layers]), {"data": (1, *picture_CHW)}, phase="TEST", where="", device="meta")
    _share(ours, theirs, made.names)
    picture = torch.rand((1, *picture_CHW), generator=_generator(), dtype=torch.float64) * _LARGEST
    with torch.no_grad():
        expected = _scores(ours.activations(data=picture), layers)
        found = _scores(theirs.activations(data=picture), made.layers)
    assert expected.shape == found.shape, f"{tuple(expected.shape)} and {tuple(found.shape)}"
    return float((expected - found).abs().max())


def _net(layers: Sequence[Layer]) -> caffe_pb2.NetParameter:
    return caffe_pb2.NetParameter(layer=layers)


def _input() -> Layer:
    return Layer(name="input", type="Input", top=["data"])


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _randomise(net: CaffeNet) -> None:
    """Give every weight a value of a scale that lets scores be told apart: fillers may say 0, or next to nothing."""
    generator = _generator()
    with torch.no_grad():
        for parameter in net.parameters:
            value = parameter.tensor
            if not parameter.learned:  # a BatchNorm's, as if it had seen values of mean 0 and variance 1
                value.fill_(0 if parameter.attribute == "mean" else 1)
                continue
            std = (2 / value[0].numel()) ** 0.5 if value.dim() > 1 else _BIAS_STD
            value.normal_(0 if value.dim() > 1 else float(value.mean()), std, generator=generator)


def _share(ours: CaffeNet, theirs: CaffeNet, names: Mapping[str, str]) -> None:
    """Let the second network's parameters be views of the first's, after both are in double precision."""
    ours.module.double()
    for name, (module, attribute) in theirs.blobs.items():
        layer, _, index = name.rpartition(":")
        source = attribute_of(*ours.blobs[f"{names.get(layer, layer)}:{index}"])
        target = attribute_of(module, attribute)
        view = nn.Parameter(source.detach().reshape(target.shape), requires_grad=False)
        torch.utils.swap_tensors(target, view)  # type: ignore[no-untyped-call] # torch's own


def _scores(blobs: Mapping[str, Tensor], layers: Sequence[Layer]) -> Tensor:
    """Return [1, classes]: what the last layer before an answer's Softmax made."""
    last: Any = [layer for layer in layers if not layer.type.endswith(("Softmax", "Accuracy", "ArgMax"))][-1]
    assert heads(layers)
    found = blobs[last.top[0]]
    return found.flatten(2).mean(2) if found.dim() > 2 else found
