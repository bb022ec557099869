"""CaffeNet for pictures of 256 x 256, of which it sees 227 x 227: AlexNet, pooled before it is normalised. Y. Jia and others: Caffe, 2014."""

from torch import nn

CROP = 227


class CaffeNet(nn.Module):
    def __init__(self, channels, height, width, num_classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, 96, kernel_size=11, stride=4),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            nn.LocalResponseNorm(5),
            nn.Conv2d(96, 256, kernel_size=5, padding=2, groups=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            nn.LocalResponseNorm(5),
            nn.Conv2d(256, 384, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 384, kernel_size=3, padding=1, groups=2),
            nn.ReLU(),
            nn.Conv2d(384, 256, kernel_size=3, padding=1, groups=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
        )
        height, width = ((side - 11) // 4 + 1 for side in (height, width))
        for _ in range(3):
            height, width = (-(-(side - 3) // 2) + 1 for side in (height, width))
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(256 * height * width, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, num_classes),
        )

    def forward(self, data):
        return self.classifier(self.features(data))


def build_model(params):
    channels, height, width = params.input_shape
    crop = params.crop_size or CROP
    model = CaffeNet(channels, min(crop, height), min(crop, width), params.num_classes)
    convolutions = [layer for layer in model.features if isinstance(layer, nn.Conv2d)]
    linears = [layer for layer in model.classifier if isinstance(layer, nn.Linear)]
    for number, layer in enumerate(convolutions + linears):
        nn.init.normal_(layer.weight, std=0.005 if layer in linears[:2] else 0.01)
        nn.init.constant_(layer.bias, 1.0 if number in (1, 3, 4, 5, 6) else 0.0)
    return {"model": model, "crop_size": CROP, "train_batch_size": 128, "val_batch_size": 32}
