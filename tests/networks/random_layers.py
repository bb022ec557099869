"""Steps that add a layer which computes: each picks bottoms and settings by chance."""

from __future__ import annotations

from math import prod

import numpy as np

from tests.networks.drawn import Drawn, Shape


def filler(net: Drawn, word: str = "filler") -> str:
    """Return a filler's text, or none. Its values are of no account: parameters are drawn."""
    kinds = (
        'type: "gaussian" std: 0.1',
        'type: "uniform" min: -1',
        "value: 0.3",
        'type: "msra" variance_norm: FAN_OUT',
        'type: "xavier"',
    )
    return net.maybe(0.3, *(f"{word} {{ {kind} }}" for kind in kinds))


def learnt(
    net: Drawn, kind: str, bottoms: list[str], settings: str, blobs: int, *, tops: int = 1, in_place: bool = False
) -> None:
    """Add a layer with parameters, whose learning and names are drawn; or give the settings of an earlier one of its kind once more."""
    again = [each for each in net.shared if each[0] == kind]
    specs = []
    if again and net.rng.random() < 0.5:
        _, settings, number = net.rng.choice(again)
        mode = net.maybe(0.5, "share_mode: PERMISSIVE", "share_mode: STRICT")
        specs = [f'param {{ name: "w{number}_{index}" {mode} }}' for index in range(blobs)]
    elif net.rng.random() < 0.25:
        net.count += 1
        specs = [f'param {{ name: "w{net.count}_{index}" }}' for index in range(blobs)]
        net.shared.append((kind, settings, net.count))
    elif net.rng.random() < 0.3:
        rates = ("lr_mult: 0", "lr_mult: 2 decay_mult: 0", "lr_mult: 0.5", "")
        specs = [f"param {{ {net.rng.choice(rates)} }}" for _ in range(net.rng.randint(1, blobs))]
    net.add(kind, bottoms, f"{' '.join(specs)} {settings}", tops=tops, may_overwrite=in_place)


def per_axis(
    net: Drawn, name: str, most: int, num_axes: int, *, least: int = 1, pair: tuple[str, str] | None = None
) -> str:
    """Return a size as Caffe takes it: one for all axes, one for each, or a pair."""
    numbers = [net.rng.randint(least, most) for _ in range(num_axes)]
    if pair and num_axes == 2 and net.rng.random() < 0.3:
        return f"{pair[0]}: {numbers[0]} {pair[1]}: {numbers[1]}"
    if net.rng.random() < 0.3:
        return " ".join(f"{name}: {number}" for number in numbers)
    return f"{name}: {numbers[0]}"


def window(net: Drawn, num_axes: int) -> str:
    """Return kernel, stride, pad and dilation."""
    return " ".join((
        per_axis(net, "kernel_size", 3, num_axes, pair=("kernel_h", "kernel_w")),
        net.maybe(0.5, per_axis(net, "stride", 3, num_axes, pair=("stride_h", "stride_w"))),
        net.maybe(0.5, per_axis(net, "pad", 2, num_axes, least=0, pair=("pad_h", "pad_w"))),
        net.maybe(0.3, per_axis(net, "dilation", 2, num_axes)),
    ))  # fmt: skip


def convolution(net: Drawn) -> None:
    bottom = net.pick(dims=(2, 3, 4, 4, 4, 5))
    if bottom is None:
        return
    num_axes, axis = len(net.shapes[bottom]), 1
    if num_axes > 2 and net.rng.random() < 0.15:
        axis = net.rng.choice((2, -1, -2))
    spatial = num_axes - 1 - axis % num_axes
    if spatial < 1:
        return
    bias = net.rng.random() < 0.7
    group = net.rng.choice((1, 1, 2, net.shapes[bottom][axis]))
    texts = (
        f"num_output: {group * net.rng.randint(1, 3)} group: {group}", window(net, spatial), "" if bias else "bias_term: false",
        f"axis: {axis}" if axis != 1 else "", net.maybe(0.1, "engine: CAFFE"), net.maybe(0.1, "force_nd_im2col: true"),
        filler(net, "weight_filler"), filler(net, "bias_filler"),
    )  # fmt: skip
    bottoms = [bottom]
    if net.rng.random() < 0.1:
        bottoms.append(net.pick(like=net.shapes[bottom]) or bottom)
        if bottoms[0] == bottoms[1]:
            bottoms.pop()
    kind = net.rng.choice(("Convolution", "Convolution", "Deconvolution"))
    learnt(net, kind, bottoms, f"convolution_param {{ {' '.join(texts)} }}", 1 + bias, tops=len(bottoms))


