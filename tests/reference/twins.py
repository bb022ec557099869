"""LeNet, AlexNet and GoogLeNet written out in plain PyTorch, from the papers' shapes: what the networks built from prototxt must equal.

Weights come by Caffe's names, "<layer>:0" and "<layer>:1". There is no dropout here.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, cat

Weights = Mapping[str, Tensor]
AUXILIARY_WEIGHT = 0.3  # GoogLeNet: of the two losses in the middle


def lenet(weights: Weights, data: Tensor, label: Tensor) -> dict[str, Tensor]:
    """Return the losses of LeNet; ``data`` [N, 1, 28, 28]."""
    x = F.max_pool2d(_conv(weights, "conv1", data * 0.0125), 2, 2)
    x = F.max_pool2d(_conv(weights, "conv2", x), 2, 2)
    x = _linear(weights, "ip1", x).relu()
    return {"loss": F.cross_entropy(_linear(weights, "ip2", x), label.long())}


def alexnet(weights: Weights, data: Tensor, label: Tensor) -> dict[str, Tensor]:
    """Return the losses of AlexNet; ``data`` [N, 3, 227, 227]."""
    x = F.max_pool2d(_norm(_conv(weights, "conv1", data, stride=4).relu()), 3, 2)
    x = F.max_pool2d(_norm(_conv(weights, "conv2", x, padding=2, groups=2).relu()), 3, 2)
    x = _conv(weights, "conv3", x, padding=1).relu()
    x = _conv(weights, "conv4", x, padding=1, groups=2).relu()
    x = F.max_pool2d(_conv(weights, "conv5", x, padding=1, groups=2).relu(), 3, 2)
    x = _linear(weights, "fc6", x).relu()
    x = _linear(weights, "fc7", x).relu()
    return {"loss": F.cross_entropy(_linear(weights, "fc8", x), label.long())}


def googlenet(weights: Weights, data: Tensor, label: Tensor) -> dict[str, Tensor]:
    """Return the three losses of GoogLeNet, each without its weight; ``data`` [N, 3, 224, 224]."""
    x = _conv(weights, "conv1/7x7_s2", data, stride=2, padding=3).relu()
    x = _norm(F.max_pool2d(x, 3, 2, ceil_mode=True))
    x = _conv(weights, "conv2/3x3_reduce", x).relu()
    x = _norm(_conv(weights, "conv2/3x3", x, padding=1).relu())
    x = F.max_pool2d(x, 3, 2, ceil_mode=True)
    for name in ("3a", "3b"):
        x = _inception(weights, name, x)
    x = _inception(weights, "4a", F.max_pool2d(x, 3, 2, ceil_mode=True))
    first = _auxiliary(weights, "loss1", x, label)
    for name in ("4b", "4c", "4d"):
        x = _inception(weights, name, x)
    second = _auxiliary(weights, "loss2", x, label)
    x = _inception(weights, "4e", x)
    x = F.max_pool2d(x, 3, 2, ceil_mode=True)
    for name in ("5a", "5b"):
        x = _inception(weights, name, x)
    scores = _linear(weights, "loss3/classifier", F.avg_pool2d(x, 7, 1))
    return {"loss1": first, "loss2": second, "loss3": F.cross_entropy(scores, label.long())}


def _inception(weights: Weights, name: str, x: Tensor) -> Tensor:
    """Four branches, side by side as channels."""
    prefix = f"inception_{name}"
    one = _conv(weights, f"{prefix}/1x1", x).relu()
    three = _conv(weights, f"{prefix}/3x3_reduce", x).relu()
    three = _conv(weights, f"{prefix}/3x3", three, padding=1).relu()
    five = _conv(weights, f"{prefix}/5x5_reduce", x).relu()
    five = _conv(weights, f"{prefix}/5x5", five, padding=2).relu()
    pooled = _conv(weights, f"{prefix}/pool_proj", F.max_pool2d(x, 3, 1, padding=1)).relu()
    return cat((one, three, five, pooled), dim=1)


def _auxiliary(weights: Weights, name: str, x: Tensor, label: Tensor) -> Tensor:
    """Return the loss of a head in the middle of the network."""
    x = _conv(weights, f"{name}/conv", F.avg_pool2d(x, 5, 3, ceil_mode=True)).relu()
    x = _linear(weights, f"{name}/fc", x).relu()
    return F.cross_entropy(_linear(weights, f"{name}/classifier", x), label.long())


def _conv(weights: Weights, name: str, x: Tensor, *, stride: int = 1, padding: int = 0, groups: int = 1) -> Tensor:
    return F.conv2d(x, weights[f"{name}:0"], weights[f"{name}:1"], stride, padding, groups=groups)


def _linear(weights: Weights, name: str, x: Tensor) -> Tensor:
    return F.linear(x.flatten(1), weights[f"{name}:0"], weights[f"{name}:1"])


def _norm(x: Tensor) -> Tensor:
    """Local response normalisation with the papers' numbers, 1e-4 and 0.75 over 5 channels."""
    return F.local_response_norm(x, 5, alpha=1e-4, beta=0.75, k=1.0)
