"""Networks with batch normalisation: ResNet and MobileNet, called layer by layer as in their published Caffe weights."""

from __future__ import annotations

from scripts.networks.prototxt import (
    classifier_end,
    conv,
    data,
    definition,
    global_pool,
    inner_product,
    layer,
    norm,
    pool,
    relu,
)

RESNET_CHANNELS = (64, 128, 256, 512)
PAPER = "K. He, X. Zhang, S. Ren, J. Sun: Deep residual learning for image recognition, 2016."


def resnet(depth: int, blocks: tuple[int, ...], *, bottleneck: bool) -> str:
    """Return a ResNet with so many blocks at each of four sizes."""
    text = conv("conv1", "data", 64, 7, stride=2, pad=3, bias=False) + norm("bn_conv1", "scale_conv1", "conv1")
    text += relu("conv1_relu", "conv1") + pool("pool1", "conv1", "MAX", 3, stride=2)
    blob, expansion = "pool1", 4 if bottleneck else 1
    incoming = 64
    for stage, (count, channels) in enumerate(zip(blocks, RESNET_CHANNELS, strict=True), 2):
        for index in range(count):
            name = f"{stage}{'abcdef'[index]}"
            stride = 2 if stage > 2 and index == 0 else 1
            shortcut = blob
            if incoming != channels * expansion or stride != 1:
                shortcut = f"res{name}_branch1"
                text += _unit(f"{name}_branch1", blob, channels * expansion, 1, stride)
            text += _bottleneck(name, blob, channels, stride) if bottleneck else _basic(name, blob, channels, stride)
            last = f"res{name}_branch2{'c' if bottleneck else 'b'}"
            text += layer(
                f"res{name}", "Eltwise", f"{shortcut} {last}", f"res{name}", "eltwise_param { operation: SUM }"
            )
            text += relu(f"res{name}_relu", f"res{name}")
            blob, incoming = f"res{name}", channels * expansion
    return definition(
        f"ResNet-{depth}",
        [
            f"ResNet-{depth} for pictures of 256 x 256, of which it sees 224 x 224; any size from 32 x 32 on will do.",
            PAPER,
        ],
        data(train=32, val=16, crop=224),
        text,
        global_pool("pool5", blob),
        inner_product("fc1000", "pool5", None, filler='type: "msra"'),
        classifier_end("fc1000"),
    )


