"""Weights and solver states on disk: every form, told by its content alone."""

from __future__ import annotations

import random
from pathlib import Path

import h5py
import numpy as np
import pytest
import safetensors.numpy
from google.protobuf import text_format
from numpy.typing import NDArray

from digits.caffeproto import caffe_pb2, hdf5
from digits.caffeproto.blob import array_to_blob
from digits.caffeproto.caffemodel import write_caffemodel
from digits.caffeproto.files import check_weights_file, form_of, read_state_file, read_weights_file
from digits.caffeproto.states import SolverState, state_to_bytes
from digits.core.errors import WeightsError
from tests.shared import needs_shared, shared

WEIGHTS: dict[str, NDArray[np.float32]] = {
    "inception_3a/1x1:0": np.linspace(-40, 45, 600, dtype=np.float32).reshape(3, 200),
    "inception_3a/1x1:1": np.array([0.5, -1e-30, 3e20], np.float32),
    "scalar:0": np.array(0.25, np.float32),
}


def model(weights: dict[str, NDArray[np.float32]]) -> caffe_pb2.NetParameter:
    """A network that holds these weights."""
    layers: dict[str, caffe_pb2.LayerParameter] = {}
    for name, array in weights.items():
        layer = name.rpartition(":")[0]
        layers.setdefault(layer, caffe_pb2.LayerParameter(name=layer, type="Scale")).blobs.append(array_to_blob(array))
    return caffe_pb2.NetParameter(name="n", layer=layers.values())


def written(form: str) -> bytes:
    if form == "hdf5":
        return hdf5.weights_bytes(WEIGHTS)
    if form == "text":
        return text_format.MessageToString(model(WEIGHTS)).encode()
    if form == "text in lists":
        text = text_format.MessageToString(model(WEIGHTS), use_short_repeated_primitives=True)
        return text.replace(", ", ",\n  ").encode()
    return write_caffemodel(model(WEIGHTS), WEIGHTS)


