"""Inception v3, called layer by layer as in its published Caffe weights."""

from __future__ import annotations

from scripts.networks.prototxt import (
    Size,
    classifier_end,
    concat,
    conv,
    data,
    definition,
    dropout,
    global_pool,
    inner_product,
    norm,
    pool,
    relu,
)

EPS = 0.001
"""The paper's, for its batch normalisations."""
PADS: dict[Size, Size] = {1: 0, 3: 1, 5: 2, (1, 7): (0, 3), (7, 1): (3, 0), (1, 3): (0, 1), (3, 1): (1, 0)}
"""What keeps a picture's size."""


def inception_v3() -> str:
    """Return the paper's network of 48 layers, without its side classifier, which no published Caffe weights have."""
    text = (
        _unit("conv1_3x3_s2", "data", 32, 3, stride=2, pad=0, relu_name="conv1_3x3_relu")
        + _unit("conv2_3x3_s1", "conv1_3x3_s2", 32, 3, pad=0, relu_name="conv2_3x3_relu")
        + _unit("conv3_3x3_s1", "conv2_3x3_s1", 64, 3, relu_name="conv3_3x3_relu")
        + pool("pool1_3x3_s2", "conv3_3x3_s1", "MAX", 3, stride=2)
        + _unit("conv4_3x3_reduce", "pool1_3x3_s2", 80, 1, relu_name="conv4_relu_3x3_reduce")
        + _unit("conv4_3x3", "conv4_3x3_reduce", 192, 3, pad=0, relu_name="conv4_relu_3x3")
        + pool("pool2_3x3_s2", "conv4_3x3", "MAX", 3, stride=2)
    )
    blob = "pool2_3x3_s2"
    for index, projected in enumerate((32, 64, 64), 1):
        text += _block_a(f"inception_a{index}", blob, projected)
        blob = f"inception_a{index}_output"
    text += _reduction_a(blob)
    blob = "reduction_a_concat"
    for index, channels in enumerate((128, 160, 160, 192), 1):
        text += _block_b(f"inception_b{index}", blob, channels)
        blob = f"inception_b{index}_concat"
    text += _reduction_b(blob)
    blob = "reduction_b_concat"
    for index in (1, 2):
        text += _block_c(f"inception_c{index}", blob)
        blob = f"inception_c{index}_concat"
    return definition(
        "Inception-v3",
        [
            "Inception v3 for pictures of 299 x 299; of larger ones it sees so much. The side classifier of the paper is left out.",
            "C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna: Rethinking the Inception architecture for computer vision, 2016.",
        ],
        data(train=32, val=16, crop=299), text,
        global_pool("pool_8x8_s1", blob), dropout("pool_8x8_s1_drop", "pool_8x8_s1", 0.2),
        inner_product("classifier", "pool_8x8_s1", None), classifier_end("classifier"),
    )  # fmt: skip


def _unit(
    name: str, bottom: str, channels: int, kernel: Size, *, stride: int = 1, pad: Size | None = None, relu_name: str = ""
) -> str:  # fmt: skip
    """Return a convolution, normalised and rectified."""
    around = PADS[kernel] if pad is None else pad
    text = conv(name, bottom, channels, kernel, stride=stride, pad=around, bias=False)
    return text + norm(f"{name}_bn", f"{name}_scale", name, eps=EPS) + relu(relu_name or f"{name}_relu", name)


def _chain(prefix: str, bottom: str, *steps: tuple[str, int, Size]) -> str:
    """Return units one after another; each step is what its name ends in, its channels and its kernel."""
    text, blob = "", bottom
    for ending, channels, kernel in steps:
        text += _unit(f"{prefix}_{ending}", blob, channels, kernel)
        blob = f"{prefix}_{ending}"
    return text


