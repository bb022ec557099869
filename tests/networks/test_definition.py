"""DIGITS' rules: what becomes of an all-in-one definition."""

from __future__ import annotations

from typing import Any

import pytest

from digits.caffeproto import caffe_pb2
from digits.caffeproto.text import parse_net
from digits.core.errors import NetworkError
from digits.networks.caffe.build import build
from digits.networks.caffe.definition import CaffeDefinition, prepare
from digits.networks.standard import standard_text

BODY = """
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { stage: "val" } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" exclude { stage: "deploy" } }
layer { name: "softmax" type: "Softmax" bottom: "ip" top: "softmax" include { stage: "deploy" } }
"""


def data(name: str, stage: str, more: str = "", tops: str = 'top: "data" top: "label"', type_: str = "Data") -> str:
    return f'layer {{ name: "{name}" type: "{type_}" {tops} {more} include {{ stage: "{stage}" }} }}\n'


def prepared(text: str = BODY, **changes: Any) -> CaffeDefinition:
    asked: dict[str, Any] = {"num_classes": 7, "channels": 3, "height": 30, "width": 20} | changes
    return prepare(text, where="net.prototxt", **asked)


def refused(text: str, **changes: Any) -> NetworkError:
    with pytest.raises(NetworkError) as caught:
        prepared(text, **changes)
    return caught.value


def names(net: caffe_pb2.NetParameter | None) -> list[str]:
    assert net is not None
    return [layer.name for layer in net.layer]


def test_each_state_gets_its_layers() -> None:
    definition = prepared(data("train-data", "train") + data("val-data", "val") + BODY)

    assert names(definition.train) == ["train-data", "ip", "loss"]
    assert names(definition.val) == ["val-data", "ip", "accuracy", "loss"]
    assert names(definition.deploy) == ["input", "ip", "softmax"]


def test_the_text_for_caffe_has_phases_instead_of_stages() -> None:
    text = parse_net(prepared(data("t", "train") + data("v", "val") + BODY).train_val_text, where="").message

    phases = {layer.name: [caffe_pb2.Phase.Name(rule.phase) for rule in layer.include] for layer in text.layer}
    assert phases == {"t": ["TRAIN"], "v": ["TEST"], "ip": [], "accuracy": ["TEST"], "loss": []}
    assert not any(layer.exclude or rule.stage for layer in text.layer for rule in layer.include)


def test_the_deploy_text_has_digits_input_fields() -> None:
    deploy = parse_net(prepared(BODY).deploy_text, where="").message

    assert list(deploy.input) == ["data"]
    assert list(deploy.input_shape[0].dim) == [1, 3, 30, 20]
    assert names(deploy) == ["ip", "softmax"]


def test_the_deploy_text_builds_the_network_that_answers() -> None:
    definition = prepared(standard_text("lenet"), channels=1, height=28, width=28, num_classes=10)

    net = build(parse_net(definition.deploy_text, where="").message, {}, phase="TEST", where="deploy.prototxt")

    assert (net.inputs, net.outputs) == (("data",), ("softmax",))
    assert net.num_parameters == 431_080


def test_layers_remember_the_lines_of_the_original_text() -> None:
    definition = prepared(BODY.replace('"Accuracy"', '"Acuracy"'))
    assert definition.val is not None

    with pytest.raises(NetworkError) as caught:
        build(definition.val, {"data": (2, 3, 30, 20), "label": (2,)}, phase="TEST", where="original.prototxt")

    assert caught.value.where == "original.prototxt:3"


def test_every_inner_product_without_num_output_gets_the_number_of_classes() -> None:
    text = BODY + (
        'layer { name: "gone" type: "Accuracy" bottom: "ip" bottom: "label" top: "g" accuracy_param { top_k: 8 } include { stage: "val" } }\n'
        'layer { name: "next" type: "InnerProduct" bottom: "data" top: "n" }\n'
        'layer { name: "own" type: "InnerProduct" bottom: "data" top: "o" inner_product_param { num_output: 5 } }\n'
    )

    definition = prepared(text)

    outputs = {
        layer.name: layer.inner_product_param.num_output for layer in definition.train.layer if "Inner" in layer.type
    }
    assert outputs == {"ip": 7, "next": 7, "own": 5}
    assert "gone" not in names(definition.val)


