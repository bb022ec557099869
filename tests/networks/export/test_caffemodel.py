"""Archives for Caffe and OpenCV, held against OpenCV 4.10: another importer, other arithmetic."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.message import Message

from digits.caffeproto import caffe_pb2
from digits.caffeproto.bvlc import FORK_LAYERS, OURS, is_fork_field
from digits.caffeproto.caffemodel import read_caffemodel
from digits.caffeproto.files import read_weights_file
from digits.core.errors import NetworkError
from digits.networks.caffe.export.formats import write
from digits.networks.caffe.export.model import ExportModel
from digits.networks.layers.registry import NOT_BUILT_YET, converters
from digits.networks.standard import standard_networks
from tests import opencv4
from tests.networks.export.models import of_text, ours, pictures, squeezenet, standard, unpacked
from tests.opencv4 import needs_opencv4
from tests.shared import needs_shared, shared

BVLC_LAYERS = frozenset({
    "AbsVal", "Accuracy", "ArgMax", "BNLL", "BatchNorm", "BatchReindex", "Bias", "Clip", "Concat", "ContrastiveLoss",
    "Convolution", "Crop", "Data", "Deconvolution", "Dropout", "DummyData", "ELU", "Eltwise", "Embed", "EuclideanLoss",
    "Exp", "Filter", "Flatten", "HDF5Data", "HDF5Output", "HingeLoss", "Im2col", "ImageData", "InfogainLoss",
    "InnerProduct", "Input", "LRN", "LSTM", "LSTMUnit", "Log", "MVN", "MemoryData", "MultinomialLogisticLoss", "PReLU",
    "Parameter", "Pooling", "Power", "Python", "RNN", "ReLU", "Reduction", "Reshape", "SPP", "Scale", "Sigmoid",
    "SigmoidCrossEntropyLoss", "Silence", "Slice", "Softmax", "SoftmaxWithLoss", "Split", "Swish", "TanH", "Threshold",
    "Tile", "WindowData",
})  # fmt: skip
INPUT = 'name: "n" input: "data" input_shape { dim: 1 dim: 3 dim: 9 dim: 9 }\n'
CONVOLUTION = 'layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }\n'
NVCAFFE = f"""{INPUT}default_forward_type: FLOAT16
{CONVOLUTION}
layer {{ name: "norm" type: "BatchNorm" bottom: "conv" top: "norm" forward_type: FLOAT
  param {{ lr_mult: 0 }} param {{ lr_mult: 0 }} param {{ lr_mult: 0 }} param {{ lr_mult: 1 }} param {{ lr_mult: 2 }}
  batch_norm_param {{ scale_bias: true eps: 1e-7 scale_filler {{ value: 1 }} }} }}
