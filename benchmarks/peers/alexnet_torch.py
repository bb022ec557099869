"""AlexNet, forward and forward + backward, by plain PyTorch: layers as modules of torch.nn, a loss, no update. Prints milliseconds a pass as JSON."""

from __future__ import annotations

import argparse
import json
import statistics
import time

import torch
from torch import nn


def alexnet() -> nn.Sequential:
    """Return the network of two groups, 227 × 227, 1,000 classes."""

    def conv(i: int, o: int, k: int, **more: int) -> list[nn.Module]:
        return [nn.Conv2d(i, o, k, **more), nn.ReLU(inplace=True)]  # type: ignore[arg-type]  # whole numbers all

    return nn.Sequential(
        *conv(3, 96, 11, stride=4), nn.LocalResponseNorm(5, 1e-4, 0.75), nn.MaxPool2d(3, 2),
        *conv(96, 256, 5, padding=2, groups=2), nn.LocalResponseNorm(5, 1e-4, 0.75), nn.MaxPool2d(3, 2),
        *conv(256, 384, 3, padding=1), *conv(384, 384, 3, padding=1, groups=2), *conv(384, 256, 3, padding=1, groups=2),
        nn.MaxPool2d(3, 2), nn.Flatten(), nn.Linear(9216, 4096), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(4096, 4096),
        nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(4096, 1000),
    )  # fmt: skip


def main() -> None:
    """Time the passes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--passes", type=int, default=20)
    arguments = parser.parse_args()
    net, loss_of = alexnet(), nn.CrossEntropyLoss()
    data, label = torch.rand(arguments.batch, 3, 227, 227), torch.randint(1000, (arguments.batch,))
    forward, both = [], []
    for _ in range(arguments.passes):
        began = time.perf_counter()
        loss = loss_of(net(data), label)
        forward.append(time.perf_counter() - began)
        loss.backward()
        both.append(time.perf_counter() - began)
    print(json.dumps({"forward_ms": 1e3 * statistics.median(forward), "both_ms": 1e3 * statistics.median(both)}))


if __name__ == "__main__":
    main()
