"""GoogLeNet for pictures of 256 x 256, of which it sees 224 x 224. C. Szegedy and others: Going deeper with convolutions, 2015."""

import torch
from torch import nn
from torch.nn import functional as F

CROP = 224


def conv(inputs, outputs, **window):
    return nn.Sequential(nn.Conv2d(inputs, outputs, **window), nn.ReLU())


class Inception(nn.Module):
    """Four branches side by side: 1 x 1, 3 x 3, 5 x 5 and pooled."""

    def __init__(self, inputs, one, reduce3, three, reduce5, five, pooled):
        super().__init__()
        self.one = conv(inputs, one, kernel_size=1)
        self.three = nn.Sequential(conv(inputs, reduce3, kernel_size=1), conv(reduce3, three, kernel_size=3, padding=1))
        self.five = nn.Sequential(conv(inputs, reduce5, kernel_size=1), conv(reduce5, five, kernel_size=5, padding=2))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), conv(inputs, pooled, kernel_size=1))
        self.outputs = one + three + five + pooled

    def forward(self, x):
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pooled(x)], 1)


class SideClassifier(nn.Module):
    """Answers from the middle of the network, in training alone, so that gradients reach its beginning."""

    def __init__(self, inputs, side, num_classes):
        super().__init__()
        height, width = (-(-(each - 5) // 3) + 1 for each in side)
        self.pool = nn.AvgPool2d(5, stride=3, ceil_mode=True)
        self.conv = conv(inputs, 128, kernel_size=1)
        self.fc = nn.Linear(128 * height * width, 1024)
        self.dropout = nn.Dropout(0.7)
        self.classifier = nn.Linear(1024, num_classes)

    def forward(self, x):
        x = self.conv(self.pool(x)).flatten(1)
        return self.classifier(self.dropout(F.relu(self.fc(x))))


class GoogLeNet(nn.Module):
    def __init__(self, channels, side, num_classes):
        super().__init__()
        self.stem = nn.Sequential(
            conv(channels, 64, kernel_size=7, stride=2, padding=3),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            nn.LocalResponseNorm(5),
            conv(64, 64, kernel_size=1),
            conv(64, 192, kernel_size=3, padding=1),
            nn.LocalResponseNorm(5),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
        )
        self.inception_3a = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception_3b = Inception(256, 128, 128, 192, 32, 96, 64)
        self.pool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception_4a = Inception(480, 192, 96, 208, 16, 48, 64)
        self.inception_4b = Inception(512, 160, 112, 224, 24, 64, 64)
        self.inception_4c = Inception(512, 128, 128, 256, 24, 64, 64)
        self.inception_4d = Inception(512, 112, 144, 288, 32, 64, 64)
        self.inception_4e = Inception(528, 256, 160, 320, 32, 128, 128)
        self.pool4 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception_5a = Inception(832, 256, 160, 320, 32, 128, 128)
        self.inception_5b = Inception(832, 384, 192, 384, 48, 128, 128)
        self.dropout = nn.Dropout(0.4)
        self.classifier = nn.Linear(1024, num_classes)
        middle = [-(-each // 2) for each in side]
        for _ in range(3):
            middle = [-(-(each - 3) // 2) + 1 for each in middle]
        self.side1 = SideClassifier(512, middle, num_classes)
        self.side2 = SideClassifier(528, middle, num_classes)

    def forward(self, data):
        x = self.pool3(self.inception_3b(self.inception_3a(self.stem(data))))
        x = first = self.inception_4a(x)
        x = second = self.inception_4d(self.inception_4c(self.inception_4b(x)))
        x = self.pool4(self.inception_4e(x))
        x = self.inception_5b(self.inception_5a(x))
        x = self.classifier(self.dropout(x.mean((2, 3))))
        return (x, self.side1(first), self.side2(second)) if self.training else x


def loss(outputs, labels):
    if not isinstance(outputs, tuple):
        return F.cross_entropy(outputs, labels, reduction="none")
    main, side1, side2 = (F.cross_entropy(each, labels, reduction="none") for each in outputs)
    return main + 0.3 * (side1 + side2)


def build_model(params):
    channels, *side = params.input_shape
    model = GoogLeNet(channels, [min(params.crop_size or CROP, each) for each in side], params.num_classes)
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.constant_(layer.bias, 0.2)
    for classifier in (model.classifier, model.side1.classifier, model.side2.classifier):
        nn.init.zeros_(classifier.bias)
    return {"model": model, "loss": loss, "crop_size": CROP, "train_batch_size": 32, "val_batch_size": 16}
