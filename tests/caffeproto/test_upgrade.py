"""Old definitions become current ones."""

from __future__ import annotations

import pytest

from digits.caffeproto.text import layer_line, parse_net, without_source
from digits.caffeproto.upgrade import upgrade_net
from digits.core.errors import NetworkError
from tests.shared import needs_shared, shared


def upgraded(text: str):  # type: ignore[no-untyped-def] # the tests look at plain messages
    return upgrade_net(parse_net(text, where="net.prototxt").message, where="net.prototxt")


def test_a_current_net_is_returned_as_it_is() -> None:
    net = parse_net('layer { name: "a" }', where="").message

    assert upgrade_net(net) is net


def test_inputs_beside_the_layers_become_one_input_layer_in_front() -> None:
    net = upgraded(
        'input: "data" input: "more" input_dim: 1 input_dim: 3 input_dim: 5 input_dim: 5 layer { name: "a" }'
        " input_dim: 2 input_dim: 1 input_dim: 1 input_dim: 1"
    )

    assert [layer.name for layer in net.layer] == ["input", "a"]
    assert list(net.layer[0].top) == ["data", "more"]
    assert [list(shape.dim) for shape in net.layer[0].input_param.shape] == [[1, 3, 5, 5], [2, 1, 1, 1]]


def test_a_v1_layer_gets_its_name_its_rates_and_keeps_its_line() -> None:
    net = upgraded(
        '\nlayers {\n name: "ip" type: INNER_PRODUCT blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0\n'
        ' param: "w" blob_share_mode: PERMISSIVE inner_product_param { num_output: 3 } }\nlayers { type: SOFTMAX_LOSS }'
    )

    layer = net.layer[0]
    assert (layer.type, net.layer[1].type) == ("InnerProduct", "SoftmaxWithLoss")
    assert [(spec.lr_mult, spec.decay_mult) for spec in layer.param] == [(1, 1), (2, 0)]
    assert (layer.param[0].name, layer.param[0].share_mode) == ("w", 1)
    assert layer.inner_product_param.num_output == 3
    assert layer_line(layer) == 2


def test_a_v0_padding_layer_goes_into_the_convolution() -> None:
    net = upgraded(
        'layers { layer { name: "pad1" type: "padding" pad: 2 } bottom: "data" top: "pad1" }\n'
        'layers { layer { name: "c" type: "conv" num_output: 4 kernelsize: 3 } bottom: "pad1" top: "c" }'
    )

    assert [layer.name for layer in net.layer] == ["c"]
    assert list(net.layer[0].bottom) == ["data"]
    assert list(net.layer[0].convolution_param.pad) == [2]


def test_a_v0_output_keeps_its_file() -> None:
    net = upgraded(
        'layers { layer { name: "o" type: "hdf5_output" hdf5_output_param { file_name: "f.h5" } } bottom: "x" bottom: "t" }'
    )

    assert (net.layer[0].type, net.layer[0].hdf5_output_param.file_name) == ("HDF5Output", "f.h5")


def test_old_places_of_scale_and_crop_move_to_transform_param() -> None:
    net = upgraded('layer { type: "Data" data_param { scale: 0.5 crop_size: 20 mirror: true source: "x" } }')

    transform = net.layer[0].transform_param
    assert (transform.scale, transform.crop_size, transform.mirror) == (0.5, 20, True)
    assert not net.layer[0].data_param.HasField("scale")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('layer { name: "a" }\nlayers { name: "b" type: RELU }', "net.prototxt:2: .*both 'layer' and 'layers'"),
        ('layers { layer { name: "a" type: "konv" } }', "net.prototxt:1: .*Did you mean 'conv'"),
        ('layers { name: "a" }', "net.prototxt:1: Layer 'a' has no type"),
        ('layers { layer { name: "p" type: "padding" } }', "needs a bottom and a top"),
        ('input: "a" input_dim: 1', "1 input and 1 input_dim"),
    ],
)
def test_what_cannot_be_upgraded_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(NetworkError, match=words):
        upgraded(text)


@needs_shared
@pytest.mark.parametrize("folder", ["v0_format", "v1_format"])
def test_old_networks_become_what_real_caffe_makes_of_them(folder: str) -> None:
    net = upgraded(shared("oracle", folder, "net.prototxt").read_text())
    expected = parse_net(shared("oracle", folder, "expected_v2.prototxt").read_text(), where="").message

    assert without_source(net) == without_source(expected)