@pytest.mark.parametrize("form", ["binary", "hdf5", "text", "text in lists"])
def test_weights_are_read_by_what_the_file_holds_whatever_its_name(form: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.prototxt"
    path.write_bytes(written(form))

    found = read_weights_file(path)

    assert found.keys() == WEIGHTS.keys()
    for name, array in WEIGHTS.items():
        assert found[name].shape == array.shape
        assert np.array_equal(found[name], array)


def test_numbers_in_text_are_read_as_protobuf_reads_them(tmp_path: Path) -> None:
    values = ["1", "-2.5", ".5", "3.", "1e-3", "2E+2", "4f", "1.5F", "inf", "-inf", "nan"]
    path = tmp_path / "w"
    path.write_text(
        "layer { name: 'a' blobs { " + " ".join(f"data: {value}" for value in values * 20) + " shape { dim: 220 } } }"
    )

    found = read_weights_file(path)["a:0"]

    text = path.read_text()
    wanted = text_format.Parse(text, caffe_pb2.NetParameter()).layer[0].blobs[0].data
    assert np.array_equal(found, np.array(wanted, np.float32), equal_nan=True)


@pytest.mark.parametrize("text", ["layer { name: 'ip' type: 'InnerProduct' }", "name: 'empty'"])
def test_a_definition_given_for_weights_is_named_as_such(text: str, tmp_path: Path) -> None:
    path = tmp_path / "net.caffemodel"
    path.write_text(text)

    with pytest.raises(WeightsError, match=r"definition without weights\. The weights are in another file"):
        read_weights_file(path)


def test_an_error_in_a_text_weight_file_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "w.txt"
    runs = "\n".join(["data: 1"] * 300)
    path.write_text(f"layer {{\nname: 'a'\nblobs {{\n{runs}\n}}\nbloobs: 3 }}")

    with pytest.raises(WeightsError) as caught:
        read_weights_file(path)

    assert caught.value.where == f"{path}:305:1"
    assert caught.value.hint == "Did you mean 'blobs'?"


def test_a_missing_an_empty_and_a_foreign_file_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    for name, words in (("absent", "no such file"), ("empty", "is empty"), ("picture", "no Caffe weight file")):
        with pytest.raises(WeightsError, match=words):
            read_weights_file(tmp_path / name)
    with pytest.raises(WeightsError, match="no such file"):
        read_weights_file(tmp_path)


def test_a_letter_cut_at_the_end_of_the_head_is_still_text() -> None:
    text = ("#" + "é" * 4000).encode()

    assert text[:4096] != text[:4096].decode(errors="ignore").encode()
    assert form_of(text) == "text"
    assert form_of(b"\x0a\x03net\xa2\x06\x04") == "binary"


@pytest.mark.parametrize("form", ["binary", "hdf5"])
def test_a_solver_state_comes_back_as_it_was_written(form: str, tmp_path: Path) -> None:
    history = (np.ones((2, 3), np.float32), np.zeros((), np.float32))
    state = SolverState(12, history, "/a/b_iter_12.caffemodel", 3)
    path = tmp_path / "state"
    path.write_bytes(hdf5.state_bytes(state) if form == "hdf5" else state_to_bytes(state))

    back = read_state_file(path)

    assert (back.iteration, back.learned_net, back.current_step) == (12, "/a/b_iter_12.caffemodel", 3)
    assert [blob.shape for blob in back.history] == [(2, 3), ()]
    assert np.array_equal(back.history[0], history[0])


@needs_shared
def test_solver_states_of_real_caffe_are_read() -> None:
    state = read_state_file(shared("oracle", "solvers", "state", "lr_multistep_iter_10.solverstate"))

    assert (state.iteration, state.current_step) == (10, 2)
    assert [blob.shape for blob in state.history] == [(5, 6), (5,), (3, 5), (3,)]


@needs_shared
def test_weights_that_real_caffe_wrote_as_hdf5_equal_its_binary_ones() -> None:
    folder = shared("oracle", "legacy_models")

    one, other = (read_weights_file(folder / name) for name in ("weights.caffemodel.h5", "v2.caffemodel"))

    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_an_hdf5_file_reaches_no_other_file_and_no_memory_that_it_does_not_fill(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["data/ip/0"] = np.ones(3)
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["data"] = h5py.ExternalLink("secret.h5", "/data")
    with h5py.File(tmp_path / "inner.h5", "w") as file:
        file.create_group("data/ip")
        file["data/ip/0"] = h5py.ExternalLink("secret.h5", "/data/ip/0")
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("data/ip/0", shape=(2**31 - 2,), dtype="f4", chunks=(1024,))

    with pytest.raises(WeightsError, match="no group 'data'"):
        read_weights_file(tmp_path / "link.h5")
    assert read_weights_file(tmp_path / "inner.h5") == {}
    with pytest.raises(WeightsError, match="too few bytes"):
        read_weights_file(tmp_path / "bomb.h5")


@pytest.mark.parametrize("form", ["binary", "hdf5", "text"])
def test_damaged_weight_files_end_in_a_clear_error_or_in_weights(form: str, tmp_path: Path) -> None:
    whole = written(form)
    draw = random.Random(form)
    path = tmp_path / "damaged"
    places = []
    for _ in range(60):
        data = bytearray(whole[: draw.randrange(1, len(whole))] if draw.random() < 0.4 else whole)
        for _ in range(draw.choice((0, 1, 4, 60))):
            data[draw.randrange(len(data))] = draw.randrange(256)
        path.write_bytes(data)
        try:
            found = read_weights_file(path)
        except WeightsError as error:
            places.append(error.where)
        else:
            assert all(array.dtype == np.float32 for array in found.values())
    assert len(places) > 20
    assert all(place.startswith(str(path)) for place in places)


def test_a_snapshot_of_a_training_is_read_and_safetensors_of_other_networks_are_refused(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "a.safetensors", tmp_path / "b.caffemodel"
    ours.write_bytes(safetensors.numpy.save({"conv1:0": np.full((2, 3), 0.5, np.float32)}))
    theirs.write_bytes(safetensors.numpy.save({"features.0.weight": np.ones(2, np.float32)}))

    assert read_weights_file(ours)["conv1:0"].tolist() == [[0.5] * 3] * 2
    with pytest.raises(WeightsError, match="is of no Caffe network"):
        read_weights_file(theirs)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"layer { name: 'a' type: 'ReLU' bottom: 'x' top: 'a' }", "definition without weights"),
        (b"\x7fELF\x02\x01\x01" + bytes(100), "no Caffe weight file"),
        (b"\xa2\x06\xff\xff\xff\x0f", "no Caffe weight file"),
        (b"\xa2\x06\x05\x0a\x03ip1", "No layer in this file has weights"),
    ],
)
def test_a_glance_tells_what_is_no_weights(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "file").write_bytes(content)

    with pytest.raises(WeightsError, match=words):
        check_weights_file(tmp_path / "file")


def test_a_glance_lets_weights_of_every_age_pass(tmp_path: Path) -> None:
    blob = caffe_pb2.BlobProto(data=[1.0], num=1, channels=1, height=1, width=1)
    current, v1 = caffe_pb2.NetParameter(name="n"), caffe_pb2.NetParameter(name="n")
    current.layer.add(name="relu")
    current.layer.add(name="ip").blobs.append(blob)
    v1.layers.add(name="ip").blobs.append(blob)

    for number, net in enumerate((current, v1)):
        (tmp_path / str(number)).write_bytes(net.SerializeToString())
        check_weights_file(tmp_path / str(number))
