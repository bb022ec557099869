"""Caffe's text format, layer by layer: what the definitions of this folder are written with.

Each function returns one layer, or a few that belong together, as text; a definition is their concatenation. Sizes are (height, width)
where they are pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Size = int | tuple[int, int]

BIASED = ("param { lr_mult: 1 decay_mult: 1 }", "param { lr_mult: 2 decay_mult: 0 }")
"""What Caffe's classic networks say of weights and biases: biases learn twice as fast and do not decay."""
FIXED = ("param { lr_mult: 0 decay_mult: 0 }",)
LEARNS, VALIDATES, ANSWERS = (f'include {{ stage: "{stage}" }}' for stage in ("train", "val", "deploy"))
NOT_ANSWERS = 'exclude { stage: "deploy" }'


def definition(name: str, comments: Iterable[str], *layers: str) -> str:
    """Return a whole definition: comments, name, layers."""
    return "".join(f"# {comment}\n" for comment in comments) + f'name: "{name}"\n' + "".join(layers)


def layer(name: str, kind: str, bottoms: str, tops: str, *lines: str, comment: str = "") -> str:
    """Return one layer; several bottoms or tops are parted by blanks, and each of ``lines`` stands on a line of its own."""
    body = [f'type: "{kind}"']
    body += [f'bottom: "{each}"' for each in bottoms.split()]
    body += [f'top: "{each}"' for each in tops.split()]
    words = f"  # {comment}" if comment else ""
    return f'layer {{\n  name: "{name}"{words}\n' + "".join(f"  {line}\n" for line in [*body, *lines]) + "}\n"


def data(*, train: int, val: int, crop: int, mirror: bool = True) -> str:
    """Return the two data layers of a classifier, whose databases DIGITS fills in, with their batch sizes."""
    flip = "mirror: true " if mirror else ""
    return layer(
        "train-data", "Data", "", "data label", f"transform_param {{ {flip}crop_size: {crop} }}",
        f"data_param {{ batch_size: {train} }}", LEARNS,
    ) + layer(
        "val-data", "Data", "", "data label", f"transform_param {{ crop_size: {crop} }}",
        f"data_param {{ batch_size: {val} }}", VALIDATES,
    )  # fmt: skip


def conv(
    name: str, bottom: str, num_output: int | None, kernel: Size, *, stride: int = 1, pad: Size = 0, group: int = 1,
    bias: bool = True, filler: str = 'type: "msra"', bias_value: float = 0, top: str = "", lines: Sequence[str] | None = None,
) -> str:  # fmt: skip
    """Return a convolution; without ``num_output`` it makes one channel a class."""
    fields = [] if num_output is None else [f"num_output: {num_output}"]
    fields += _size("kernel", kernel)
    fields += [f"stride: {stride}"] if stride != 1 else []
    fields += _size("pad", pad) if pad else []
    fields += [f"group: {group}"] if group != 1 else []
    fields += [] if bias else ["bias_term: false"]
    fillers = [f"weight_filler {{ {filler} }}", *(_bias_filler(bias_value) if bias else ())]
    rates = (BIASED if bias else ()) if lines is None else lines
    return layer(
        name, "Convolution", bottom, top or name, *rates, *_block("convolution_param", " ".join(fields), fillers),
        comment="" if num_output else "num_output is the number of classes",
    )  # fmt: skip


def inner_product(
    name: str, bottom: str, num_output: int | None, *, filler: str = 'type: "xavier"', bias_value: float = 0
) -> str:
    """Return a fully connected layer; without ``num_output`` it makes one value a class."""
    fillers = [f"weight_filler {{ {filler} }}", *_bias_filler(bias_value)]
    return layer(
        name, "InnerProduct", bottom, name, *BIASED,
        *_block("inner_product_param", f"num_output: {num_output}" if num_output else "", fillers),
        comment="" if num_output else "num_output is the number of classes",
    )  # fmt: skip


def relu(name: str, blob: str) -> str:
    """Return a rectifier in place."""
    return layer(name, "ReLU", blob, blob)


def dropout(name: str, blob: str, ratio: float = 0.5) -> str:
    """Return a dropout in place."""
    return layer(name, "Dropout", blob, blob, f"dropout_param {{ dropout_ratio: {ratio:g} }}")


def pool(name: str, bottom: str, method: str, kernel: int, *, stride: int = 1, pad: int = 0, down: bool = False) -> str:
    """Return a pooling, "MAX" or "AVE"; ``down`` rounds its size down, as convolutions do beside it."""
    fields = f"pool: {method} kernel_size: {kernel} stride: {stride}" + (f" pad: {pad}" if pad else "")
    fields += " round_mode: FLOOR" if down else ""
    return layer(name, "Pooling", bottom, name, f"pooling_param {{ {fields} }}")


def global_pool(name: str, bottom: str) -> str:
    """Return the mean over all places, so that the network takes pictures of any size."""
    return layer(name, "Pooling", bottom, name, "pooling_param { pool: AVE global_pooling: true }")


def lrn(name: str, bottom: str) -> str:
    """Return AlexNet's normalisation across 5 channels."""
    return layer(name, "LRN", bottom, name, "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }")


def norm(bn: str, scale: str, blob: str, *, eps: float = 1e-5) -> str:
    """Return a batch normalisation and its learnt factor and bias, in place.

    Its statistics are of the last 20 batches or so: Caffe's 0.999 would take an epoch of many small datasets to settle.
    """
    extra = f" eps: {eps:g}" if eps != 1e-5 else ""
    return layer(bn, "BatchNorm", blob, blob, f"batch_norm_param {{ moving_average_fraction: 0.95{extra} }}") + layer(
        scale, "Scale", blob, blob, "scale_param { bias_term: true }"
    )


def concat(name: str, bottoms: Iterable[str]) -> str:
    """Return the channels of several blobs in one."""
    return layer(name, "Concat", " ".join(bottoms), name)


def classifier_end(blob: str) -> str:
    """Return what is measured in training and validation, and the answer."""
    return (
        layer("accuracy", "Accuracy", f"{blob} label", "accuracy", VALIDATES)
        + layer("accuracy-top5", "Accuracy", f"{blob} label", "accuracy-top5", "accuracy_param { top_k: 5 }", VALIDATES)
        + layer("loss", "SoftmaxWithLoss", f"{blob} label", "loss", NOT_ANSWERS)
        + layer("softmax", "Softmax", blob, "softmax", ANSWERS)
    )


def _bias_filler(value: float) -> list[str]:
    return [f'bias_filler {{ type: "constant"{f" value: {value:g}" if value else ""} }}']


def _size(name: str, size: Size) -> list[str]:
    if isinstance(size, tuple):
        return [f"{name}_h: {size[0]}", f"{name}_w: {size[1]}"]
    return [f"{name}_size: {size}" if name == "kernel" else f"{name}: {size}"]


def _block(name: str, fields: str, fillers: Iterable[str]) -> list[str]:
    """Return a message of a layer on several lines: its numbers, then its fillers."""
    return [f"{name} {{", *(f"  {line}" for line in [fields, *fillers] if line), "}"]