def test_a_convolution_without_num_output_gets_the_number_of_classes_if_it_is_the_last_weighted_layer() -> None:
    answer = 'layer { name: "softmax" type: "Softmax" bottom: "%s" top: "softmax" include { stage: "deploy" } }'
    first = 'layer { name: "a" type: "Convolution" bottom: "data" top: "a" convolution_param { kernel_size: 3 } }\n'
    after = (
        'layer { name: "r" type: "ReLU" bottom: "a" top: "a" }\n'
        'layer { name: "pool" type: "Pooling" bottom: "a" top: "pool" pooling_param { pool: AVE global_pooling: true } }\n'
    )

    alone = prepared(first + after + answer % "pool")
    hidden = prepared(first + after + first.replace('"a"', '"b"').replace('"data"', '"pool"') + answer % "b")

    outputs = [
        {layer.name: layer.convolution_param.num_output for layer in made.deploy.layer if layer.type == "Convolution"}
        for made in (alone, hidden)
    ]
    assert outputs == [{"a": 7}, {"a": 0, "b": 7}]


def test_an_accuracy_of_the_best_5_goes_with_few_classes_and_stays_with_many() -> None:
    text = standard_text("googlenet")

    few = prepared(text, num_classes=3, height=256, width=256)
    many = prepared(text, num_classes=10, height=256, width=256)

    assert few.val is not None
    assert many.val is not None
    assert sum(layer.type == "Accuracy" for layer in few.val.layer) == 3
    assert sum(layer.type == "Accuracy" for layer in many.val.layer) == 6


def test_data_layers_are_made_where_there_are_none() -> None:
    definition = prepared(BODY, train_db="/jobs/t/train_db", val_db="/jobs/t/val_db")

    train = definition.train.layer[0]
    assert (train.type, list(train.top)) == ("Data", ["data", "label"])
    assert (train.data_param.source, train.data_param.backend) == ("/jobs/t/train_db", caffe_pb2.DataParameter.LMDB)
    assert (definition.batch_size_train, definition.batch_size_val) == (16, 16)
    assert definition.val is not None
    assert definition.val.layer[0].data_param.source == "/jobs/t/val_db"


def test_without_a_validation_set_there_is_no_validation_network() -> None:
    definition = prepared(data("train-data", "train") + data("val-data", "val") + BODY, val_db=None)

    assert definition.val is None
    assert "val-data" not in definition.train_val_text


def test_validation_gets_the_training_layers_settings_but_is_never_mirrored() -> None:
    definition = prepared(
        data("t", "train", "transform_param { mirror: true scale: 0.5 } data_param { batch_size: 8 }") + BODY
    )

    assert definition.val is not None
    assert definition.train.layer[0].transform_param.mirror
    assert not definition.val.layer[0].transform_param.mirror
    assert (definition.val.layer[0].transform_param.scale, definition.batch_size_val) == (0.5, 8)


def test_tops_are_kept_as_the_definition_names_them() -> None:
    text = data("train-data", "train", tops='top: "scaled" top: "label"') + (
        'layer { name: "scale" type: "Power" bottom: "data" top: "scaled" include { stage: "deploy" } }\n'
    )

    definition = prepared(text + BODY.replace('bottom: "data"', 'bottom: "scaled"'))

    assert list(definition.train.layer[0].top) == ["scaled", "label"]
    assert names(definition.deploy) == ["input", "scale", "ip", "softmax"]


def test_the_forms_batch_size_wins_over_each_layers_own() -> None:
    text = (
        data("t", "train", "data_param { batch_size: 64 }") + data("v", "val", "data_param { batch_size: 32 }") + BODY
    )

    assert (prepared(text).batch_size_train, prepared(text).batch_size_val) == (64, 32)
    asked = prepared(text, batch_size=5)
    assert (asked.batch_size_train, asked.batch_size_val) == (5, 5)