def im2col(net: Drawn) -> None:
    bottom = net.pick(dims=(3, 4, 4, 5))
    if bottom:
        net.add("Im2col", [bottom], f"convolution_param {{ {window(net, len(net.shapes[bottom]) - 2)} }}")


def pooling(net: Drawn) -> None:
    bottom = net.pick(dims=(4,))
    if bottom is None:
        return
    rng, tops = net.rng, 1
    pool = rng.choice(("MAX", "MAX", "AVE", "SUM"))
    if rng.random() < 0.15:
        size = "global_pooling: true" + net.maybe(0.3, " stride: 1", " pad: 0")
    elif rng.random() < 0.3:
        h, w = rng.randint(1, 5), rng.randint(1, 5)
        size = f"kernel_h: {h} kernel_w: {w} pad_h: {rng.randrange(h)} pad_w: {rng.randrange(w)} stride_h: {rng.randint(1, 4)} stride_w: {rng.randint(1, 4)}"
    else:
        kernel = rng.randint(1, 5)
        size = f"kernel_size: {kernel} stride: {rng.randint(1, 4)} pad: {rng.randrange(kernel)}"
    if pool == "MAX" and rng.random() < 0.2:
        tops = 2
    net.add(
        "Pooling", [bottom], f"pooling_param {{ pool: {pool} {size} {net.maybe(0.2, 'round_mode: FLOOR')} }}", tops=tops
    )


def spp(net: Drawn) -> None:
    bottom = net.pick(dims=(4,))
    if bottom:
        net.add(
            "SPP",
            [bottom],
            f"spp_param {{ pool: {net.rng.choice(('MAX', 'AVE'))} pyramid_height: {net.rng.randint(1, 3)} }}",
        )


def lrn(net: Drawn) -> None:
    bottom = net.pick(dims=(4,))
    if bottom:
        rng = net.rng
        region = rng.choice(("ACROSS_CHANNELS", "WITHIN_CHANNEL"))
        numbers = f"local_size: {rng.choice((1, 3, 5, 7))} alpha: {rng.uniform(0.01, 2)} beta: {rng.choice((0.75, 0.5, 1.2))} k: {rng.choice((1, 2))}"
        net.add("LRN", [bottom], f"lrn_param {{ norm_region: {region} {numbers} }}")


def inner_product(net: Drawn) -> None:
    bottom = net.pick()
    if bottom is None or not net.shapes[bottom]:
        return
    num_axes, bias = len(net.shapes[bottom]), net.rng.random() < 0.7
    axis = net.rng.choice((1, 1, 1, 0, -1, net.rng.randrange(num_axes)))
    texts = (
        f"num_output: {net.rng.randint(1, 5)}", "" if axis == 1 else f"axis: {axis}", net.maybe(0.3, "transpose: true"),
        "" if bias else "bias_term: false", filler(net, "weight_filler"), filler(net, "bias_filler"),
    )  # fmt: skip
    learnt(net, "InnerProduct", [bottom], f"inner_product_param {{ {' '.join(texts)} }}", 1 + bias)


def value(net: Drawn) -> None:
    """A layer that keeps the shape and has no parameters."""
    bottom = net.pick()
    if bottom is None:
        return
    kind, settings = net.rng.choice(VALUES)
    if kind == "Dropout" and net.phase == "TRAIN":  # it draws
        return
    net.add(kind, [bottom], settings, may_overwrite=kind not in ("AbsVal", "MVN"))


def normalised(net: Drawn) -> None:
    bottom = net.pick()
    shape: Shape = net.shapes[bottom] if bottom else ()
    if bottom is None or not shape:
        return
    kind = net.rng.choice(("BatchNorm", "BatchNorm", "MVN", "Normalize"))
    if kind == "Normalize":
        texts = (
            net.maybe(0.5, "across_spatial: false"),
            net.maybe(0.5, "channel_shared: false"),
            filler(net, "scale_filler"),
        )
        learnt(net, kind, [bottom], f"norm_param {{ {' '.join(texts)} }}", 1)
    elif kind == "MVN":
        texts = (net.maybe(0.4, "across_channels: true"), net.maybe(0.3, "normalize_variance: false"), "")
        if prod(shape[2:]) > 2:  # Caffe's gradient is not exact where two values are all there is
            net.add(kind, [bottom], f"mvn_param {{ {' '.join(texts)} }}")
    elif prod(shape) // (shape[1] if len(shape) > 1 else 1) > 2:
        texts = (
            net.maybe(0.4, "use_global_stats: true", "use_global_stats: false"),
            net.maybe(0.3, "eps: 0.01"),
            net.maybe(0.3, "moving_average_fraction: 0.7"),
        )
        net.add(kind, [bottom], f"batch_norm_param {{ {' '.join(texts)} }}", may_overwrite=True)