def _unit(name: str, bottom: str, channels: int, kernel: int, stride: int = 1, *, rectified: bool = False) -> str:
    """Return a convolution with its normalisation, and perhaps a rectifier."""
    blob = f"res{name}"
    text = conv(blob, bottom, channels, kernel, stride=stride, pad=kernel // 2, bias=False)
    return text + norm(f"bn{name}", f"scale{name}", blob) + (relu(f"{blob}_relu", blob) if rectified else "")


def _bottleneck(name: str, bottom: str, channels: int, stride: int) -> str:
    return (
        _unit(f"{name}_branch2a", bottom, channels, 1, stride, rectified=True)
        + _unit(f"{name}_branch2b", f"res{name}_branch2a", channels, 3, rectified=True)
        + _unit(f"{name}_branch2c", f"res{name}_branch2b", 4 * channels, 1)
    )


def _basic(name: str, bottom: str, channels: int, stride: int) -> str:
    return _unit(f"{name}_branch2a", bottom, channels, 3, stride, rectified=True) + _unit(
        f"{name}_branch2b", f"res{name}_branch2a", channels, 3
    )


def resnet18() -> str:
    """Return the paper's 18 layers."""
    return resnet(18, (2, 2, 2, 2), bottleneck=False)


def resnet50() -> str:
    """Return the paper's 50 layers."""
    return resnet(50, (3, 4, 6, 3), bottleneck=True)


MOBILENET = (
    ("2_1", 64, 1), ("2_2", 128, 2), ("3_1", 128, 1), ("3_2", 256, 2), ("4_1", 256, 1), ("4_2", 512, 2), ("5_1", 512, 1),
    ("5_2", 512, 1), ("5_3", 512, 1), ("5_4", 512, 1), ("5_5", 512, 1), ("5_6", 1024, 2), ("6", 1024, 1),
)  # fmt: skip
"""The paper's table 1: name, channels and stride of each pair of a depthwise and a pointwise convolution."""
MOBILENETV2 = (
    ("2_1", 1, 16, 1), ("2_2", 6, 24, 2), ("3_1", 6, 24, 1), ("3_2", 6, 32, 2), ("4_1", 6, 32, 1), ("4_2", 6, 32, 1),
    ("4_3", 6, 64, 2), ("4_4", 6, 64, 1), ("4_5", 6, 64, 1), ("4_6", 6, 64, 1), ("4_7", 6, 96, 1), ("5_1", 6, 96, 1),
    ("5_2", 6, 96, 1), ("5_3", 6, 160, 2), ("6_1", 6, 160, 1), ("6_2", 6, 160, 1), ("6_3", 6, 320, 1),
)  # fmt: skip
"""The paper's table 2: name, expansion, channels and stride of each inverted residual."""


def mobilenet() -> str:
    """Return MobileNet with all channels (width 1) for the largest pictures of the paper."""
    text = _conv_norm("conv1", "relu1", "data", 32, 3, stride=2)
    blob, incoming = "conv1", 32
    for name, channels, stride in MOBILENET:
        depthwise, pointwise = f"conv{name}/dw", f"conv{name}/sep"
        text += _conv_norm(depthwise, f"relu{name}/dw", blob, incoming, 3, stride=stride, group=incoming)
        text += _conv_norm(pointwise, f"relu{name}/sep", depthwise, channels, 1)
        blob, incoming = pointwise, channels
    return definition(
        "MobileNet",
        [
            "MobileNet for pictures of 256 x 256, of which it sees 224 x 224. It ends in a convolution that makes one channel a class.",
            "A. G. Howard, M. Zhu, B. Chen, D. Kalenichenko, W. Wang, T. Weyand, M. Andreetto, H. Adam: MobileNets, 2017.",
        ],
        data(train=32, val=16, crop=224), text, _mobile_end(blob),
    )  # fmt: skip


def mobilenetv2() -> str:
    """Return MobileNetV2 (width 1). ReLU6 is a rectifier here, as in its published Caffe weights."""
    text = _conv_norm("conv1", "relu1", "data", 32, 3, stride=2)
    blob, incoming = "conv1", 32
    for name, expansion, channels, stride in MOBILENETV2:
        expand, depthwise, linear = f"conv{name}/expand", f"conv{name}/dwise", f"conv{name}/linear"
        entrance, wide = blob, incoming * expansion
        if expansion > 1:
            text += _conv_norm(expand, f"relu{name}/expand", blob, wide, 1)
            entrance = expand
        text += _conv_norm(depthwise, f"relu{name}/dwise", entrance, wide, 3, stride=stride, group=wide)
        text += _conv_norm(linear, "", depthwise, channels, 1)
        if stride == 1 and channels == incoming:
            text += layer(f"block_{name}", "Eltwise", f"{blob} {linear}", f"block_{name}")
            linear = f"block_{name}"
        blob, incoming = linear, channels
    return definition(
        "MobileNetV2",
        [
            "MobileNetV2 for pictures of 256 x 256, of which it sees 224 x 224. It ends in a convolution that makes one channel a class.",
            "M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen: MobileNetV2: Inverted residuals and linear bottlenecks, 2018.",
        ],
        data(train=32, val=16, crop=224), text, _conv_norm("conv6_4", "relu6_4", blob, 1280, 1), _mobile_end("conv6_4"),
    )  # fmt: skip


def _mobile_end(bottom: str) -> str:
    return global_pool("pool6", bottom) + conv("fc7", "pool6", None, 1) + classifier_end("fc7")


def _conv_norm(
    name: str, rectifier: str, bottom: str, channels: int, kernel: int, *, stride: int = 1, group: int = 1
) -> str:
    text = conv(name, bottom, channels, kernel, stride=stride, pad=kernel // 2, group=group, bias=False)
    return text + norm(f"{name}/bn", f"{name}/scale", name) + (relu(rectifier, name) if rectifier else "")
