"""An FCN on SqueezeNet 1.0: a class at each place, for pictures of any size from 21 x 21 on. J. Long and others, 2015; F. Iandola and others, 2016.

Scores are made of the maps at 1/4, 1/8 and 1/16 and added from the coarsest on, each enlarged bilinearly to the next. The layers before have the
names of the classifier's, whose weights so load by name; only the first pads now, so that the maps lie over the whole picture.
"""

import torch
from torch import nn
from torch.nn import functional as F

FIRES = (
    (96, 16, 64),
    (128, 16, 64),
    (128, 32, 128),
    (256, 32, 128),
    (256, 48, 192),
    (384, 48, 192),
    (384, 64, 256),
    (512, 64, 256),
)
"""Table 1 of SqueezeNet: channels in, squeezed, and of each of the two ways out."""
POOLED_AFTER = (3, 7)


class Fire(nn.Module):
    """Squeezed into few channels, and expanded from them in two ways."""

    def __init__(self, inputs, squeezed, expanded):
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, kernel_size=1)
        self.squeeze_activation = nn.ReLU()
        self.expand1x1 = nn.Conv2d(squeezed, expanded, kernel_size=1)
        self.expand1x1_activation = nn.ReLU()
        self.expand3x3 = nn.Conv2d(squeezed, expanded, kernel_size=3, padding=1)
        self.expand3x3_activation = nn.ReLU()

    def forward(self, x):
        x = self.squeeze_activation(self.squeeze(x))
        ways = self.expand1x1_activation(self.expand1x1(x)), self.expand3x3_activation(self.expand3x3(x))
        return torch.cat(ways, 1)


class Segmenter(nn.Module):
    def __init__(self, channels, num_classes):
        super().__init__()
        layers = [
            nn.Conv2d(channels, 96, kernel_size=7, stride=2, padding=3),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
        ]
        for number, widths in enumerate(FIRES, start=1):
            layers.append(Fire(*widths))
            if number in POOLED_AFTER:
                layers.append(nn.MaxPool2d(3, stride=2, ceil_mode=True))
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout2d(0.2)
        self.score4 = nn.Conv2d(256, num_classes, kernel_size=1)
        self.score8 = nn.Conv2d(512, num_classes, kernel_size=1)
        self.score16 = nn.Conv2d(512, num_classes, kernel_size=1)

    def forward(self, data):
        x, maps = data, []
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                maps.append(x)  # what is about to be halved: after conv1, fire4 and fire8
            x = layer(x)
        score = enlarged(self.score16(self.dropout(x)), maps[2]) + self.score8(maps[2])
        score = enlarged(score, maps[1]) + self.score4(maps[1])
        return enlarged(score, data)


def enlarged(score, like):
    """Return the scores bilinearly at the size of another map: of any size, as maps of odd sizes are rounded up."""
    return F.interpolate(score, like.shape[2:], mode="bilinear", align_corners=False)


def build_model(params):
    model = Segmenter(params.input_shape[0], params.num_classes)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    for score in (model.score4, model.score8, model.score16):
        nn.init.zeros_(score.weight)  # no class is likelier at first, and no random scores shake the pretrained maps
    return {"model": model, "train_batch_size": 8, "val_batch_size": 8}
