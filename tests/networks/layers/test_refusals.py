"""What a layer cannot do is refused when the network is built, with the layer's name, its line and what is wrong."""

from __future__ import annotations

import pytest

from digits.core.errors import NetworkError
from tests.networks.layers.write import inputs, layer
from tests.networks.nets import make

BLOBS: dict[str, tuple[int, ...]] = {
    "x": (2, 4, 5, 6), "small": (2, 3), "one": (2,), "number": (), "seven": (1, 1, *(5,) * 7), "long": (30_000, 1, 1), "marks": (30_000, 1),
}  # fmt: skip
REFUSED = {
    "Clip min and max must be given": ("Clip", "x", "y", "clip_param { min: 1 }"),
    "min 2 is above max 1": ("Clip", "x", "y", "clip_param { min: 2 max: 1 }"),
    "base 0 must be -1": ("Exp", "x", "y", "exp_param { base: 0 }"),
    "base -2 must be -1": ("Log", "x", "y", "log_param { base: -2 }"),
    "no logarithm to base 1": ("Log", "x", "y", "log_param { base: 1 }"),
    "at least 2 axes": ("PReLU", "one", "y", ""),
    "tiles must be given": ("Tile", "x", "y", ""),
    "no axis 4 among 4": ("Tile", "x", "y", "tile_param { axis: 4 tiles: 2 }"),
    "no axis -5 among 4": ("Reduction", "x", "y", "reduction_param { axis: -5 }"),
    "no axis 0 among 0": ("Reduction", "number", "y", ""),
    "top_k 0 of 4": ("ArgMax", "x", "y", "argmax_param { axis: 1 top_k: 0 }"),
    "top_k 121 of 120": ("ArgMax", "x", "y", "argmax_param { top_k: 121 }"),
    "must name each of 4 axes at most once": ("Permute", "x", "y", "permute_param { order: 1 order: 1 }"),
    "x and y differ": ("Axpy", "small x small", "y", ""),
    "factors of \\(2, 3\\)": ("Axpy", "small x x", "y", ""),
    "axis 2 has 5, and 5 from 1 on": ("Crop", "x x", "y", "crop_param { offset: 1 }"),
    "3 offset for 2 axes": ("Crop", "x x", "y", "crop_param { offset: [0, 0, 0] }"),
    "have 4 and 2 axes": ("Crop", "x small", "y", ""),
    "numbers \\(M\\)": ("BatchReindex", "x small", "y", ""),
    "need as many tops": ("Filter", "x one", "y z", ""),
    "a selector has one number a picture": ("Filter", "x small", "y", ""),
    "num_output and input_dim": ("Embed", "x", "y", "embed_param { num_output: 3 }"),
    "more than an array can hold": ("Embed", "x", "y", "embed_param { num_output: 100000 input_dim: 100000 }"),
    "cannot have the shape 2 x 0": ("Parameter", "", "y", "parameter_param { shape { dim: 2 dim: 0 } }"),
    "5 axes from 1 on, of 4": ("Scale", "x", "y", "scale_param { num_axes: 5 }"),
    "does not lie along": ("Scale", "x small", "y", ""),
    "its second bottom, \\(2, 3\\)": ("Bias", "x small", "y", ""),
    "9 axes from 0 on": ("Bias", "x", "y", "bias_param { axis: 0 num_axes: 9 }"),
    "it needs a blob of at least 1 axis": ("BatchNorm", "number", "y", ""),
    "too small for 4 x 4 windows": ("SPP", "x", "y", "spp_param { pyramid_height: 4 }"),
    "pyramid_height must be given": ("SPP", "x", "y", ""),
    "STOCHASTIC pooling takes no pad": (
        "Pooling",
        "x",
        "y",
        "pooling_param { pool: STOCHASTIC kernel_size: 2 pad: 1 }",
    ),
    "kernel of 9 is larger": ("Im2col", "x", "y", "convolution_param { kernel_size: 9 }"),
    "leaves nothing of its output": (
        "Deconvolution",
        "x",
        "y",
        "convolution_param { num_output: 1 kernel_size: 1 pad: 3 }",
    ),
    "no axis before its channels": (
        "Convolution",
        "x",
        "y",
        "convolution_param { num_output: 1 kernel_size: 1 axis: 0 }",
    ),
    "want one label a picture": ("HingeLoss", "x small", "y", ""),
    "probabilities of": ("MultinomialLogisticLoss", "x small", "y", ""),
    "want as many targets": ("SigmoidCrossEntropyLoss", "x small", "y", ""),
    "must both be \\(N, C\\)": ("ContrastiveLoss", "x x one", "y", ""),
    "marks of \\(2, 3\\)": ("ContrastiveLoss", "small small small", "y", ""),
    "H has 6 values": ("InfogainLoss", "small one small", "y", ""),
    "must be its third bottom or in the file": ("InfogainLoss", "small one", "y", ""),
    "its bottoms differ": ("L1Loss", "x small", "y", ""),
    "bottom 'small' is": ("SmoothL1Loss", "x small", "y", ""),
    "wants marks of its first two axes": ("LSTM", "small number", "y", "recurrent_param { num_output: 2 }"),
    "kernel has 16,384 places over 7 axes": (
        "Convolution",
        "seven",
        "y",
        "convolution_param { num_output: 1 kernel_size: 4 }",
    ),
    "30,000 steps; 20,000 are the most": ("RNN", "long marks", "y", "recurrent_param { num_output: 1 }"),
    "num_output must be given": ("RNN", "small small", "y", ""),
    "with expose_hidden it takes 4 or 5 bottoms and 3 tops": (
        "LSTM",
        "x small",
        "y",
        "recurrent_param { num_output: 2 expose_hidden: true }",
    ),
    "are not \\(1, N, D\\)": ("LSTMUnit", "x x x", "y z", ""),
    "must be \\(N, C, H, W\\), both": ("Upsample", "x small", "y", ""),
    "its output would be 0 x": ("Upsample", "x x", "y", "upsample_param { scale: 0 }"),
    "as many pictures": ("HDF5Output", "x number", "", ""),
    "2 class_weighting for 3 classes": (
        "SoftmaxWithLoss",
        "small one",
        "y",
        "loss_param { weight_by_label_freqs: true class_weighting: [1, 2] }",
    ),
    "cannot have the shape 0 x": ("MemoryData", "", "y z", "memory_data_param { channels: 1 height: 2 width: 2 }"),
    "give new_height and new_width, or neither": ("ImageData", "", "y z", "image_data_param { new_height: 2 }"),
    "crop_size must be given": ("WindowData", "", "y z", "window_data_param { batch_size: 2 }"),
    "cannot be transformed": ("HDF5Data", "", "y", "transform_param { scale: 2 }"),
    "3 data_filler for 2 tops": (
        "DummyData",
        "",
        "y z",
        "dummy_data_param { shape { dim: 1 } data_filler { } data_filler { } data_filler { } }",
    ),
    "takes 2 bottoms, and it has 1": ("Crop", "x", "y", ""),
    "takes 1 to 2 tops, and it has 3": ("InfogainLoss", "small one small", "a b c", ""),
}


@pytest.mark.parametrize("words", REFUSED)
def test_a_layer_that_cannot_be_built_is_refused_with_words_and_a_line(words: str) -> None:
    kind, bottoms, tops, settings = REFUSED[words]
    text = inputs(**BLOBS) + layer(kind, bottoms, tops, settings, name="bad")

    with pytest.raises(NetworkError, match=words.removeprefix(f"{kind} ")) as caught:
        make(text)

    assert "'bad'" in caught.value.message
    assert caught.value.where == f"net.prototxt:{len(BLOBS) + 1}"
