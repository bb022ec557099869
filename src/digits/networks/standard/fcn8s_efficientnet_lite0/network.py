"""An FCN-8s on EfficientNet-Lite0: a class at each place, for pictures of any size. J. Long and others, 2015; M. Tan and Q. Le, 2019.

Scores are made of the maps at 1/8, 1/16 and 1/32 and added from the coarsest on, each enlarged bilinearly to the next. The layers before have the
names of the classifier's, whose published weights so load by name. It scales its pictures by itself, to -1..1.
"""

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
EIGHTH, SIXTEENTH = 4, 10
"""The last blocks of the maps at 1/8, of 40 channels, and at 1/16, of 112."""
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


class Segmenter(nn.Module):
    """Its layers but the scores have the names that they have in the published weights."""

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
        self._conv_head = nn.Conv2d(inputs, 1280, kernel_size=1, bias=False)
        self._bn1 = nn.BatchNorm2d(1280, eps=EPS)
        self._dropout = nn.Dropout2d(0.2)
        self.score8 = nn.Conv2d(40, num_classes, kernel_size=1)
        self.score16 = nn.Conv2d(112, num_classes, kernel_size=1)
        self.score32 = nn.Conv2d(1280, num_classes, kernel_size=1)

    def forward(self, data):
        x = self._relu6(self._bn0(self._conv_stem(data / 127.5 - 1)))
        maps = []
        for number, block in enumerate(self._blocks):
            x = block(x)
            if number in (EIGHTH, SIXTEENTH):
                maps.append(x)
        x = self._relu6(self._bn1(self._conv_head(x)))
        score = enlarged(self.score32(self._dropout(x)), maps[1]) + self.score16(maps[1])
        score = enlarged(score, maps[0]) + self.score8(maps[0])
        return enlarged(score, data)


def enlarged(score, like):
    """Return the scores bilinearly at the size of another map: of any size, as maps of odd sizes are rounded up."""
    return F.interpolate(score, like.shape[2:], mode="bilinear", align_corners=False)


def build_model(params):
    model = Segmenter(params.input_shape[0], params.num_classes)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
    for score in (model.score8, model.score16, model.score32):
        nn.init.zeros_(score.weight)  # no class is likelier at first, and no random scores shake the pretrained maps
        nn.init.zeros_(score.bias)
    return {"model": model, "use_mean": "none", "train_batch_size": 8, "val_batch_size": 8}