def _block_a(name: str, bottom: str, projected: int) -> str:
    return (
        _unit(f"{name}_1x1", bottom, 64, 1)
        + _chain(name, bottom, ("5x5_reduce", 48, 1), ("5x5", 64, 5))
        + _chain(name, bottom, ("3x3_reduce", 64, 1), ("3x3_1", 96, 3), ("3x3_2", 96, 3))
        + pool(f"{name}_pool", bottom, "AVE", 3, pad=1)
        + _unit(f"{name}_pool_proj", f"{name}_pool", projected, 1)
        + concat(f"{name}_output", [f"{name}_{ending}" for ending in ("1x1", "5x5", "3x3_2", "pool_proj")])
    )


def _reduction_a(bottom: str) -> str:
    name = "reduction_a"
    return (
        pool(f"{name}_pool", bottom, "MAX", 3, stride=2, down=True)
        + _unit(f"{name}_3x3", bottom, 384, 3, stride=2, pad=0)
        + _chain(name, bottom, ("3x3_2_reduce", 64, 1), ("3x3_2", 96, 3))
        + _unit(f"{name}_3x3_3", f"{name}_3x3_2", 96, 3, stride=2, pad=0)
        + concat(f"{name}_concat", [f"{name}_{ending}" for ending in ("3x3", "3x3_3", "pool")])
    )


def _block_b(name: str, bottom: str, channels: int) -> str:
    wide, tall = (1, 7), (7, 1)
    return (
        pool(f"{name}_pool_ave", bottom, "AVE", 3, pad=1)
        + _unit(f"{name}_1x1", f"{name}_pool_ave", 192, 1)
        + _unit(f"{name}_1x1_2", bottom, 192, 1)
        + _chain(name, bottom, ("1x7_reduce", channels, 1), ("1x7", channels, wide), ("7x1", 192, tall))
        + _chain(
            name, bottom, ("7x1_reduce", channels, 1), ("7x1_2", channels, tall), ("1x7_2", channels, wide),
            ("7x1_3", channels, tall), ("1x7_3", 192, wide),
        )
        + concat(f"{name}_concat", [f"{name}_{ending}" for ending in ("1x1_2", "7x1", "1x7_3", "1x1")])
    )  # fmt: skip


def _reduction_b(bottom: str) -> str:
    name = "reduction_b"
    return (
        pool(f"{name}_pool", bottom, "MAX", 3, stride=2, down=True)
        + _unit(f"{name}_3x3_reduce", bottom, 192, 1)
        + _unit(f"{name}_3x3", f"{name}_3x3_reduce", 320, 3, stride=2, pad=0)
        + _chain(name, bottom, ("1x7_reduce", 192, 1), ("1x7", 192, (1, 7)), ("7x1", 192, (7, 1)))
        + _unit(f"{name}_3x3_2", f"{name}_7x1", 192, 3, stride=2, pad=0)
        + concat(f"{name}_concat", [f"{name}_{ending}" for ending in ("3x3", "3x3_2", "pool")])
    )


def _block_c(name: str, bottom: str) -> str:
    endings = ("1x1_2", "1x3", "3x1", "1x3_2", "3x1_2", "1x1")
    return (
        pool(f"{name}_pool", bottom, "AVE", 3, pad=1)
        + _unit(f"{name}_1x1", f"{name}_pool", 192, 1)
        + _unit(f"{name}_1x1_2", bottom, 320, 1)
        + _unit(f"{name}_1x3_reduce", bottom, 384, 1)
        + _unit(f"{name}_1x3", f"{name}_1x3_reduce", 384, (1, 3))
        + _unit(f"{name}_3x1", f"{name}_1x3_reduce", 384, (3, 1))
        + _chain(name, bottom, ("3x3_reduce", 448, 1), ("3x3", 384, 3))
        + _unit(f"{name}_1x3_2", f"{name}_3x3", 384, (1, 3))
        + _unit(f"{name}_3x1_2", f"{name}_3x3", 384, (3, 1))
        + concat(f"{name}_concat", [f"{name}_{ending}" for ending in endings])
    )
