"""Blobs and weight files of every form in circulation."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from digits.caffeproto import caffe_pb2
from digits.caffeproto.blob import array_to_blob, blob_to_array
from digits.caffeproto.caffemodel import read_caffemodel, write_caffemodel
from digits.caffeproto.text import layer_line, parse_net
from digits.core.errors import WeightsError
from tests.shared import needs_shared, shared


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited field of the wire format, by hand."""
    assert number < 2048
    key = number << 3 | 2
    head = bytes([key]) if key < 128 else bytes([key & 127 | 128, key >> 7])
    assert len(payload) < 128
    return head + bytes([len(payload)]) + payload


def test_an_array_survives_as_a_blob_with_its_shape() -> None:
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)

    blob = array_to_blob(array)

    assert list(blob.shape.dim) == [2, 3, 4]
    assert np.array_equal(blob_to_array(blob), array)


def test_values_are_read_packed_or_one_by_one() -> None:
    one_by_one = b"".join(bytes([5 << 3 | 5]) + struct.pack("<f", value) for value in (1.0, 2.5))
    packed = field(5, struct.pack("<2f", 1.0, 2.5))
    shape = field(7, field(1, b"\x02"))

    for data in (one_by_one, packed):
        assert blob_to_array(caffe_pb2.BlobProto.FromString(data + shape)).tolist() == [1.0, 2.5]


def test_an_old_blob_says_its_shape_with_four_numbers() -> None:
    blob = caffe_pb2.BlobProto(num=1, channels=1, height=2, width=3, data=range(6))

    assert blob_to_array(blob).shape == (1, 1, 2, 3)


def test_doubles_and_raw_halves_become_float32() -> None:
    half = np.array([1.5, -2.0], np.float16)

    doubles = blob_to_array(caffe_pb2.BlobProto(shape=caffe_pb2.BlobShape(dim=[2]), double_data=[0.5, 3.0]))
    halves = blob_to_array(
        caffe_pb2.BlobProto(shape=caffe_pb2.BlobShape(dim=[2]), raw_data_type="FLOAT16", raw_data=half.tobytes())
    )

    assert doubles.dtype == halves.dtype == np.float32
    assert (doubles.tolist(), halves.tolist()) == ([0.5, 3.0], [1.5, -2.0])


@pytest.mark.parametrize("shape", [[3], [-1, -2], [2**31, 2**31], [2, 0]])
def test_a_blob_whose_values_do_not_fit_its_shape_is_refused(shape: list[int]) -> None:
    with pytest.raises(WeightsError):
        blob_to_array(caffe_pb2.BlobProto(shape=caffe_pb2.BlobShape(dim=shape), data=[1, 2]))


def test_a_weight_file_gives_back_what_was_written_and_keeps_the_layers_settings() -> None:
    net = parse_net(
        'name: "n" layer { name: "a/b" type: "Scale" include { phase: TEST } } layer { name: "r" type: "ReLU" }',
        where="",
    ).message
    weights = {"a/b:0": np.ones((2, 3), np.float32), "a/b:1": np.zeros(2, np.float32)}

    data = write_caffemodel(net, weights)

    back = read_caffemodel(data)
    assert list(back) == ["a/b:0", "a/b:1"]
    assert all(np.array_equal(back[name], weights[name]) for name in weights)
    written = caffe_pb2.NetParameter.FromString(data)
    assert [layer.type for layer in written.layer] == ["Scale", "ReLU"]
    assert layer_line(written.layer[0]) == 0


def test_fields_whose_numbers_nvcaffe_gave_away_again_do_no_harm() -> None:
    # 145 is parameter_param for BVLC and a number for NVCaffe
    nvcaffe = field(1, b"ip") + bytes([0x88, 0x09, 0x02]) + field(7, array_to_blob(np.ones(1)).SerializeToString())

    weights = read_caffemodel(b"\xa2\x06" + bytes([len(nvcaffe)]) + nvcaffe)

    assert weights["ip:0"].tolist() == [1.0]


@pytest.mark.parametrize("data", [b"\xff" * 40, b"\xa2\x06\x7f", b"\x1f"])
def test_bytes_that_are_no_weight_file_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(WeightsError, match="no Caffe weight file"):
        read_caffemodel(data, where="x.caffemodel")


@needs_shared
@pytest.mark.parametrize("form", ["v2", "v2_double", "v1_legacy_dims", "nv_raw_float", "nv_raw_half"])
def test_the_same_weights_are_read_from_every_form_that_real_programs_wrote(form: str) -> None:
    folder = shared("oracle", "legacy_models")
    wanted = {
        key.removeprefix("param:"): value
        for key, value in np.load(folder / "outputs.npz").items()
        if key.startswith("param:")
    }

    weights = read_caffemodel((folder / f"{form}.caffemodel").read_bytes())

    assert weights.keys() <= wanted.keys()
    assert {"conv1:0", "conv1:1", "fc:0", "fc:1"} <= weights.keys()
    for name, array in weights.items():
        assert np.allclose(array.ravel(), wanted[name].ravel(), rtol=1e-3 if "half" in form else 1e-7), name
