"""MobileNetV2 for pictures of 256 x 256, of which it sees 224 x 224; any size from 32 x 32 on will do. M. Sandler and others, 2018."""

from torch import nn

CROP = 224
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Table 2 of the paper: expansion, channels, blocks, stride of the first of them."""


def convolution(inputs, outputs, kernel, stride=1, groups=1):
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU6())


class InvertedResidual(nn.Module):
    """Widened, filtered channel by channel, and narrowed again without an activation."""

    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        wide = inputs * expansion
        self.conv = nn.Sequential(
            *([convolution(inputs, wide, 1)] if expansion != 1 else []),
            convolution(wide, wide, 3, stride, groups=wide),
            nn.Conv2d(wide, outputs, kernel_size=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self, channels, num_classes):
        super().__init__()
        inputs, layers = 32, [convolution(channels, 32, 3, stride=2)]
        for expansion, outputs, count, stride in STAGES:
            for each in range(count):
                layers.append(InvertedResidual(inputs, outputs, 1 if each else stride, expansion))
                inputs = outputs
        layers.append(convolution(inputs, 1280, 1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, num_classes))

    def forward(self, data):
        return self.classifier(self.features(data).mean((2, 3)))


def build_model(params):
    model = MobileNetV2(params.input_shape[0], params.num_classes)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
    return {"model": model, "crop_size": CROP, "train_batch_size": 32, "val_batch_size": 16}
