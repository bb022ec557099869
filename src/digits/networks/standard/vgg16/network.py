"""VGG-16 for pictures of 256 x 256, of which it sees 224 x 224; from 1 x 1 on any size will do. K. Simonyan and A. Zisserman, 2015."""

from torch import nn

CROP = 224
STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class VGG(nn.Module):
    def __init__(self, channels, height, width, num_classes):
        super().__init__()
        layers = []
        for stage in STAGES:
            for outputs in stage:
                layers += [nn.Conv2d(channels, outputs, kernel_size=3, padding=1), nn.ReLU()]
                channels = outputs
            layers.append(nn.MaxPool2d(2, stride=2, ceil_mode=True))
            height, width = (height + 1) // 2, (width + 1) // 2
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(channels * height * width, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, num_classes),
        )

    def forward(self, data):
        return self.classifier(self.features(data).flatten(1))


def build_model(params):
    channels, height, width = params.input_shape
    crop = params.crop_size or CROP
    model = VGG(channels, min(crop, height), min(crop, width), params.num_classes)
    for layer in model.modules():
        # Sixteen layers without normalisation learn nothing from Gaussians of one width: He's initialisation keeps the signal's.
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
    return {"model": model, "crop_size": CROP, "train_batch_size": 32, "val_batch_size": 16}
