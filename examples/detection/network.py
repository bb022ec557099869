"""A small detector without anchors: at every fourth pixel a score for each class, and how far the box's sides are, as CenterNet has it."""

import torch
from torch import nn

RARE = -2.2  # first score of everything, as few places are the middle of something
FAR = 2.0


def block(inputs, outputs, stride):
    """Return a convolution, normalised and rectified."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class Detector(nn.Module):
    """Features at 1/4 of the picture's size, with a wide view, and two heads."""

    def __init__(self, channels, num_classes):
        super().__init__()
        self.features = nn.Sequential(
            block(channels, 16, 2),
            block(16, 32, 2),
            block(32, 32, 1),
            nn.Conv2d(32, 48, 3, padding=2, dilation=2), nn.ReLU(),
            nn.Conv2d(48, 48, 3, padding=4, dilation=4), nn.ReLU(),
        )  # fmt: skip
        self.scores = nn.Conv2d(48, num_classes, 1)
        self.boxes = nn.Conv2d(48, 4, 1)
        nn.init.constant_(self.scores.bias, RARE)
        nn.init.constant_(self.boxes.bias, FAR)

    def forward(self, data):
        found = self.features(data / 127.5 - 1)
        return torch.cat((self.scores(found), self.boxes(found)), dim=1)


def build_model(params):
    return {"model": Detector(params.input_shape[0], params.num_classes), "use_mean": "none"}
