"""``caffe.io``, the classifier, the detector and the network spec, as scripts use them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image

from digits import caffe
from digits.caffe import layers as L
from digits.caffe import params as P
from digits.caffeproto import caffe_pb2
from digits.core.errors import DataError
from tests.shared import needs_shared, shared


def test_a_picture_is_read_as_red_green_blue_from_0_to_1(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((3, 5, 3), (0, 51, 255), np.uint8))  # blue, green, red for OpenCV

    colour, grey = caffe.io.load_image(tmp_path / "a.png"), caffe.io.load_image(str(tmp_path / "a.png"), color=False)

    assert (colour.shape, grey.shape) == ((3, 5, 3), (3, 5, 1))
    assert colour.dtype == np.float32
    assert colour[0, 0].tolist() == pytest.approx([1, 0.2, 0])
    with pytest.raises(DataError, match="cannot be read"):
        caffe.io.load_image(tmp_path / "absent.png")


def test_resizing_interpolates_any_number_of_channels_and_leaves_a_fitting_picture_alone() -> None:
    ramp = np.linspace(0, 7, 8, dtype=np.float32)[None, :, None] * np.arange(1, 6)

    half = caffe.io.resize_image(np.repeat(ramp, 8, axis=0), (4, 4))

    assert half.shape == (4, 4, 5)
    assert np.allclose(half[0, :, 0], [0.5, 2.5, 4.5, 6.5])
    assert np.array_equal(caffe.io.resize_image(half, (4, 4)), half)


def transformer() -> caffe.io.Transformer:
    made = caffe.io.Transformer({"data": (1, 3, 4, 5)})
    made.set_transpose("data", (2, 0, 1))
    made.set_channel_swap("data", (2, 1, 0))
    made.set_raw_scale("data", 255)
    made.set_mean("data", np.array([104, 117, 123]))
    made.set_input_scale("data", 0.5)
    return made


def test_preprocessing_is_resize_transpose_swap_scale_mean_scale_in_this_order() -> None:
    image = np.zeros((4, 5, 3), np.float32)
    image[..., 0] = 1

    ready = transformer().preprocess("data", image)

    assert ready.shape == (3, 4, 5)
    assert ready[:, 0, 0].tolist() == [-52, -58.5, (255 - 123) / 2]
    assert np.allclose(transformer().deprocess("data", ready[None]), image, atol=1e-6)
    assert transformer().preprocess("data", np.zeros((9, 9, 3))).shape == (3, 4, 5)


def test_a_transformer_refuses_what_does_not_go_with_its_input() -> None:
    made = transformer()
    with pytest.raises(ValueError, match="not one of the net inputs"):
        made.preprocess("label", np.zeros((4, 5, 3)))
    with pytest.raises(ValueError, match="Transpose order"):
        made.set_transpose("data", (1, 0))
    with pytest.raises(ValueError, match="Mean channels"):
        made.set_mean("data", np.zeros(2))
    with pytest.raises(ValueError, match="Channel swap"):
        made.set_channel_swap("data", (0, 1))
    made.set_mean("data", np.ones((3, 8, 10)))
    assert made.mean["data"].shape == (3, 4, 5)


def test_ten_crops_are_corners_centre_and_their_mirrors() -> None:
    image = np.arange(30, dtype=np.float32).reshape(5, 6, 1)

    crops = caffe.io.oversample([image, image + 100], (3, 2))

    assert crops.shape == (20, 3, 2, 1)
    assert crops[:5, 0, 0, 0].tolist() == [0, 4, 12, 16, 8]
    assert np.array_equal(crops[5:10], crops[:5, :, ::-1])
    assert np.array_equal(crops[10:], crops[:10] + 100)


def test_arrays_become_messages_and_arrays_again() -> None:
    array, pixels = np.arange(6, dtype=np.float32).reshape(1, 2, 3), np.arange(6, dtype=np.uint8).reshape(1, 2, 3)

    blob = caffe.io.array_to_blobproto(array, diff=-array)
    listed = caffe.io.blobprotovector_str_to_arraylist(caffe.io.arraylist_to_blobprotovector_str([array, array + 1]))

    assert np.array_equal(caffe.io.blobproto_to_array(blob), array)
    assert np.array_equal(caffe.io.blobproto_to_array(blob, return_diff=True), -array)
    assert np.array_equal(listed[1], array + 1)
    for each in (array, pixels):
        datum = caffe.io.array_to_datum(each, label=4)
        assert datum.label == 4
        assert np.array_equal(caffe.io.datum_to_array(datum), each)


@needs_shared
def test_squeezenet_knows_the_cat_for_what_it_always_knew_it_for() -> None:
    folder = shared("data", "pretrained")
    net = caffe.Net(folder / "squeezenet_v1.0_deploy.prototxt", folder / "squeezenet_v1.0.caffemodel", caffe.TEST)
    picture = (
        Image.open(shared("data", "test_images", "cat.jpg"))
        .convert("RGB")
        .resize((256, 256), Image.Resampling.BILINEAR)
    )
    ready = caffe.io.Transformer({"data": net.blobs["data"].shape})
    ready.set_transpose("data", (2, 0, 1))
    ready.set_channel_swap("data", (2, 1, 0))
    ready.set_mean("data", np.array([104, 117, 123]))

    net.blobs["data"].data[...] = ready.preprocess("data", np.asarray(picture)[14:241, 14:241])
    scores = net.forward()["pool_final"].ravel().astype(np.float64)

    names = (folder / "imagenet_synset_words.txt").read_text().splitlines()
    chances = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    best = {names[index].split()[1]: round(float(chances[index]), 2) for index in np.argsort(-chances)[:3]}
    assert best == {"kit": 0.40, "red": 0.28, "Pembroke,": 0.17}


CROPPING = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 4 dim: 3 dim: 2 dim: 2 } } }
layer { name: "flat" type: "Reduction" bottom: "data" top: "sum" reduction_param { axis: 2 operation: SUM } }
"""


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    (tmp_path / "net.prototxt").write_text(CROPPING)
    (tmp_path / "none.caffemodel").write_bytes(caffe_pb2.NetParameter(name="n").SerializeToString())
    return tmp_path / "net.prototxt"


