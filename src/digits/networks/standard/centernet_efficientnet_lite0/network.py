"""A detector without anchors on EfficientNet-Lite0: a score and a box at each cell of 4 x 4 pixels. X. Zhou and others, 2019; M. Tan and Q. Le, 2019.

Maps at 1/32, 1/16, 1/8 and 1/4 are added from the coarsest on, each enlarged to the next, as in a feature pyramid. Its output is
[N, classes + 4, h, w]: a score for each class, and how many cells it is from there to the left, top, right and bottom side of the box (their
softplus). The layers before have the names of the classifier's, whose published weights so load by name. It scales its pictures by itself, to -1..1.
"""

import torch
from torch import nn
from torch.nn import functional as F

STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
"""Table 1 of EfficientNet: expansion, channels, blocks, stride of the first of them, side of the kernel."""
LEVELS = {2: 24, 4: 40, 10: 112, 15: 320}
"""The last block of each map that is used, and its channels: 1/4, 1/8, 1/16 and 1/32."""
WIDTH = 64
"""Channels of the pyramid."""
RARE = -4.6
"""The score that every cell begins with: one in a hundred holds a thing."""
FAR = 2.0
"""Cells to each side of a box, at first."""
EPS = 1e-3
"""Of batch normalisation, as the published weights were trained."""


class SameConv2d(nn.Conv2d):
    """A convolution that pads as TensorFlow does: to size / stride, rounded up; what is odd goes to the right and below."""

    def forward(self, x):
        pads = []
        for size, kernel, stride in zip(reversed(x.shape[2:]), self.kernel_size, self.stride, strict=True):
            pad = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [pad // 2, pad - pad // 2]
        return super().forward(F.pad(x, pads) if any(pads) else x)


class Block(nn.Module):
    """Widened, filtered channel by channel, and narrowed again without an activation."""

    def __init__(self, inputs, outputs, kernel, stride, expansion):
        super().__init__()
        wide = inputs * expansion
        self.expands = expansion != 1
        if self.expands:
            self._expand_conv = nn.Conv2d(inputs, wide, kernel_size=1, bias=False)
            self._bn0 = nn.BatchNorm2d(wide, eps=EPS)
        self._depthwise_conv = SameConv2d(wide, wide, kernel, stride, groups=wide, bias=False)
        self._bn1 = nn.BatchNorm2d(wide, eps=EPS)
        self._project_conv = nn.Conv2d(wide, outputs, kernel_size=1, bias=False)
        self._bn2 = nn.BatchNorm2d(outputs, eps=EPS)
        self._relu6 = nn.ReLU6()
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        y = self._relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = self._relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds else y


class Detector(nn.Module):
    """Its layers up to the last block have the names that they have in the published weights."""

    def __init__(self, channels, num_classes):
        super().__init__()
        self._conv_stem = SameConv2d(channels, 32, kernel_size=3, stride=2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=EPS)
        self._relu6 = nn.ReLU6()
        inputs, blocks = 32, []
        for expansion, outputs, count, stride, kernel in STAGES:
            for each in range(count):
                blocks.append(Block(inputs, outputs, kernel, 1 if each else stride, expansion))
                inputs = outputs
        self._blocks = nn.Sequential(*blocks)
        self.sides = nn.ModuleList(nn.Conv2d(width, WIDTH, kernel_size=1) for width in LEVELS.values())
        self.scores = head(num_classes)
        self.boxes = head(4)

    def forward(self, data):
        x = self._relu6(self._bn0(self._conv_stem(data / 127.5 - 1)))
        maps = []
        for number, block in enumerate(self._blocks):
            x = block(x)
            if number in LEVELS:
                maps.append(self.sides[len(maps)](x))
        found = maps.pop()
        while maps:
            below = maps.pop()
            found = below + F.interpolate(found, below.shape[2:], mode="bilinear", align_corners=False)
        return torch.cat((self.scores(found), self.boxes(found)), dim=1)


def head(outputs):
    """Return the layers that say something of each cell."""
    return nn.Sequential(
        nn.Conv2d(WIDTH, WIDTH, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(WIDTH),
        nn.ReLU(),
        nn.Conv2d(WIDTH, outputs, kernel_size=1),
    )


def build_model(params):
    model = Detector(params.input_shape[0], params.num_classes)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    for last, first_value in ((model.scores[-1], RARE), (model.boxes[-1], FAR)):
        nn.init.normal_(last.weight, std=0.001)
        nn.init.constant_(last.bias, first_value)
    return {"model": model, "use_mean": "none", "train_batch_size": 8, "val_batch_size": 8}