def scaled(net: Drawn) -> None:
    """Scale, Bias or PReLU, of learnt values or of another blob's."""
    bottom = net.pick()
    if bottom is None or not net.shapes[bottom]:
        return
    shape, rng = net.shapes[bottom], net.rng
    kind = rng.choice(("Scale", "Scale", "Bias", "PReLU"))
    if kind == "PReLU":
        learnt(
            net,
            kind,
            [bottom],
            f"prelu_param {{ {net.maybe(0.4, 'channel_shared: true')} {filler(net)} }}",
            1,
            in_place=True,
        )
        return
    axis = rng.randrange(len(shape))
    count = rng.choice((1, 0, -1, rng.randint(0, len(shape) - axis)))
    with_bias = kind == "Scale" and rng.random() < 0.5
    texts = [f"axis: {axis - rng.choice((0, len(shape)))}", "bias_term: true" if with_bias else ""]
    if rng.random() < 0.35:
        most = rng.randint(0, len(shape) - axis)
        other = net.give(np.random.default_rng(net.count).normal(size=shape[axis : axis + most]), "operand")
        if rng.random() < 0.5:
            del net.given[other]
            net.shapes[other] = shape[axis : axis + most]
        net.add(kind, [bottom, other], f"{kind.lower()}_param {{ {' '.join(texts)} }}", may_overwrite=True)
        return
    texts += [f"num_axes: {count}", filler(net), filler(net, "bias_filler") if kind == "Scale" else ""]
    learnt(net, kind, [bottom], f"{kind.lower()}_param {{ {' '.join(texts)} }}", 1 + with_bias, in_place=True)


def recurrent(net: Drawn) -> None:
    bottom = net.pick(dims=(2, 3, 4))
    if bottom is None:
        return
    (steps, sequences, *_), rng = net.shapes[bottom], net.rng
    kind, out, exposed = rng.choice(("LSTM", "RNN")), rng.randint(1, 4), rng.random() < 0.4
    marks = np.array([[float(rng.random() < 0.7 and t > 0) for _ in range(sequences)] for t in range(steps)])
    bottoms, states = [bottom, net.give(marks)], 2 if kind == "LSTM" else 1
    has_static = rng.random() < 0.3
    if has_static:
        bottoms.append(net.give(np.random.default_rng(net.count).normal(size=(sequences, rng.randint(1, 3)))))
    if exposed:
        draw = np.random.default_rng(net.count)
        bottoms += [net.give(draw.normal(size=(1, sequences, out))) for _ in range(states)]
    texts = (
        f"num_output: {out}",
        "expose_hidden: true" if exposed else "",
        filler(net, "weight_filler"),
        filler(net, "bias_filler"),
    )
    blobs = (3 if kind == "LSTM" else 5) + has_static
    learnt(net, kind, bottoms, f"recurrent_param {{ {' '.join(texts)} }}", blobs, tops=1 + states * exposed)


def parameter(net: Drawn) -> None:
    sizes = [net.rng.randint(1, 4) for _ in range(net.rng.randint(1, 4))]
    learnt(net, "Parameter", [], f"parameter_param {{ shape {{ {' '.join(f'dim: {size}' for size in sizes)} }} }}", 1)


VALUES = (
    ("ReLU", ""), ("ReLU", "relu_param { negative_slope: 0.1 }"), ("ELU", ""), ("ELU", "elu_param { alpha: 0.4 }"),
    ("Sigmoid", ""), ("TanH", ""), ("AbsVal", ""), ("BNLL", ""), ("Swish", ""), ("Swish", "swish_param { beta: 0.7 }"),
    ("Clip", "clip_param { min: -1 max: 1.5 }"), ("Power", "power_param { scale: 0.5 shift: 0.1 }"), ("Power", "power_param { shift: -0.4 }"),
    ("Power", "power_param { power: 2 scale: 0.3 }"), ("Power", "power_param { power: 0 }"), ("Power", "power_param { scale: 0 shift: 2 power: 3 }"),
    ("Power", "power_param { power: 3 scale: 0.3 shift: 0.2 }"), ("Exp", "exp_param { scale: 0.3 }"),
    ("Exp", "exp_param { base: 2 scale: 0.5 shift: -1 }"), ("Softmax", ""), ("Softmax", "softmax_param { axis: -1 }"), ("Softmax", "softmax_param { axis: 0 }"),
    ("Dropout", "dropout_param { dropout_ratio: 0.3 }"),
)  # fmt: skip
