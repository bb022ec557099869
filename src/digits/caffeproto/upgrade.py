"""Definitions in an old form become the current one: V0 and V1 layers, and inputs that stand beside the layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from digits.caffeproto import caffe_pb2
from digits.caffeproto.place import did_you_mean, place, shown
from digits.core.errors import NetworkError

Net = caffe_pb2.NetParameter
V1 = caffe_pb2.V1LayerParameter
V0 = caffe_pb2.V0LayerParameter

_V1_NAMES = {
    "ABSVAL": "AbsVal",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "IM2COL": "Im2col",
    "LRN": "LRN",
    "MVN": "MVN",
    "RELU": "ReLU",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "TANH": "TanH",
}
"""The others are written CamelCase: INNER_PRODUCT is InnerProduct."""

_V0_NAMES = {
    "accuracy": "ACCURACY",
    "bnll": "BNLL",
    "concat": "CONCAT",
    "conv": "CONVOLUTION",
    "data": "DATA",
    "dropout": "DROPOUT",
    "euclidean_loss": "EUCLIDEAN_LOSS",
    "flatten": "FLATTEN",
    "hdf5_data": "HDF5_DATA",
    "hdf5_output": "HDF5_OUTPUT",
    "im2col": "IM2COL",
    "images": "IMAGE_DATA",
    "infogain_loss": "INFOGAIN_LOSS",
    "innerproduct": "INNER_PRODUCT",
    "lrn": "LRN",
    "multinomial_logistic_loss": "MULTINOMIAL_LOGISTIC_LOSS",
    "pool": "POOLING",
    "relu": "RELU",
    "sigmoid": "SIGMOID",
    "softmax": "SOFTMAX",
    "softmax_loss": "SOFTMAX_LOSS",
    "split": "SPLIT",
    "tanh": "TANH",
    "window_data": "WINDOW_DATA",
}
_V0_FIELDS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "conv": (
        "convolution_param",
        {
            "num_output": "num_output",
            "biasterm": "bias_term",
            "weight_filler": "weight_filler",
            "bias_filler": "bias_filler",
            "pad": "pad",
            "kernelsize": "kernel_size",
            "group": "group",
            "stride": "stride",
        },
    ),
    "innerproduct": (
        "inner_product_param",
        {
            "num_output": "num_output",
            "biasterm": "bias_term",
            "weight_filler": "weight_filler",
            "bias_filler": "bias_filler",
        },
    ),
    "pool": ("pooling_param", {"pool": "pool", "pad": "pad", "kernelsize": "kernel_size", "stride": "stride"}),
    "dropout": ("dropout_param", {"dropout_ratio": "dropout_ratio"}),
    "lrn": ("lrn_param", {"local_size": "local_size", "alpha": "alpha", "beta": "beta", "k": "k"}),
    "concat": ("concat_param", {"concat_dim": "concat_dim"}),
    "data": ("data_param", {"source": "source", "batchsize": "batch_size", "rand_skip": "rand_skip"}),
    "hdf5_data": ("hdf5_data_param", {"source": "source", "batchsize": "batch_size"}),
    "images": (
        "image_data_param",
        {
            "source": "source",
            "batchsize": "batch_size",
            "rand_skip": "rand_skip",
            "shuffle_images": "shuffle",
            "new_height": "new_height",
            "new_width": "new_width",
        },
    ),
    "infogain_loss": ("infogain_loss_param", {"source": "source"}),
    "window_data": (
        "window_data_param",
        {
            "source": "source",
            "batchsize": "batch_size",
            "det_fg_threshold": "fg_threshold",
            "det_bg_threshold": "bg_threshold",
            "det_fg_fraction": "fg_fraction",
            "det_context_pad": "context_pad",
            "det_crop_mode": "crop_mode",
        },
    ),
}
_V0_TRANSFORM = {"scale": "scale", "meanfile": "mean_file", "cropsize": "crop_size", "mirror": "mirror"}
_TRANSFORM = ("scale", "mean_file", "crop_size", "mirror")


def upgrade_net(net: Net, *, where: str = "") -> Net:
    """Return ``net`` in the current form; the very one where nothing is old.

    Raises:
        NetworkError: current and old layers stand together, or an old layer has no type that is known.
    """
    if not net.layers and not net.input:
        upgraded = net
    else:
        if net.layers and net.layer:
            line = net.layers[0].Extensions[caffe_pb2.source_v1].line
            raise NetworkError(
                "The network has both 'layer' and 'layers' (the old form).",
                where=place(where, line),
                hint="Use 'layer' alone.",
            )
        upgraded = Net()
        upgraded.CopyFrom(net)
        for name in ("layers", "layer", "input", "input_shape", "input_dim"):
            upgraded.ClearField(name)
        if net.input:
            upgraded.layer.append(_input_layer(net, where))
        upgraded.layer.extend(net.layer)
        old = _v0_to_v1(net.layers, where) if any(layer.HasField("layer") for layer in net.layers) else net.layers
        upgraded.layer.extend(_v1_to_v2(layer, where) for layer in old)
    return _move_transforms(upgraded)


def with_input_fields(net: Net) -> Net:
    """Return a current network whose inputs stand beside the layers, the one form that Caffe of any age and OpenCV read.

    It is the other way of what ``upgrade_net`` does. Input layers that say no shape stay.
    """
    made = Net()
    made.CopyFrom(net)
    del made.layer[:]
    for layer in net.layer:
        shapes = list(layer.input_param.shape)
        if layer.type == "Input" and shapes:
            made.input.extend(layer.top)
            made.input_shape.extend(shapes * len(layer.top) if len(shapes) == 1 else shapes)
        else:
            made.layer.append(layer)
    return made


def _input_layer(net: Net, where: str) -> caffe_pb2.LayerParameter:
    layer = caffe_pb2.LayerParameter(name="input", type="Input", top=net.input)
    if net.input_shape:
        shapes = [list(shape.dim) for shape in net.input_shape]
    else:
        dims = list(net.input_dim)
        shapes = [dims[start : start + 4] for start in range(0, len(dims), 4)]
    if shapes and (len(shapes) not in (1, len(net.input)) or (net.input_dim and len(net.input_dim) % 4)):
        given = f"{len(net.input_dim)} input_dim" if net.input_dim else f"{len(shapes)} input_shape"
        raise NetworkError(
            f"The network has {len(net.input)} input and {given}.",
            where=where,
            hint="Each input takes one input_shape, or four input_dim.",
        )
    layer.input_param.shape.extend(caffe_pb2.BlobShape(dim=shape) for shape in shapes)
    return layer


def _v1_to_v2(old: V1, where: str) -> caffe_pb2.LayerParameter:
    layer = caffe_pb2.LayerParameter(
        name=old.name, type=_v1_type(old, where), bottom=old.bottom, top=old.top, loss_weight=old.loss_weight
    )
    source = old.Extensions[caffe_pb2.source_v1]
    if source.line:
        layer.Extensions[caffe_pb2.source].CopyFrom(source)
    layer.blobs.extend(old.blobs)
    layer.include.extend(old.include)
    layer.exclude.extend(old.exclude)
    num_params = max(len(old.param), len(old.blob_share_mode), len(old.blobs_lr), len(old.weight_decay))
    for index in range(num_params):
        spec = layer.param.add()
        if index < len(old.param):
            spec.name = old.param[index]
        if index < len(old.blob_share_mode):
            spec.share_mode = caffe_pb2.ParamSpec.DimCheckMode.Name(old.blob_share_mode[index])  # type: ignore[assignment] # protobuf takes an enum's name
        if index < len(old.blobs_lr):
            spec.lr_mult = old.blobs_lr[index]
        if index < len(old.weight_decay):
            spec.decay_mult = old.weight_decay[index]
    for field, value in old.ListFields():
        if field.name.endswith("_param"):
            getattr(layer, field.name).CopyFrom(value)
    return layer


def _v1_type(old: V1, where: str) -> str:
    if not old.HasField("type") or old.type == V1.NONE:
        raise NetworkError(f"Layer {old.name!r} has no type.", where=_old_place(old, where))
    name = V1.LayerType.Name(old.type)
    return _V1_NAMES.get(name) or "".join(part.capitalize() for part in name.split("_"))


def _v0_to_v1(layers: Iterable[V1], where: str) -> list[V1]:
    """Return V1 layers; a "padding" layer goes into the pad of the convolution or pooling that reads it."""
    upgraded: list[V1] = []
    padded: dict[str, tuple[str, int]] = {}
    for old in layers:
        if not old.HasField("layer"):
            raise NetworkError("Old and very old layers stand together.", where=_old_place(old, where))
        if old.layer.type == "padding":
            if not (old.bottom and old.top):
                raise NetworkError("A padding layer needs a bottom and a top.", where=_old_place(old, where))
            padded[old.top[0]] = (old.bottom[0], old.layer.pad)
            continue
        layer = _one_v0(old, where)
        for index, name in enumerate(layer.bottom):
            if name in padded:
                bottom, pad = padded[name]
                layer.bottom[index] = bottom
                if old.layer.type == "conv":
                    layer.convolution_param.pad[:] = [pad]
                else:
                    layer.pooling_param.pad = pad
        upgraded.append(layer)
    return upgraded


def _one_v0(old: V1, where: str) -> V1:
    nested = old.layer
    if nested.type not in _V0_NAMES:
        raise NetworkError(
            f"Layer {nested.name!r} has the unknown old type {shown(nested.type)}.",
            where=_old_place(old, where),
            hint=did_you_mean(nested.type, _V0_NAMES),
        )
    layer = V1(
        name=nested.name,
        type=_V0_NAMES[nested.type],
        bottom=old.bottom,
        top=old.top,
        blobs=nested.blobs,
        blobs_lr=nested.blobs_lr,
        weight_decay=nested.weight_decay,
    )
    layer.Extensions[caffe_pb2.source_v1].CopyFrom(old.Extensions[caffe_pb2.source_v1])
    if nested.type in _V0_FIELDS:
        holder, names = _V0_FIELDS[nested.type]
        param = getattr(layer, holder)
        for name, new in names.items():
            _copy(nested, name, param, new)
    _copy(nested, "hdf5_output_param", layer, "hdf5_output_param")
    for name, new in _V0_TRANSFORM.items():
        _copy(nested, name, layer.transform_param, new)
    return layer


def _copy(source: V0, name: str, target: object, new: str) -> None:
    """Copy a field that is set; into a repeated one as its only value."""
    if not source.HasField(name):
        return
    value = getattr(source, name)
    slot = getattr(target, new)
    if hasattr(value, "CopyFrom"):
        slot.CopyFrom(value)
    elif hasattr(slot, "append"):
        slot[:] = [value]
    else:
        setattr(target, new, value)


def _move_transforms(net: Net) -> Net:
    """Return the net with scale, mean_file, crop_size and mirror of data layers where they belong: in transform_param."""
    holders = ("data_param", "image_data_param", "window_data_param")
    old = [
        (index, holder)
        for index, layer in enumerate(net.layer)
        for holder in holders
        if layer.HasField(holder) and any(getattr(layer, holder).HasField(name) for name in _TRANSFORM)
    ]
    if not old:
        return net
    moved = Net()
    moved.CopyFrom(net)
    for index, holder in old:
        layer = moved.layer[index]
        param = getattr(layer, holder)
        for name in _TRANSFORM:
            if param.HasField(name):
                setattr(layer.transform_param, name, getattr(param, name))
                param.ClearField(name)
    return moved


def _old_place(old: V1, where: str) -> str:
    return place(where, old.Extensions[caffe_pb2.source_v1].line)
