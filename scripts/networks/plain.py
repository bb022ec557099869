"""Networks of convolutions, rectifiers and fully connected layers: CaffeNet, VGG-16 and SqueezeNet."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.networks.prototxt import (
    classifier_end,
    concat,
    conv,
    data,
    definition,
    dropout,
    global_pool,
    inner_product,
    lrn,
    pool,
    relu,
)

GAUSSIAN, WIDE = 'type: "gaussian" std: 0.01', 'type: "gaussian" std: 0.005'
XAVIER = 'type: "xavier"'
VGG_STAGES = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
"""The paper's configuration D: so many convolutions of so many channels, five times, each time before a pooling."""


def caffenet() -> str:
    """Return AlexNet with pooling before normalisation, as the reference network of Caffe has it."""
    return definition(
        "CaffeNet",
        [
            "CaffeNet for pictures of 256 x 256, of which it sees 227 x 227: AlexNet, but pooled before it is normalised.",
            "Y. Jia, E. Shelhamer et al.: Caffe: Convolutional Architecture for Fast Feature Embedding, 2014.",
        ],
        data(train=128, val=32, crop=227),
        conv("conv1", "data", 96, 11, stride=4, filler=GAUSSIAN), relu("relu1", "conv1"),
        pool("pool1", "conv1", "MAX", 3, stride=2), lrn("norm1", "pool1"),
        conv("conv2", "norm1", 256, 5, pad=2, group=2, filler=GAUSSIAN, bias_value=1), relu("relu2", "conv2"),
        pool("pool2", "conv2", "MAX", 3, stride=2), lrn("norm2", "pool2"),
        conv("conv3", "norm2", 384, 3, pad=1, filler=GAUSSIAN), relu("relu3", "conv3"),
        conv("conv4", "conv3", 384, 3, pad=1, group=2, filler=GAUSSIAN, bias_value=1), relu("relu4", "conv4"),
        conv("conv5", "conv4", 256, 3, pad=1, group=2, filler=GAUSSIAN, bias_value=1), relu("relu5", "conv5"),
        pool("pool5", "conv5", "MAX", 3, stride=2),
        inner_product("fc6", "pool5", 4096, filler=WIDE, bias_value=1), relu("relu6", "fc6"), dropout("drop6", "fc6"),
        inner_product("fc7", "fc6", 4096, filler=WIDE, bias_value=1), relu("relu7", "fc7"), dropout("drop7", "fc7"),
        inner_product("fc8", "fc7", None, filler=GAUSSIAN),
        classifier_end("fc8"),
    )  # fmt: skip


def vgg_features(bottom: str, *, first_pad: int = 1) -> str:
    """Return VGG-16's 13 convolutions and 5 poolings."""
    text, blob = "", bottom
    for stage, (count, channels) in enumerate(VGG_STAGES, 1):
        for index in range(1, count + 1):
            name = f"conv{stage}_{index}"
            pad = first_pad if name == "conv1_1" else 1
            text += conv(name, blob, channels, 3, pad=pad, filler=XAVIER) + relu(f"relu{stage}_{index}", name)
            blob = name
        text += pool(f"pool{stage}", blob, "MAX", 2, stride=2)
        blob = f"pool{stage}"
    return text


def vgg16() -> str:
    """Return VGG-16, initialised as Glorot and Bengio have it, with which, the paper says, no smaller network need be trained first."""
    return definition(
        "VGG-16",
        [
            "VGG-16 (configuration D) for pictures of 256 x 256, of which it sees 224 x 224.",
            "K. Simonyan, A. Zisserman: Very deep convolutional networks for large-scale image recognition, 2015.",
        ],
        data(train=32, val=16, crop=224),
        vgg_features("data"),
        inner_product("fc6", "pool5", 4096, filler=WIDE), relu("relu6", "fc6"), dropout("drop6", "fc6"),
        inner_product("fc7", "fc6", 4096, filler=WIDE), relu("relu7", "fc7"), dropout("drop7", "fc7"),
        inner_product("fc8", "fc7", None, filler=GAUSSIAN),
        classifier_end("fc8"),
    )  # fmt: skip


FIRE = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)}
"""Channels of each fire module: squeezed, then expanded by filters of 1 x 1 and by as many of 3 x 3."""


@dataclass(frozen=True)
class _Names:
    """What the published weights call the layers of a fire module (after "fire2/") and the last two."""

    squeeze: str
    one: str
    three: str
    last: str
    pool: str


def squeezenet_v1_0() -> str:
    """Return the paper's SqueezeNet."""
    names = _Names("conv1x1_1", "conv1x1_2", "conv3x3_2", "conv_final", "pool_final")
    return _squeezenet("1.0", names, channels=96, kernel=7, pooled_after=(4, 8), last_pad=1)


def squeezenet_v1_1() -> str:
    """Return its faster form: a smaller first layer, pooled earlier."""
    names = _Names("squeeze1x1", "expand1x1", "expand3x3", "conv10", "pool10")
    return _squeezenet("1.1", names, channels=64, kernel=3, pooled_after=(3, 5), last_pad=0)


def _squeezenet(
    version: str, names: _Names, *, channels: int, kernel: int, pooled_after: tuple[int, ...], last_pad: int
) -> str:
    text = conv("conv1", "data", channels, kernel, stride=2, filler=XAVIER) + relu("relu_conv1", "conv1")
    text += pool("pool1", "conv1", "MAX", 3, stride=2)
    blob = "pool1"
    for number, (squeezed, expanded) in FIRE.items():
        text += _fire(f"fire{number}", names, blob, squeezed, expanded)
        blob = f"fire{number}/concat"
        if number in pooled_after:
            text += pool(f"pool{number}", blob, "MAX", 3, stride=2)
            blob = f"pool{number}"
    return definition(
        f"SqueezeNet {version}",
        [
            f"SqueezeNet {version} for pictures of 256 x 256, of which it sees 227 x 227. It has no fully connected layer: the last",
            "convolution makes one channel a class.",
            "F. N. Iandola, S. Han, M. W. Moskewicz, K. Ashraf, W. J. Dally, K. Keutzer: SqueezeNet, 2016.",
        ],
        data(train=32, val=16, crop=227),
        text,
        dropout("drop9", blob),
        conv(names.last, blob, None, 1, pad=last_pad, filler=GAUSSIAN), relu(f"relu_{names.last}", names.last),
        global_pool(names.pool, names.last),
        classifier_end(names.pool),
    )  # fmt: skip


def _fire(name: str, names: _Names, bottom: str, squeezed: int, expanded: int) -> str:
    squeeze, one, three = (f"{name}/{each}" for each in (names.squeeze, names.one, names.three))
    return (
        conv(squeeze, bottom, squeezed, 1, filler=XAVIER) + relu(f"{name}/relu_{names.squeeze}", squeeze)
        + conv(one, squeeze, expanded, 1, filler=XAVIER) + relu(f"{name}/relu_{names.one}", one)
        + conv(three, squeeze, expanded, 3, pad=1, filler=XAVIER) + relu(f"{name}/relu_{names.three}", three)
        + concat(f"{name}/concat", [one, three])
    )  # fmt: skip