def test_a_classifier_takes_the_mean_of_ten_crops_or_the_centre(definition: Path) -> None:
    net = caffe.Classifier(
        str(definition), str(definition.with_name("none.caffemodel")), image_dims=(4, 4), channel_swap=(2, 1, 0)
    )
    image = np.random.default_rng(0).random((4, 4, 3), np.float32)

    centre = net.predict([image], oversample=False)
    ten = net.predict([image, image])

    assert np.allclose(centre[0], image[1:3, 1:3, ::-1].sum((0, 1)))
    five = [image[y : y + 2, x : x + 2, ::-1].sum((0, 1)) for y, x in [(0, 0), (0, 2), (2, 0), (2, 2), (1, 1)]]
    assert np.allclose(ten, np.mean(five, axis=0), rtol=1e-5)


def test_a_detector_answers_for_windows_with_the_mean_outside_the_picture(definition: Path) -> None:
    cv2.imwrite(str(definition.with_name("a.png")), np.full((8, 8, 3), 255, np.uint8))
    net = caffe.Detector(
        definition, definition.with_name("none.caffemodel"), mean=np.array([0.5, 0.5, 0.5]), context_pad=0
    )

    found = net.detect_windows([(definition.with_name("a.png"), [(0, 0, 4, 4), (2, 2, 8, 8)])])

    assert [each["window"] for each in found] == [(0, 0, 4, 4), (2, 2, 8, 8)]
    assert found[0]["prediction"].tolist() == [2, 2, 2]
    net.context_pad = 1
    net.blobs["data"].reshape(4, 3, 4, 4)
    padded = net.crop(np.ones((8, 8, 3), np.float32), (0, 0, 4, 4))
    assert padded.shape == (8, 8, 3)
    assert (padded[0] == 0.5).all()
    assert (padded[2:, 2:] == 1).all()


def test_a_definition_is_written_in_python_as_scripts_do() -> None:
    n = caffe.NetSpec()
    n.data, n.label = L.Data(batch_size=8, backend=P.Data.LMDB, source="db", transform_param={"scale": 0.5}, ntop=2)
    n.conv1 = L.Convolution(n.data, num_output=4, kernel_size=3, param=[{"lr_mult": 1}, {"lr_mult": 2}],
                            weight_filler={"type": "xavier"})  # fmt: skip
    n.relu1 = L.ReLU(n.conv1, in_place=True)
    n.pool1 = L.Pooling(n.relu1, pool=P.Pooling.AVE, kernel_size=2)
    n.score = L.Python(n.pool1, module="m", layer="C", loss_weight=[1], include={"phase": caffe.TEST})

    net = n.to_proto()

    assert [(layer.name, layer.type, list(layer.bottom), list(layer.top)) for layer in net.layer] == [
        ("data", "Data", [], ["data", "label"]), ("conv1", "Convolution", ["data"], ["conv1"]),
        ("relu1", "ReLU", ["conv1"], ["conv1"]), ("pool1", "Pooling", ["conv1"], ["pool1"]),
        ("score", "Python", ["pool1"], ["score"]),
    ]  # fmt: skip
    assert [spec.lr_mult for spec in net.layer[1].param] == [1, 2]
    assert list(net.layer[1].convolution_param.kernel_size) == [3]
    assert net.layer[3].pooling_param.pool == caffe_pb2.PoolingParameter.AVE
    assert net.layer[4].include[0].phase == caffe_pb2.TEST
    assert text_format.Parse(str(net), caffe_pb2.NetParameter()) == net


def test_tops_without_a_spec_get_names_of_types_and_numbers() -> None:
    data = L.Input(input_param={"shape": {"dim": [1, 2]}})
    one = L.InnerProduct(data, num_output=3)
    both = L.Eltwise(one, L.InnerProduct(data, num_output=3), name="sum")

    net = caffe.to_proto(both)

    assert [layer.name for layer in net.layer] == ["Input1", "InnerProduct1", "InnerProduct2", "sum"]
    assert list(net.layer[3].bottom) == ["InnerProduct1", "InnerProduct2"]
    with pytest.raises(TypeError, match="input is not a Top"):
        L.ReLU("data")
    with pytest.raises(AttributeError, match="no field 'kernal_size'"):
        caffe.to_proto(L.Pooling(data, kernal_size=2))
