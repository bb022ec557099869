"""Each layer type, with each of its settings, against its formula in numpy: values, and gradients of inputs and parameters."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from digits.networks.layers.registry import Phase, converters
from tests.networks.layers.compare import assert_like_formulas
from tests.networks.layers.write import inputs, layer
from tests.reference.numpy_caffe import LAYERS, Array

X = inputs(x=(2, 4, 5, 6))
LABELS = {"label": np.array([2.0, 0.0, 3.9, 1.0])}
SCORES = inputs(x=(4, 5), label=(4,))
PLACES = inputs(x=(2, 3, 2, 2), label=(2, 1, 2, 2))
MASK = {"label": np.array([0, 1, 2, 1, 2, 9, 0, 1.0]).reshape(2, 1, 2, 2)}
SEQUENCE = inputs(x=(4, 2, 3), marks=(4, 2))
MARKS = {"marks": np.array([[0, 1], [1, 1], [1, 0], [1, 1.0]])}


@dataclass(frozen=True)
class Case:
    """A definition whose inputs are drawn, but for those that are given."""

    text: str
    given: dict[str, Array] = field(default_factory=dict)
    phase: Phase = "TEST"
    kept: tuple[str, ...] = ()


def one(kind: str, settings: str = "", text: str = X, phase: Phase = "TEST") -> Case:
    """Return the case of a layer with one bottom and one top."""
    return Case(text + layer(kind, "x", "y", settings), phase=phase)


def columns(kind: str, phase: Phase) -> Case:
    """Return the case of a layer whose gradient comes in another order than its input, of a shape that may be read in both."""
    text = (
        inputs(x=(2, 3, 4, 1))
        + layer("ReLU", "x", "r")
        + layer(kind, "r", "y")
        + layer("Permute", "y", "z", "permute_param { order: [0, 2, 1] }")
    )
    return Case(text + layer("InnerProduct", "z", "w", "inner_product_param { num_output: 2 }"), phase=phase)


def conv(kind: str, settings: str, *shape: int) -> Case:
    return one(kind, f"convolution_param {{ {settings} }}", inputs(x=shape or (2, 4, 5, 6)))


def pool(settings: str, *shape: int) -> Case:
    return one("Pooling", f"pooling_param {{ {settings} }}", inputs(x=shape or (2, 2, 5, 6)))


def loss(kind: str, settings: str = "", text: str = SCORES, given: dict[str, Array] = LABELS) -> Case:
    return Case(text + layer(kind, "x label", "y", settings), given)


CASES: dict[str, Case] = {
    "conv": conv("Convolution", "num_output: 3 kernel_size: 3"),
    "conv stride pad group": conv("Convolution", "num_output: 6 kernel_size: 3 stride: 2 pad: 1 group: 2"),
    "conv kernel_h": conv("Convolution", "num_output: 2 kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 2 pad_h: 0 pad_w: 3"),
    "conv repeated": conv("Convolution", "num_output: 2 kernel_size: 2 kernel_size: 3 dilation: 2 dilation: 1 bias_term: false"),
    "conv 0 axes": conv("Convolution", "num_output: 3", 4, 6),
    "conv 1 axis": conv("Convolution", "num_output: 3 kernel_size: 3 pad: 1", 2, 4, 7),
    "conv 3 axes": conv("Convolution", "num_output: 2 kernel_size: 2 stride: 2 pad: 1 group: 2", 1, 4, 3, 4, 3),
    "conv 4 axes": conv("Convolution", "num_output: 4 kernel_size: 2 pad: 1 stride: 2 dilation: 1 group: 2", 1, 2, 3, 2, 3, 2),
    "conv axis 2": conv("Convolution", "num_output: 3 kernel_size: 2 axis: 2", 2, 3, 2, 4, 4),
    "conv axis negative": conv("Convolution", "num_output: 3 kernel_size: 2 axis: -2", 2, 3, 2, 5),
    "conv many bottoms": Case(
        inputs(x=(2, 3, 4, 4), z=(2, 3, 5, 4))
        + layer("Convolution", "x z", "y w", "convolution_param { num_output: 2 kernel_size: 3 }")
    ),
    "deconv": conv("Deconvolution", "num_output: 3 kernel_size: 3 stride: 2"),
    "deconv group pad": conv("Deconvolution", "num_output: 6 kernel_size: 4 stride: 3 pad: 1 group: 2"),
    "deconv dilation": conv("Deconvolution", "num_output: 2 kernel_h: 2 kernel_w: 3 dilation: 2 pad_h: 1 pad_w: 2 bias_term: false"),
    "deconv 1 axis": conv("Deconvolution", "num_output: 3 kernel_size: 3 stride: 2", 2, 4, 5),
    "deconv 3 axes": conv("Deconvolution", "num_output: 2 kernel_size: 2 stride: 2", 1, 2, 2, 3, 2),
    "deconv 4 axes": conv("Deconvolution", "num_output: 4 kernel_size: 3 stride: 2 pad: 1 group: 2", 1, 2, 2, 2, 1, 2),
    "deconv 0 axes": conv("Deconvolution", "num_output: 3", 4, 6),
    "deconv axis": conv("Deconvolution", "num_output: 3 kernel_size: 2 axis: 2", 2, 2, 2, 3, 3),
    "im2col": conv("Im2col", "kernel_size: 3 stride: 2 pad: 1"),
    "im2col uneven": conv("Im2col", "kernel_h: 2 kernel_w: 3 pad_h: 1 pad_w: 0 dilation: 2"),
    "im2col 1 axis": conv("Im2col", "kernel_size: 3 dilation: 2", 2, 3, 7),
    "im2col 3 axes": conv("Im2col", "kernel_size: 2 stride: 2 pad: 1", 1, 2, 3, 4, 3),
    "pool max": pool("kernel_size: 2 stride: 2"),
    "pool max 3/2": pool("kernel_size: 3 stride: 2"),
    "pool max big pad": pool("kernel_size: 3 stride: 2 pad: 2"),
    "pool max floor": pool("kernel_size: 3 stride: 2 round_mode: FLOOR"),
    "pool max stride above kernel": pool("kernel_size: 2 stride: 4"),
    "pool max outside": pool("kernel_size: 2 stride: 5", 1, 2, 8, 8),
    "pool max places": Case(
        inputs(x=(2, 2, 5, 6)) + layer("Pooling", "x", "y mask", "pooling_param { kernel_size: 3 stride: 2 pad: 1 }")
    ),
    "pool ave": pool("pool: AVE kernel_size: 3 stride: 2"),
    "pool ave pad": pool("pool: AVE kernel_size: 3 stride: 2 pad: 1"),
    "pool ave big pad": pool("pool: AVE kernel_size: 4 stride: 3 pad: 3"),
    "pool ave outside": pool("pool: AVE kernel_size: 2 stride: 5", 1, 2, 8, 8),
    "pool ave uneven": pool("pool: AVE kernel_h: 2 kernel_w: 4 stride_h: 1 stride_w: 3 pad_h: 0 pad_w: 1"),
    "pool sum": pool("pool: SUM kernel_size: 3 stride: 2 pad: 1"),
    "pool sum big pad": pool("pool: SUM kernel_size: 3 stride: 2 pad: 2"),
    "pool sum global": pool("pool: SUM global_pooling: true"),
    "pool max global": pool("global_pooling: true"),
    "pool ave global": pool("pool: AVE global_pooling: true stride: 1 pad: 0"),
    "spp": one("SPP", "spp_param { pyramid_height: 3 }", inputs(x=(2, 2, 7, 9))),
    "spp ave": one("SPP", "spp_param { pyramid_height: 2 pool: AVE }", inputs(x=(2, 2, 5, 3))),
    "spp one level": one("SPP", "spp_param { pyramid_height: 1 }"),
    "lrn": one("LRN", "lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 k: 2 }"),
    "lrn within": one("LRN", "lrn_param { local_size: 3 alpha: 0.7 beta: 0.6 norm_region: WITHIN_CHANNEL }"),
    "inner product": one("InnerProduct", "inner_product_param { num_output: 3 }"),
    "inner product axis 2": one("InnerProduct", "inner_product_param { num_output: 3 axis: 2 bias_term: false }"),
    "inner product axis -1 transpose": one("InnerProduct", "inner_product_param { num_output: 3 axis: -1 transpose: true }"),
    "inner product axis 0": one("InnerProduct", "inner_product_param { num_output: 3 axis: 0 }", inputs(x=(2, 3))),
    "relu slope": one("ReLU", "relu_param { negative_slope: -0.3 }"),
    "relu": one("ReLU"),
    "prelu": one("PReLU"),
    "prelu shared": one("PReLU", "prelu_param { channel_shared: true }"),
    "prelu 2 axes": one("PReLU", "", inputs(x=(3, 5))),
    "elu": one("ELU", "elu_param { alpha: 0.7 }"),
    "sigmoid": one("Sigmoid"),
    "tanh": one("TanH"),
    "absval": one("AbsVal"),
    "bnll": one("BNLL"),
    "swish": one("Swish"),
    "swish beta": one("Swish", "swish_param { beta: 1.5 }"),
    "clip": one("Clip", "clip_param { min: -0.5 max: 0.8 }"),
    "threshold": one("Threshold", "threshold_param { threshold: 0.3 }"),
    "dropout": one("Dropout"),
    "power": one("Power", "power_param { power: 2 scale: 0.5 shift: 0.2 }"),
    "power 3": one("Power", "power_param { power: 3 }"),
    "power constant": one("Power", "power_param { power: 0 scale: 2 }"),
    "power of nothing": one("Power", "power_param { power: 2 scale: 0 shift: 3 }"),
    "exp": one("Exp"),
    "exp base": one("Exp", "exp_param { base: 2 scale: 0.5 shift: -1 }"),
    "exp shift": one("Exp", "exp_param { scale: -1 shift: 0.3 }"),
    "log": Case(X + layer("AbsVal", "x", "a") + layer("Log", "a", "y", "log_param { shift: 0.5 scale: 2 }")),
    "log base": Case(X + layer("AbsVal", "x", "a") + layer("Log", "a", "y", "log_param { base: 10 shift: 1 }")),
    "scale": one("Scale"),
    "scale bias": one("Scale", "scale_param { bias_term: true }"),
    "scale axes": one("Scale", "scale_param { axis: 1 num_axes: 2 bias_term: true }"),
    "scale number": one("Scale", "scale_param { num_axes: 0 bias_term: true }"),
    "scale to the end": one("Scale", "scale_param { axis: -2 num_axes: -1 }"),
    "scale axis 0": one("Scale", "scale_param { axis: 0 bias_term: true }"),
    "scale 2 axes": one("Scale", "scale_param { bias_term: true }", inputs(x=(3, 4))),
    "scale 1 axis": one("Scale", "scale_param { axis: 0 }", inputs(x=(4,))),
    "scale two": Case(inputs(x=(2, 3, 4), z=(2, 3)) + layer("Scale", "x z", "y", "scale_param { axis: 0 bias_term: true }")),
    "scale two same": Case(inputs(x=(2, 3)) + layer("Scale", "x x", "y", "scale_param { axis: 0 }")),
    "scale two number": Case(inputs(x=(2, 3), z=()) + layer("Scale", "x z", "y")),
    "bias": one("Bias"),
    "bias axes": one("Bias", "bias_param { axis: -2 num_axes: 2 }"),
    "bias number": one("Bias", "bias_param { num_axes: 0 }"),
    "bias two": Case(inputs(x=(2, 3, 4), z=(3, 4)) + layer("Bias", "x z", "y")),
    "batch norm train": one("BatchNorm", phase="TRAIN"),
    "batch norm test": one("BatchNorm"),
    "batch norm global train": one("BatchNorm", "batch_norm_param { use_global_stats: true eps: 0.01 }", phase="TRAIN"),
    "batch norm of columns": columns("BatchNorm", "TRAIN"),
    "batch norm of columns test": columns("BatchNorm", "TEST"),
    "scale of columns": columns("Scale", "TEST"),
    "batch norm batch test": one("BatchNorm", "batch_norm_param { use_global_stats: false }"),
    "batch norm 2 axes": one("BatchNorm", "", inputs(x=(5, 3)), "TRAIN"),
    "batch norm 1 axis": one("BatchNorm", "", inputs(x=(5,)), "TRAIN"),
    "batch norm 3 axes": one("BatchNorm", "", inputs(x=(2, 3, 4)), "TRAIN"),
    "batch norm scaled": Case(X + layer("BatchNorm", "x", "y") + layer("Scale", "y", "y", name="s"), phase="TRAIN"),
    "batch norm scaled apart": Case(
        X + layer("BatchNorm", "x", "n") + layer("Scale", "n", "y", "scale_param { bias_term: true }"), phase="TRAIN"
    ),
    "nv batch norm train": one("BatchNorm", "batch_norm_param { scale_bias: true }", phase="TRAIN"),
    "nv batch norm test": one("BatchNorm", "batch_norm_param { scale_filler { value: 1 } }"),
    "bn": one("BN"),
    "bn inference": one("BN", "bn_param { bn_mode: INFERENCE }", phase="TRAIN"),
    "mvn": one("MVN"),
    "mvn across": one("MVN", "mvn_param { across_channels: true }"),
    "mvn mean": one("MVN", "mvn_param { normalize_variance: false }"),
    "normalize": one("Normalize"),
    "normalize channels": one("Normalize", "norm_param { across_spatial: false channel_shared: false }"),
    "eltwise prod": Case(
        inputs(x=(2, 3), z=(2, 3), w=(2, 3)) + layer("Eltwise", "x z w", "y", "eltwise_param { operation: PROD }")
    ),
    "eltwise coeff": Case(
        inputs(x=(2, 3), z=(2, 3)) + layer("Eltwise", "x z", "y", "eltwise_param { coeff: 1 coeff: -0.5 }")
    ),
    "eltwise max": Case(
        inputs(x=(2, 3), z=(2, 3), w=(2, 3)) + layer("Eltwise", "x z w", "y", "eltwise_param { operation: MAX }")
    ),
    "eltwise twice": Case(inputs(x=(2, 3)) + layer("Eltwise", "x x", "y", "eltwise_param { operation: PROD }")),
    "axpy": Case(inputs(s=(2, 3, 1, 1), x=(2, 3, 2, 4), z=(2, 3, 2, 4)) + layer("Axpy", "s x z", "y")),
    "softmax": one("Softmax"),
    "softmax axis": one("Softmax", "softmax_param { axis: -1 }"),
    "concat": Case(inputs(x=(2, 3, 2), z=(2, 1, 2)) + layer("Concat", "x z x", "y")),
    "concat dim": Case(inputs(x=(2, 3), z=(1, 3)) + layer("Concat", "x z", "y", "concat_param { concat_dim: 0 }")),
    "concat axis": Case(inputs(x=(2, 3), z=(2, 1)) + layer("Concat", "x z", "y", "concat_param { axis: -1 }")),
    "slice": Case(inputs(x=(2, 6)) + layer("Slice", "x", "a b c")),
    "slice points": Case(
        inputs(x=(2, 7, 2)) + layer("Slice", "x", "a b c", "slice_param { axis: -2 slice_point: 1 slice_point: 4 }")
    ),
    "slice dim": Case(inputs(x=(3, 2)) + layer("Slice", "x", "a b", "slice_param { slice_dim: 0 slice_point: 2 }")),
    "split": Case(inputs(x=(2, 3)) + layer("Split", "x", "a b") + layer("Exp", "b", "c")),
    "silence": Case(inputs(x=(2, 3)) + layer("Exp", "x", "y") + layer("TanH", "x", "t") + layer("Silence", "t", "")),
    "hdf5 output": Case(
        inputs(x=(2, 3)) + layer("Exp", "x", "y") + layer("TanH", "x", "t") + layer("HDF5Output", "t x", "")
    ),
    "crop": Case(inputs(x=(2, 3, 6, 7), z=(2, 3, 4, 5)) + layer("Crop", "x z", "y", "crop_param { offset: 1 }")),
    "crop channels": Case(
        inputs(x=(2, 3, 6, 7), z=(2, 2, 6, 5))
        + layer("Crop", "x z", "y", "crop_param { axis: 1 offset: 1 offset: 0 offset: 2 }")
    ),
    "crop negative": Case(inputs(x=(2, 3, 7), z=(9, 9, 5)) + layer("Crop", "x z", "y", "crop_param { axis: -1 }")),
    "flatten": one("Flatten"),
    "flatten some": one("Flatten", "flatten_param { axis: -3 end_axis: -2 }"),
    "flatten all": one("Flatten", "flatten_param { axis: 0 }"),
    "flatten one": one("Flatten", "flatten_param { axis: 2 end_axis: 2 }"),
    "reshape": one("Reshape", "reshape_param { shape { dim: 0 dim: 2 dim: -1 } }"),
    "reshape middle": one("Reshape", "reshape_param { axis: 1 num_axes: 2 shape { dim: -1 dim: 0 dim: 2 } }", inputs(x=(2, 6, 4, 3))),
    "reshape insert": one("Reshape", "reshape_param { axis: -1 num_axes: 0 shape { dim: 1 dim: 1 } }"),
    "reshape nothing": one("Reshape", "reshape_param { axis: 1 num_axes: 1 shape { } }", inputs(x=(2, 1, 3))),
    "permute": one("Permute", "permute_param { order: 0 order: 2 order: 3 order: 1 }"),
    "permute some": one("Permute", "permute_param { order: 2 }"),
    "tile": one("Tile", "tile_param { tiles: 3 }", inputs(x=(2, 3))),
    "tile axis": one("Tile", "tile_param { axis: -2 tiles: 2 }"),
    "reduction": one("Reduction"),
    "reduction asum": one("Reduction", "reduction_param { operation: ASUM axis: 2 coeff: -2 }"),
    "reduction sumsq": one("Reduction", "reduction_param { operation: SUMSQ axis: -1 }"),
    "reduction mean": one("Reduction", "reduction_param { operation: MEAN axis: 1 coeff: 0.5 }"),
    "argmax": one("ArgMax"),
    "argmax top": one("ArgMax", "argmax_param { top_k: 3 out_max_val: true }"),
    "argmax 2 axes": one("ArgMax", "argmax_param { top_k: 2 }", inputs(x=(3, 5))),
    "argmax 1 axis": one("ArgMax", "", inputs(x=(3,))),
    "argmax axis": one("ArgMax", "argmax_param { axis: 1 top_k: 2 }"),
    "argmax axis value": one("ArgMax", "argmax_param { axis: -1 out_max_val: true top_k: 2 }"),
    "argmax equal": Case(
        inputs(x=(2, 4)) + layer("ArgMax", "x", "y", "argmax_param { top_k: 3 }"),
        {"x": np.array([[1, 2, 2, 2], [0, 0, 0, 0.0]])},
    ),
    "embed": Case(
        inputs(i=(2, 3)) + layer("Embed", "i", "y", "embed_param { num_output: 2 input_dim: 5 }"),
        {"i": np.array([[0, 4, 4], [1.7, 0, 3]])},
    ),
    "embed without bias": Case(
        inputs(i=(3,)) + layer("Embed", "i", "y", "embed_param { num_output: 2 input_dim: 5 bias_term: false }"),
        {"i": np.array([1.0, 1.0, 4.0])},
    ),
    "filter": Case(
        inputs(x=(4, 2), z=(4,), s=(4, 1)) + layer("Filter", "x z s", "a b"), {"s": np.array([[1], [0], [2], [0.0]])}
    ),
    "filter nothing": Case(inputs(x=(3, 2), s=(3,)) + layer("Filter", "x s", "a"), {"s": np.zeros(3)}),
    "batch reindex": Case(
        inputs(x=(3, 2), n=(4,)) + layer("BatchReindex", "x n", "y"), {"n": np.array([2, 0, 2, 2.0])}
    ),
    "parameter": Case(layer("Parameter", "", "p", "parameter_param { shape { dim: 2 dim: 3 } }") + layer("Exp", "p", "y")),
    "parameter number": Case(layer("Parameter", "", "p", "parameter_param { shape { } }") + inputs(x=(2, 3)) + layer("Scale", "x p", "y")),
    "upsample": Case(
        inputs(x=(2, 2, 5, 6))
        + layer("Pooling", "x", "p mask", "pooling_param { kernel_size: 2 stride: 2 }")
        + layer("Sigmoid", "p", "q")
        + layer("Upsample", "q mask", "y", "upsample_param { upsample_h: 5 upsample_w: 6 }")
    ),
    "upsample pad": Case(
        inputs(x=(1, 2, 5, 6))
        + layer("Pooling", "x", "p mask", "pooling_param { kernel_size: 2 stride: 2 }")
        + layer("Upsample", "p mask", "y", "upsample_param { scale: 2 pad_out_h: true }")
    ),
    "softmax loss": loss("SoftmaxWithLoss"),
    "softmax loss weight": loss("SoftmaxWithLoss", "loss_weight: 0.3"),
    "softmax loss ignore": loss("SoftmaxWithLoss", "loss_param { ignore_label: 9 }", PLACES, MASK),
    "softmax loss full": loss("SoftmaxWithLoss", "loss_param { ignore_label: 9 normalization: FULL }", PLACES, MASK),
    "softmax loss legacy": loss("SoftmaxWithLoss", "loss_param { ignore_label: 9 normalize: false }", PLACES, MASK),
    "softmax loss none": loss("SoftmaxWithLoss", "loss_param { normalization: NONE normalize: true }"),
    "softmax loss all ignored": loss("SoftmaxWithLoss", "loss_param { ignore_label: 1 }", given={"label": np.ones(4)}),
    "softmax loss of one place": Case(
        inputs(x=(5,), label=())
        + layer("SoftmaxWithLoss", "x label", "y", "softmax_param { axis: 0 } loss_param { ignore_label: 9 }"),
        {"label": np.array(3.0)},
    ),
    "softmax loss axis": Case(
        inputs(x=(2, 3, 4), label=(2, 3))
        + layer("SoftmaxWithLoss", "x label", "y", "softmax_param { axis: -1 } loss_param { normalize: false }"),
        {"label": np.array([[0, 1, 2], [3, 3, 0.0]])},
    ),
    "softmax loss axis 0": Case(
        inputs(x=(3, 4), label=(4,))
        + layer("SoftmaxWithLoss", "x label", "y", "softmax_param { axis: 0 } loss_param { normalization: BATCH_SIZE }"),
        {"label": np.array([0, 1, 2, 2.0])},
    ),
    "softmax loss class weights": loss(
        "SoftmaxWithLoss",
        "loss_param { weight_by_label_freqs: true class_weighting: [0.5, 2, 3] ignore_label: 9 }",
        PLACES,
        MASK,
    ),
    "softmax loss probabilities": Case(SCORES + layer("SoftmaxWithLoss", "x label", "y p"), LABELS),
    "infogain": Case(inputs(H=(1, 1, 5, 5)) + SCORES + layer("InfogainLoss", "x label H", "y"), LABELS),
    "infogain ignore": Case(
        inputs(H=(3, 3)) + PLACES + layer("InfogainLoss", "x label H", "y p", "loss_param { ignore_label: 9 }"), MASK
    ),
    "infogain axis": Case(
        inputs(H=(2, 2), x=(3, 4, 2), label=(3, 4))
        + layer("InfogainLoss", "x label H", "y", "infogain_loss_param { axis: -1 } loss_param { normalize: false }"),
        {"label": np.array([[0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 1.0]])},
    ),
    "multinomial": Case(
        SCORES + layer("Softmax", "x", "p") + layer("MultinomialLogisticLoss", "p label", "y", "loss_weight: 2"), LABELS
    ),
    "hinge": loss("HingeLoss"),
    "hinge l2": loss("HingeLoss", "hinge_loss_param { norm: L2 }"),
    "hinge picture": loss("HingeLoss", "", inputs(x=(4, 2, 1, 3), label=(4, 1, 1, 1)), {"label": np.array([0, 5, 2, 3.0]).reshape(4, 1, 1, 1)}),
    "sigmoid loss": Case(
        inputs(x=(4, 3), t=(4, 3)) + layer("SigmoidCrossEntropyLoss", "x t", "y"),
        {"t": np.random.default_rng(1).uniform(size=(4, 3))},
    ),
    "sigmoid loss ignore": Case(
        inputs(x=(4, 3), t=(4, 3, 1))
        + layer("SigmoidCrossEntropyLoss", "x t", "y", "loss_param { ignore_label: 1 normalization: VALID }"),
        {"t": np.array([0, 1, 0.5, 1, 0, 0, 0, 0.2, 1, 1, 0, 0]).reshape(4, 3, 1)},
    ),
    "sigmoid loss ignore 0": Case(
        inputs(x=(4, 3), t=(4, 3))
        + layer("SigmoidCrossEntropyLoss", "x t", "y", "loss_param { ignore_label: 0 normalization: FULL }"),
        {"t": np.array([0, 1, 0.5, 1, 0, 0, 0, 0.2, 1, 1, 0, 0]).reshape(4, 3)},
    ),
    "euclidean": Case(inputs(x=(3, 2, 2), z=(3, 4)) + layer("EuclideanLoss", "x z", "y")),
    "l1": Case(inputs(x=(3, 4), z=(3, 4)) + layer("L1Loss", "x z", "y", "loss_weight: 3")),
    "smooth l1": Case(inputs(x=(3, 4), z=(3, 4)) + layer("SmoothL1Loss", "x z", "y")),
    "smooth l1 factors": Case(inputs(x=(3, 4), z=(3, 4), w=(3, 4)) + layer("SmoothL1Loss", "x z w", "y")),
    "contrastive legacy": Case(
        inputs(x=(4, 3), z=(4, 3), s=(4,))
        + layer("ContrastiveLoss", "x z s", "y", "contrastive_loss_param { margin: 9 legacy_version: true }"),
        {"s": np.array([1, 0, 0, -1.0])},
    ),
    "accuracy": Case(SCORES + layer("Accuracy", "x label", "a c", "accuracy_param { top_k: 2 }"), LABELS),
    "accuracy ignore": Case(PLACES + layer("Accuracy", "x label", "a c", "accuracy_param { ignore_label: 9 }"), MASK),
    "accuracy ties": Case(
        inputs(x=(3, 3), label=(3,)) + layer("Accuracy", "x label", "a c"),
        {"x": np.array([[1, 1, 0], [2, 1, 1], [0, 0, 0.0]]), "label": np.array([0, 0, 1.0])},
    ),
    "lstm": Case(SEQUENCE + layer("LSTM", "x marks", "y", "recurrent_param { num_output: 3 }"), MARKS),
    "lstm static": Case(
        SEQUENCE + inputs(s=(2, 2, 2)) + layer("LSTM", "x marks s", "y", "recurrent_param { num_output: 3 }"), MARKS
    ),
    "lstm exposed": Case(
        SEQUENCE
        + inputs(h=(1, 2, 3), c=(1, 2, 3))
        + layer("LSTM", "x marks h c", "y hT cT", "recurrent_param { num_output: 3 expose_hidden: true }"),
        {"marks": np.array([[1, 1], [1, 1], [1, 0], [1, 0.5]])},
    ),
    "lstm all": Case(
        inputs(x=(3, 2, 2, 2), marks=(3, 2), s=(2, 4), h=(1, 2, 3), c=(1, 2, 3))
        + layer("LSTM", "x marks s h c", "y hT cT", "recurrent_param { num_output: 3 expose_hidden: true }"),
        {"marks": np.array([[1, 0], [0, 1], [1, 1.0]])},
    ),
    "rnn": Case(SEQUENCE + layer("RNN", "x marks", "y", "recurrent_param { num_output: 3 }"), MARKS),
    "rnn all": Case(
        SEQUENCE
        + inputs(s=(2, 2), h=(1, 2, 3))
        + layer("RNN", "x marks s h", "y hT", "recurrent_param { num_output: 3 expose_hidden: true }"),
        {"marks": np.ones((4, 2))},
    ),
    "lstm unit": Case(
        inputs(c=(1, 3, 2), g=(1, 3, 8), m=(1, 3)) + layer("LSTMUnit", "c g m", "C H"), {"m": np.array([[0, 1, 1.0]])}
    ),
}  # fmt: skip
WITHOUT_FORMULA = {
    "Input", "Data", "DummyData", "HDF5Data", "ImageData", "MemoryData", "Python", "WindowData", "DetectNetTransformation",
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_layer_computes_its_formula_and_its_gradient(name: str) -> None:
    case = CASES[name]

    assert_like_formulas(case.text, case.given, phase=case.phase, kept=case.kept)


def test_every_layer_type_has_a_formula_and_a_case() -> None:
    tested = {kind for kind in converters() if any(f'type: "{kind}"' in case.text for case in CASES.values())}

    assert converters().keys() - WITHOUT_FORMULA == LAYERS.keys()
    assert LAYERS.keys() <= tested
