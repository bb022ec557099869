"""SqueezeNet 1.0 for pictures of 256 x 256, of which it sees 227 x 227; any size from 21 x 21 on will do. F. Iandola and others, 2016."""

import torch
from torch import nn

CROP = 227
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
"""Table 1 of the paper: channels in, squeezed, and of each of the two ways out."""
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


class SqueezeNet(nn.Module):
    def __init__(self, channels, num_classes):
        super().__init__()
        layers = [
            nn.Conv2d(channels, 96, kernel_size=7, stride=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
        ]
        for number, widths in enumerate(FIRES, start=1):
            layers.append(Fire(*widths))
            if number in POOLED_AFTER:
                layers.append(nn.MaxPool2d(3, stride=2, ceil_mode=True))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.5), nn.Conv2d(512, num_classes, kernel_size=1), nn.ReLU())

    def forward(self, data):
        return self.classifier(self.features(data)).mean((2, 3))


def build_model(params):
    model = SqueezeNet(params.input_shape[0], params.num_classes)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    nn.init.normal_(model.classifier[1].weight, std=0.01)
    return {"model": model, "crop_size": CROP, "train_batch_size": 32, "val_batch_size": 16}