layer {{ name: "pool" type: "Pooling" bottom: "norm" top: "pool" pooling_param {{ kernel_size: 3 stride: 2 torch_pooling: true }} }}
"""


ANSWERING = [name for name, card in standard_networks().items() if card.kind != "detection"]
"""DetectNet ends in layers written in Python."""


def check_against_opencv(model: ExportModel, folder: Path) -> float:
    """Compare all outputs and the scores behind probabilities; return the largest difference, relative to the largest value above 1."""
    deploy, weights = unpacked(write("caffemodel", model, folder / "made"), folder)
    inputs = pictures(model)
    scores = [bottom for layer in model.deploy.layer if layer.type == "Softmax" for bottom in layer.bottom]
    layers = [next(layer.name for layer in reversed(model.deploy.layer) if blob in layer.top) for blob in scores]
    expected = ours(model, inputs, also=scores)
    made = opencv4.forward(deploy, weights, inputs, also=layers)
    assert len(made) == len(expected)
    made |= {blob: made[layer] for blob, layer in zip(scores, layers, strict=True)}
    worst: float = max(
        float(np.abs(made[name] - blob).max()) / max(1.0, float(np.abs(blob).max())) for name, blob in expected.items()
    )
    assert worst < 1e-4
    return worst


@needs_opencv4
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name == "lenet" else pytest.mark.slow) for name in ANSWERING],
)
def test_opencv_computes_from_our_files_what_we_compute(name: str, tmp_path: Path) -> None:
    check_against_opencv(standard(name), tmp_path)


@needs_opencv4
@needs_shared
def test_opencv_computes_the_published_squeezenet_as_we_do_from_its_own_file_and_from_ours(tmp_path: Path) -> None:
    folder, model = shared("data", "pretrained"), squeezenet()
    inputs = pictures(model)
    original = folder / "squeezenet_v1.0.caffemodel"

    check_against_opencv(model, tmp_path)

    theirs = opencv4.forward(folder / "squeezenet_v1.0_deploy.prototxt", original, inputs)
    assert np.abs(theirs["pool_final"] - ours(model, inputs)["pool_final"]).max() < 1e-4
    written = read_weights_file(tmp_path / "small.caffemodel")
    assert {name: blob.tobytes() for name, blob in written.items()} == {
        name: blob.tobytes() for name, blob in read_weights_file(original).items()
    }


@needs_opencv4
def test_nvcaffes_batch_norm_goes_out_as_two_layers_that_compute_the_same(tmp_path: Path) -> None:
    model = of_text(NVCAFFE)

    check_against_opencv(model, tmp_path)

    text = (tmp_path / "deploy.prototxt").read_text()
    assert re.findall(r'type: "(\w+)"', text) == ["Convolution", "BatchNorm", "Scale", "Pooling"]
    assert "round_mode" not in text  # 7 values round down to 3 windows as they round up
    again = of_text(text, read_weights_file(tmp_path / "small.caffemodel"))
    np.testing.assert_allclose(
        ours(again, pictures(again))["pool"], ours(model, pictures(model))["pool"], rtol=1e-5, atol=1e-6
    )
    assert "BatchNorm and Scale" in (tmp_path / "README.txt").read_text()


def test_a_pooling_that_must_round_down_says_so_in_bvlcs_words_and_in_the_readme(tmp_path: Path) -> None:
    model = of_text(NVCAFFE.replace("kernel_size: 3 stride: 2", "kernel_size: 2 stride: 2"))

    deploy, _ = unpacked(write("caffemodel", model, tmp_path / "made"), tmp_path)

    assert "round_mode: FLOOR" in deploy.read_text()
    assert "'pool' rounds its size down" in (tmp_path / "README.txt").read_text()


@pytest.mark.parametrize("name", ["lenet", "nvcaffe"])
def test_what_is_written_has_fields_of_bvlc_caffe_alone(name: str, tmp_path: Path) -> None:
    model = of_text(NVCAFFE) if name == "nvcaffe" else standard(name)

    deploy, weights = unpacked(write("caffemodel", model, tmp_path / "made"), tmp_path)

    net = caffe_pb2.NetParameter.FromString(weights.read_bytes())
    assert [field for field in fields(net) if is_fork_field(*field)] == []
    assert all(
        len(blob.shape.dim) and blob.data and not blob.double_data for layer in net.layer for blob in layer.blobs
    )
    assert not re.search("forward_type|torch_pooling|scale_bias|scale_filler", deploy.read_text())


def fields(message: Message) -> Iterator[tuple[str, int]]:
    """Every field that is set, as (message, number)."""
    for field, value in message.ListFields():
        yield message.DESCRIPTOR.name, field.number
        if field.message_type is not None:
            for each in value if field.is_repeated else (value,):
                yield from fields(each)


@pytest.mark.slow
def test_the_training_goes_along_with_all_its_weights(tmp_path: Path) -> None:
    model = standard("googlenet")

    with zipfile.ZipFile(write("caffemodel", model, tmp_path / "made")) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        weights = read_caffemodel(archive.read("googlenet.caffemodel"))

    assert names == ["README.txt", "deploy.prototxt", "train_val.prototxt", "googlenet.caffemodel"]
    assert any(name.startswith("loss1/") for name in weights)
    assert {name: blob.tobytes() for name, blob in weights.items()} == {
        name: blob.tobytes() for name, blob in model.weights.items()
    }


def test_a_sum_over_windows_is_refused_by_its_line(tmp_path: Path) -> None:
    text = (
        INPUT
        + 'layer { name: "p" type: "Pooling" bottom: "data" top: "p"\n  pooling_param { pool: SUM kernel_size: 2 } }'
    )

    with pytest.raises(NetworkError, match="pools sums") as refused:
        write("caffemodel", of_text(text, {}), tmp_path / "made")

    assert refused.value.where == "deploy.prototxt:3"
    assert list(tmp_path.iterdir()) == []


def test_a_layer_that_only_a_fork_has_goes_out_as_it_is_and_is_noted(tmp_path: Path) -> None:
    text = INPUT + 'layer { name: "p" type: "Permute" bottom: "data" top: "p" permute_param { order: 0 order: 2 } }'

    with zipfile.ZipFile(write("caffemodel", of_text(text, {}), tmp_path / "made")) as archive:
        assert "order: 2" in archive.read("deploy.prototxt").decode()
        assert "no layer of type Permute" in archive.read("README.txt").decode()


def test_the_fields_known_as_forks_are_those_that_the_messages_file_marks() -> None:
    proto = Path(caffe_pb2.__file__).with_name("caffe.proto").read_text()
    message, wrong = "", []
    for line in proto.partition("---- NVCaffe's own")[0].splitlines():
        if opened := re.match(r"message (\w+) {", line):
            message = opened[1]
        field = re.match(r"  (?:optional|repeated) \S+ \w+ = (\d+)", line)
        if not field or message in ("Datum", "SolverParameter", "SolverState") or int(field[1]) >= OURS:
            continue
        if is_fork_field(message, int(field[1])) != bool(re.search("NVCaffe|SegNet", line)):
            wrong.append(f"{message}: {line.strip()}")
    assert wrong == []


def test_every_type_of_layer_that_runs_here_is_known_as_bvlcs_or_as_a_forks() -> None:
    assert set(converters()) | set(NOT_BUILT_YET) == BVLC_LAYERS | FORK_LAYERS