def test_the_forms_crop_wins_and_the_networks_is_cut_down_to_the_picture() -> None:
    text = data("t", "train", "transform_param { crop_size: 227 }") + data("v", "val") + BODY

    for definition, side in ((prepared(text), 20), (prepared(text, crop_size=9), 9)):
        assert definition.crop_size == side
        assert definition.val is not None
        assert definition.train.layer[0].transform_param.crop_size == side
        assert definition.val.layer[0].transform_param.crop_size == side
        assert list(definition.deploy.layer[0].input_param.shape[0].dim) == [1, 3, side, side]
    assert "larger than the pictures of 20 x 30" in refused(text, crop_size=21).message


@pytest.mark.parametrize("mean", ["image", "pixel", "none"])
def test_the_forms_mean_holds_and_the_networks_own_is_dropped_with_a_warning(mean: str) -> None:
    text = data("t", "train", "transform_param { scale: 0.5 mean_value: 9 }") + BODY

    definition = prepared(text, use_mean=mean, mean_values=(1, 2, 3), mean_file="m.binaryproto")

    transform = definition.train.layer[0].transform_param
    assert transform.scale == 0.5
    assert list(transform.mean_value) == {"image": [], "pixel": [1, 2, 3], "none": [9]}[mean]
    assert transform.mean_file == ("m.binaryproto" if mean == "image" else "")
    assert bool(definition.warnings) == (mean != "none")


def test_a_mean_file_of_the_network_is_never_read() -> None:
    text = data("t", "train", 'transform_param { mean_file: "/etc/shadow" }') + BODY

    definition = prepared(text, use_mean="none")

    assert not definition.train.layer[0].transform_param.HasField("mean_file")
    assert len(definition.warnings) == 1


def test_an_input_layer_and_an_old_form_are_welcome() -> None:
    text = (
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }' + BODY
    )
    assert names(prepared(text).deploy) == ["input", "ip", "softmax"]

    old = 'layers { name: "ip" type: INNER_PRODUCT bottom: "data" top: "ip" } layers { name: "s" type: SOFTMAX bottom: "ip" top: "s" }'
    assert names(prepared(old).deploy) == ["input", "ip", "s"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (data("t", "train", 'data_param { source: "x" }') + BODY, ":1", "don't set the data_param.source"),
        ("\n" + data("t", "train", "data_param { backend: LMDB }") + BODY, ":2", "don't set the data_param.backend"),
        (data("t", "train") + data("u", "train") + BODY, ":2", "2 data layers in phase TRAIN"),
        (data("v", "val") + BODY, ":1", "none for training"),
        (data("t", "train", type_="ImageData") + BODY, ":1", "records in LMDB need 'Data'"),
        (data("t", "train", 'bottom: "data"') + BODY, ":1", "has a bottom"),
        (
            BODY.replace('bottom: "ip" top: "softmax"', 'bottom: "ipp" top: "softmax"'),
            ":5",
            "'ipp', which no layer makes",
        ),
        (BODY.replace('"Softmax"', '"Sigmoid"'), "", "missing a Softmax layer"),
        (BODY + 'layer { name: "x" include { phase: TEST } exclude { phase: TRAIN } }', ":6", "not both"),
        ("nonsense", ":1:1", "no field 'nonsense'"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_its_line(text: str, line: str, words: str) -> None:
    error = refused(text)

    assert words in error.message
    assert error.where == f"net.prototxt{line}"


def test_a_blob_of_another_state_is_answered_in_digits_words() -> None:
    error = refused(BODY.replace(' exclude { stage: "deploy" }', ""))

    assert error.message == (
        "Layer 'loss' references bottom 'label' at the deploy stage however this blob is not included at that stage."
    )
    assert "include directive" in error.hint
    train = refused(
        BODY.replace('include { stage: "val" }', "").replace('top: "ip"', 'top: "ip" include { stage: "val" }')
    )
    assert "at the TRAIN stage" in train.message


def test_hdf5_takes_its_own_layer_and_no_crop_or_mean() -> None:
    assert prepared(BODY, backend="hdf5", use_mean="none").train.layer[0].type == "HDF5Data"
    assert "cannot be cropped" in refused(BODY, backend="hdf5", use_mean="none", crop_size=5).message
    for mean in ("pixel", "image"):
        assert "cannot have a mean taken off" in refused(BODY, backend="hdf5", use_mean=mean).message
