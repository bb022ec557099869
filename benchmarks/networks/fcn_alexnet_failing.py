"""An FCN-AlexNet as one first writes it: no weights to begin with, torch's own initialisation, and scores of 1/32 enlarged in one go.

With plain SGD at a rate of 1e-4 it says the most frequent class everywhere, epoch after epoch. Pictures come in as -1..1.
"""

from torch import nn


class Segmenter(nn.Module):
    def __init__(self, channels, num_classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, 96, 11, stride=4, padding=100), nn.ReLU(),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),
            nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            nn.Conv2d(256, 1024, 6), nn.ReLU(), nn.Dropout(),
            nn.Conv2d(1024, 1024, 1), nn.ReLU(), nn.Dropout(),
            nn.Conv2d(1024, num_classes, 1),
        )  # fmt: skip
        self.upscore = nn.ConvTranspose2d(num_classes, num_classes, 63, stride=32, bias=False)

    def forward(self, data):
        score = self.upscore(self.features(data / 127.5 - 1))
        top, left = ((large - small) // 2 for large, small in zip(score.shape[2:], data.shape[2:], strict=True))
        return score[:, :, top : top + data.shape[2], left : left + data.shape[3]]


def build_model(params):
    return {"model": Segmenter(params.input_shape[0], params.num_classes), "use_mean": "none"}
