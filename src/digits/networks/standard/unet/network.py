"""A small U-Net: a class at each place, from scratch, for pictures of any size from 16 x 16 on. O. Ronneberger and others, 2015.

Four steps down and up, of a quarter of the paper's channels; padded, so that the answer is as large as the picture, and normalised batch by batch.
"""

import torch
from torch import nn
from torch.nn import functional as F

WIDTHS = (16, 32, 64, 128, 256)
"""Channels at full size, and at 1/2, 1/4, 1/8 and 1/16 of it."""


class Pair(nn.Sequential):
    """Two convolutions of 3 x 3, each normalised and rectified."""

    def __init__(self, inputs, outputs):
        layers = []
        for width in (inputs, outputs):
            layers += [nn.Conv2d(width, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        super().__init__(*layers)


class Up(nn.Module):
    """Enlarged to the map of the way down, joined with it, and filtered."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.reduce = nn.Conv2d(inputs, outputs, kernel_size=1)
        self.pair = Pair(2 * outputs, outputs)

    def forward(self, x, skipped):
        # any size will do: the way down rounds odd sizes off, and this goes to the size that there was
        x = F.interpolate(self.reduce(x), skipped.shape[2:], mode="bilinear", align_corners=False)
        return self.pair(torch.cat((skipped, x), 1))


class UNet(nn.Module):
    def __init__(self, channels, num_classes):
        super().__init__()
        self.down = nn.ModuleList(Pair(*widths) for widths in zip((channels, *WIDTHS), WIDTHS, strict=False))
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList(Up(WIDTHS[level + 1], WIDTHS[level]) for level in reversed(range(len(WIDTHS) - 1)))
        self.score = nn.Conv2d(WIDTHS[0], num_classes, kernel_size=1)

    def forward(self, data):
        x, maps = data / 127.5 - 1, []
        for level, pair in enumerate(self.down):
            x = pair(self.pool(x) if level else x)
            maps.append(x)
        for up, skipped in zip(self.up, reversed(maps[:-1]), strict=True):
            x = up(x, skipped)
        return self.score(x)


def build_model(params):
    model = UNet(params.input_shape[0], params.num_classes)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return {"model": model, "use_mean": "none", "train_batch_size": 8, "val_batch_size": 8}
