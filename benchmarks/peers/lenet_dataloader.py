"""The usual way to train LeNet: a folder of PNG files, PIL, ``DataLoader`` with two worker processes, ``torch.optim``.

Nothing of OpenDIGITS is in here. The network, its start values, batches, rate, momentum, decay, mean picture and intervals are those
that DIGITS gives its LeNet; torchvision's ImageFolder is written out, as is customary where it is not installed.
Prints one JSON line: seconds of the whole training, pictures a second of the training steps, accuracy.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset


class ImageFolder(Dataset[tuple[Tensor, int]]):
    """One sub-folder a class, pictures in grey."""

    def __init__(self, folder: Path) -> None:
        classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
        self.samples = [
            (path, index) for index, name in enumerate(classes) for path in sorted((folder / name).iterdir())
        ]
        self.mean: Tensor | float = 0.0

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        path, label = self.samples[index]
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("L"))
        return torch.from_numpy(pixels.astype(np.float32))[None] - self.mean, label


def lenet(num_classes: int = 10) -> nn.Sequential:
    """LeNet as DIGITS ships it, with Caffe's xavier start values."""
    net = nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.MaxPool2d(2, 2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2, 2),
        nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, num_classes),
    )  # fmt: skip
    for layer in net:
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            bound = math.sqrt(3 / layer.weight[0].numel())
            nn.init.uniform_(layer.weight, -bound, bound)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return net


def main() -> None:
    """Train, measuring the validation set before the first epoch and after each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("train", type=Path)
    parser.add_argument("val", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    torch.manual_seed(1)
    start = time.perf_counter()
    train_set, val_set = ImageFolder(arguments.train), ImageFolder(arguments.val)
    # the mean picture: what DIGITS has made with the dataset already, so its time does not count
    paused = time.perf_counter()
    train_set.mean = val_set.mean = sum(train_set[i][0] for i in range(0, len(train_set), 10)) / -(
        -len(train_set) // 10
    )
    start += time.perf_counter() - paused
    train_loader = DataLoader(train_set, 64, shuffle=True, num_workers=arguments.workers, persistent_workers=True)
    val_loader = DataLoader(val_set, 32, num_workers=arguments.workers, persistent_workers=True)
    net = lenet()
    weights = [p for p in net.parameters() if p.dim() > 1]
    biases = [p for p in net.parameters() if p.dim() == 1]
    groups: list[dict[str, Any]] = [{"params": weights}, {"params": biases, "lr": 0.02, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=0.01, momentum=0.9, weight_decay=1e-4)
    steps = arguments.epochs * len(train_loader)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=math.ceil(steps * 0.33), gamma=0.1)
    accuracy, training_s, images = validate(net, val_loader), 0.0, 0
    for _ in range(arguments.epochs):
        began = time.perf_counter()
        for number, (data, label) in enumerate(train_loader):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(data * 0.0125), label)
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            images += len(label)
            if number % 79 == 0:
                loss.item()
        training_s += time.perf_counter() - began
        accuracy = validate(net, val_loader)
    result = {"seconds": time.perf_counter() - start, "images_per_second": images / training_s, "accuracy": accuracy}
    print(json.dumps(result))


@torch.inference_mode()
def validate(net: nn.Module, loader: DataLoader[tuple[Tensor, int]]) -> float:
    """Return the share of right answers."""
    right = total = 0
    for data, label in loader:
        right += int((net(data * 0.0125).argmax(1) == label).sum())
        total += len(label)
    return right / total


if __name__ == "__main__":
    main()
