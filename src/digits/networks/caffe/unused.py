"""Fields of definitions that change nothing here, and why: no setting is passed over in silence.

Every other field of Caffe's messages is read by the code that makes its layer or source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from google.protobuf.message import Message

from digits.caffeproto import caffe_pb2
from digits.caffeproto.place import place
from digits.caffeproto.text import layer_line

Layer = caffe_pb2.LayerParameter

_KERNELS = "torch chooses its kernels itself"
_READING = "reading ahead and keeping records is decided here"
_FLOAT = "all is computed in float32"
_SEED = "the solver's random_seed decides what is drawn"
_DEBUG = "`digits caffe forward` writes every blob and gradient"

NEEDLESS: Mapping[str, str] = {
    "BatchNormParameter.engine": _KERNELS,
    "ConvolutionParameter.conv_algos_override": _KERNELS,
    "ConvolutionParameter.cudnn_convolution_algo_seeker": _KERNELS,
    "ConvolutionParameter.engine": _KERNELS,
    "ConvolutionParameter.force_nd_im2col": _KERNELS,
    "DataParameter.cache": _READING,
    "DataParameter.parser_threads": _READING,
    "DataParameter.precache": _READING,
    "DataParameter.prefetch": _READING,
    "DataParameter.threads": _READING,
    "DetectNetGroundTruthParameter.coverage_type": "there is one type",
    "DropoutParameter.engine": _KERNELS,
    "DropoutParameter.random_seed": _SEED,
    "EltwiseParameter.stable_prod_grad": "the gradient of a product is always the stable one",
    "ImageDataParameter.cache": _READING,
    "ImageDataParameter.dataset_share_per_node": "a training runs on one machine",
    "ImageDataParameter.precache": _READING,
    "ImageDataParameter.threads": _READING,
    "LayerParameter.backward_math": _FLOAT,
    "LayerParameter.backward_type": _FLOAT,
    "LayerParameter.debug": _DEBUG,
    "LayerParameter.forward_math": _FLOAT,
    "LayerParameter.forward_type": _FLOAT,
    "LayerParameter.cudnn_math_override": _KERNELS,
    "LRNParameter.engine": _KERNELS,
    "NetParameter.debug_info": _DEBUG,
    "NetParameter.default_backward_math": _FLOAT,
    "NetParameter.default_backward_type": _FLOAT,
    "NetParameter.default_forward_math": _FLOAT,
    "NetParameter.default_forward_type": _FLOAT,
    "NetParameter.default_conv_algos_override": _KERNELS,
    "NetParameter.default_cudnn_math_override": _KERNELS,
    "NetParameter.eltwise_mem_sharing": "torch manages memory",
    "NetParameter.global_grad_scale": _FLOAT,
    "NetParameter.global_grad_scale_adaptive": _FLOAT,
    "NetParameter.reduce_buckets": "a training runs on one GPU",
    "PoolingParameter.engine": _KERNELS,
    "PythonParameter.share_in_parallel": "a training runs in one process",
    "RecurrentParameter.debug_info": _DEBUG,
    "ReLUParameter.engine": _KERNELS,
    "SigmoidParameter.engine": _KERNELS,
    "SoftmaxParameter.engine": _KERNELS,
    "SPPParameter.engine": _KERNELS,
    "TanHParameter.engine": _KERNELS,
    "TransformationParameter.display": "nothing is shown on a screen",
    "TransformationParameter.forward_packing": _KERNELS,
    "TransformationParameter.random_seed": _SEED,
    "TransformationParameter.use_gpu_transform": _KERNELS,
    "WindowDataParameter.cache_images": _READING,
}
"""Fields that would not change what is computed."""

_NVCAFFE = "NVCaffe's, and not built yet"
NOT_BUILT: Mapping[str, str] = {
    **dict.fromkeys(
        (f"DetectNetAugmentationParameter.{name}_param" for name in ("resize", "noise", "distort", "expand")), _NVCAFFE
    ),
    "DetectNetAugmentationParameter.emit_constraint": _NVCAFFE,
    "ImageDataParameter.short_side": _NVCAFFE,
    **dict.fromkeys(
        (
            f"TransformationParameter.{name}"
            for name in (
                "allow_upscale", "crop_h", "crop_w", "distort_param", "emit_constraint", "expand_param",
                "horizontal_stretch_lower", "horizontal_stretch_upper", "img_rand_resize_lower", "img_rand_resize_upper",
                "interpolation_algo_down", "interpolation_algo_up", "noise_param", "num_labels", "rand_resize_ratio_lower",
                "rand_resize_ratio_upper", "resize_param", "vertical_stretch_lower", "vertical_stretch_upper",
            )
        ),
        _NVCAFFE,
    ),
}  # fmt: skip
"""Fields that would change what is computed."""

_PARAMS: Mapping[str, tuple[str, ...]] = {
    "AnnotatedData": ("data_param", "transform_param"),
    "Data": ("transform_param",),
    "Deconvolution": ("convolution_param",),
    "DenseImageData": ("transform_param",),
    "DetectNetTransformation": ("detectnet_groundtruth_param", "detectnet_augmentation_param", "transform_param"),
    "HDF5Data": ("transform_param",),
    "Im2col": ("convolution_param",),
    "ImageData": ("transform_param",),
    "InfogainLoss": ("loss_param", "softmax_param"),
    "LSTM": ("recurrent_param",),
    "MultiBoxLoss": ("loss_param",),
    "Normalize": ("norm_param",),
    "RNN": ("recurrent_param",),
    "SigmoidCrossEntropyLoss": ("loss_param", "sigmoid_param"),
    "SoftmaxWithLoss": ("loss_param", "softmax_param"),
    "WindowData": ("transform_param",),
}
"""What a layer takes beside the field that has its own name."""


@dataclass(frozen=True)
class Unused:
    """A field that is set and changes nothing."""

    where: str
    words: str
    is_needless: bool
    """What is computed would be the same with it."""


def unused_fields(net: caffe_pb2.NetParameter, *, where: str) -> list[Unused]:
    """Return the fields of a definition in its current form that change nothing, each field once, at its first place."""
    found: dict[str, Unused] = {}
    for key, each in _of_net(net, where):
        found.setdefault(key, each)
    return list(found.values())


def takes(layer_type: str, field: str) -> bool:
    """Whether layers of a type read a ``..._param`` field; those written in Python may read any."""
    own = field.removesuffix("_param").replace("_", "") == layer_type.lower()
    return own or layer_type == "Python" or field in _PARAMS.get(layer_type, ())


def _of_net(net: caffe_pb2.NetParameter, where: str) -> Iterator[tuple[str, Unused]]:
    yield from _of_message(net, "", where)
    for layer in net.layer:
        if layer.loss_param.class_weighting and not layer.loss_param.weight_by_label_freqs:
            words = "loss_param.class_weighting is not used: weight_by_label_freqs is not set."
            at = place(where, layer_line(layer, "loss_param.class_weighting", "loss_param"))
            yield "LossParameter.class_weighting", Unused(at, words, is_needless=True)
        for field, value in layer.ListFields():
            at = place(where, layer_line(layer, field.name))
            if not field.name.endswith("_param"):
                yield from _of_field(f"LayerParameter.{field.name}", field.name, at)
            elif takes(layer.type, field.name):
                for key, each in _of_message(value, f"{field.name}.", at):
                    name = each.words.partition(" ")[0]
                    yield key, Unused(place(where, layer_line(layer, name, field.name)), each.words, each.is_needless)
            else:
                words = f"{field.name} in layer {layer.name!r} is not used: a {layer.type} layer does not take it."
                yield f"{layer.type} {field.name}", Unused(at, words, is_needless=True)


def _of_message(message: Message, prefix: str, at: str) -> Iterator[tuple[str, Unused]]:
    for field, _ in message.ListFields():
        yield from _of_field(f"{message.DESCRIPTOR.name}.{field.name}", f"{prefix}{field.name}", at)


def _of_field(key: str, name: str, at: str) -> Iterator[tuple[str, Unused]]:
    reason = NEEDLESS.get(key) or NOT_BUILT.get(key)
    if reason:
        yield key, Unused(at, f"{name} is not used: {reason}.", is_needless=key in NEEDLESS)
