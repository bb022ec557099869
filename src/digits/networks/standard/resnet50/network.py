"""ResNet-50 for pictures of 256 x 256, of which it sees 224 x 224; any size from 32 x 32 on will do. K. He and others, 2016."""

from torch import nn

CROP = 224
BLOCKS = (3, 4, 6, 3)
GROWTH = 4


class Bottleneck(nn.Module):
    """Three convolutions, the middle one narrow, and a way past them."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = GROWTH * width
        self.conv1 = nn.Conv2d(inputs, width, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.downsample = nn.Identity()
        if stride != 1 or inputs != outputs:
            past = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.downsample = nn.Sequential(past, nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + self.downsample(x))


class ResNet(nn.Module):
    def __init__(self, channels, num_classes):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        inputs = 64
        for number, count in enumerate(BLOCKS):
            width, layer = 64 << number, []
            for each in range(count):
                layer.append(Bottleneck(inputs, width, stride=2 if number and not each else 1))
                inputs = GROWTH * width
            setattr(self, f"layer{number + 1}", nn.Sequential(*layer))
        self.fc = nn.Linear(inputs, num_classes)

    def forward(self, data):
        x = self.maxpool(self.relu(self.bn1(self.conv1(data))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def build_model(params):
    model = ResNet(params.input_shape[0], params.num_classes)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    return {"model": model, "crop_size": CROP, "train_batch_size": 16, "val_batch_size": 16}
