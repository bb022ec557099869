"""ONNX, pt2 and safetensors: read by others' programs, they compute what we compute."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from digits.core.errors import DigitsError, NetworkError
from digits.networks.caffe.export.formats import write
from digits.networks.caffe.export.onnxfile import MissingPackageError
from digits.networks.caffe.export.preprocessing import Preprocessing
from digits.networks.standard import standard_networks
from tests.networks.export.models import of_text, ours, pictures, squeezenet, standard, with_scores
from tests.shared import needs_shared

NETWORK = """
name: "small"
input: "data/in" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }
layer { name: "conv" type: "Convolution" bottom: "data/in" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "norm" }
layer { name: "scale" type: "Scale" bottom: "norm" top: "norm" scale_param { bias_term: true } }
layer { name: "lrn" type: "LRN" bottom: "norm" top: "lrn" lrn_param { local_size: 3 } }
layer { name: "pool" type: "Pooling" bottom: "lrn" top: "mean" pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "mean" top: "ip" inner_product_param { num_output: 5 } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
layer { name: "side" type: "Sigmoid" bottom: "lrn" top: "conv_1/a" }
"""
HEAD = 'input: "data" input_shape { dim: 4 dim: 6 }\n'
Arrays = Mapping[str, NDArray[Any]]
SLOW = pytest.mark.slow


def check(made: Arrays, expected: Arrays, bar: float = 1e-5) -> None:
    """Compare outputs by name, relative to the largest value where that is above 1."""
    assert made.keys() == expected.keys()
    for name, blob in expected.items():
        assert made[name].shape == blob.shape
        assert np.abs(made[name] - blob).max() <= bar * max(1.0, float(np.abs(blob).max()))


def run_onnx(path: Path, inputs: Arrays) -> dict[str, NDArray[Any]]:
    session = onnxruntime.InferenceSession(path)
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(inputs)), strict=True))


ALONE = """
import sys
sys.modules["digits"] = None  # it cannot be imported here
import json, numpy, torch
pt2, given, made, facts = sys.argv[1:]
extra = {"labels.txt": "", "preprocessing.json": ""}
module = torch.export.load(pt2, extra_files=extra).module()
with numpy.load(given) as arrays:
    outputs = module(*(torch.from_numpy(arrays[name]) for name in arrays.files))
numpy.savez(made, **{name: blob.numpy() for name, blob in outputs.items()})
with open(facts, "w") as file:
    json.dump({name: bytes(text).decode() if isinstance(text, bytes) else text for name, text in extra.items()}, file)
assert not [name for name in sys.modules if name.startswith("digits.")]
"""


def run_pt2(path: Path, inputs: Arrays, folder: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Run a file in a process that has torch and nothing of ours; the outputs, and the texts in the file."""
    files = [folder / "in.npz", folder / "out.npz", folder / "facts.json"]
    np.savez(files[0], **dict[str, Any](inputs))
    done = subprocess.run(
        [sys.executable, "-P", "-c", ALONE, str(path), *map(str, files)],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with np.load(files[1]) as arrays:
        return {name: arrays[name] for name in arrays.files}, json.loads(files[2].read_text())


@SLOW
@pytest.mark.parametrize("name", [name for name, card in standard_networks().items() if card.kind != "detection"])
def test_onnx_runtime_computes_what_we_compute(name: str, tmp_path: Path) -> None:
    model = with_scores(standard(name))
    inputs = pictures(model)

    check(run_onnx(write("onnx", model, tmp_path / "made"), inputs), ours(model, inputs))


@needs_shared
@SLOW
def test_the_published_squeezenet_computes_the_same_as_onnx_and_as_pt2(tmp_path: Path) -> None:
    model = squeezenet()
    inputs = pictures(model, 2)

    check(run_onnx(write("onnx", model, tmp_path / "made"), inputs), ours(model, inputs))
    check(run_pt2(write("pt2", model, tmp_path / "made"), inputs, tmp_path)[0], ours(model, inputs))


@pytest.mark.slow
def test_an_onnx_file_computes_the_same_for_any_batch_with_caffes_names_and_says_what_it_needs(tmp_path: Path) -> None:
    told = Preprocessing(resize_HW=(10, 10), resize_mode="squash", crop_px=8, mean=np.ones((3, 10, 10), np.float32))
    model = of_text(NETWORK, labels=("cat", "dögs"), preprocessing=told)

    path = write("onnx", model, tmp_path / "made")

    for count in (1, 3):
        inputs = pictures(model, count)
        check(run_onnx(path, inputs), ours(model, inputs))
    made = onnx.load(path)
    onnx.checker.check_model(made, full_check=True)
    assert [(each.domain, each.version) for each in made.opset_import] == [("", 18)]
    assert [each.name for each in made.graph.input] == ["data/in"]
    assert [each.name for each in made.graph.output] == ["conv_1/a", "prob"]
    assert made.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    operators = [node.op_type for node in made.graph.node]
    assert operators[:2] == ["Conv", "LRN"]  # BatchNorm and Scale went into the convolution
    metadata = {each.key: each.value for each in made.metadata_props}
    assert metadata["labels"].split("\n") == ["cat", "dögs"]
    said = json.loads(metadata["preprocessing"])
    assert (said["inputs"], said["channels"], said["crop"]) == ({"data/in": ["batch", 3, 8, 8]}, "BGR", 8)
    assert (said["mean_values"], len(said["mean_image_base64"])) == ([1.0, 1.0, 1.0], 3 * 8 * 8 * 4 * 4 / 3)
    assert str(Path(sys.prefix)) not in str(made)


@SLOW
@pytest.mark.parametrize("name", ["lenet", "alexnet", "googlenet"])
def test_a_pt2_file_runs_where_there_is_torch_and_nothing_of_ours(name: str, tmp_path: Path) -> None:
    model = with_scores(standard(name))
    inputs = pictures(model, 3)

    made, texts = run_pt2(write("pt2", model, tmp_path / "made"), inputs, tmp_path)

    check(made, ours(model, inputs))
    assert texts["labels.txt"].splitlines() == list(model.labels)
    assert json.loads(texts["preprocessing.json"])["inputs"]["data"][0] == "batch"


@SLOW
def test_a_network_that_counts_on_its_batch_keeps_it(tmp_path: Path) -> None:
    text = (
        HEAD + 'layer { name: "r" type: "Reshape" bottom: "data" top: "r" reshape_param { shape { dim: 2 dim: 12 } } }'
    )
    model = of_text(text, {})

    path = write("onnx", model, tmp_path / "made")

    inputs = pictures(model, 4)
    assert onnxruntime.InferenceSession(path).get_inputs()[0].shape == [4, 6]
    check(run_onnx(path, inputs), ours(model, inputs))


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ('type: "Python" python_param { module: "m" layer: "L" }', r"Layer 'x' is written in Python, which an? \w+ file cannot carry"),
        ('type: "EuclideanLoss" bottom: "data"', "Layer 'x' of type 'EuclideanLoss' belongs to a training"),
        pytest.param('type: "ArgMax" argmax_param { top_k: 3 }', "Layer 'x' of type 'ArgMax' cannot be written as an ONNX file", marks=SLOW),
    ],
)  # fmt: skip
@pytest.mark.parametrize("format_name", ["onnx", "pt2"])
def test_a_layer_that_cannot_go_out_is_named_with_its_line(
    layer: str, words: str, format_name: str, tmp_path: Path
) -> None:
    text = f'{HEAD}layer {{ name: "a" type: "ReLU" bottom: "data" top: "a" }}\nlayer {{ name: "x" bottom: "a" top: "x"\n {layer} }}'
    if "ArgMax" in layer and format_name == "pt2":
        assert write(format_name, of_text(text, {}), tmp_path / "made").is_file()
        return

    with pytest.raises(NetworkError, match=words) as refused:
        write(format_name, of_text(text, {}), tmp_path / "made")

    assert refused.value.where.startswith("deploy.prototxt:3") or refused.value.where == "deploy.prototxt:4"
    assert refused.value.hint
    assert list(tmp_path.iterdir()) == []


def test_without_the_packages_for_onnx_the_words_say_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)  # as if it could not be imported

    with pytest.raises(MissingPackageError, match="needs the package onnxscript") as refused:
        write("onnx", of_text(NETWORK), tmp_path / "made")

    assert 'pip install "opendigits[onnx]"' in refused.value.hint


def test_safetensors_hold_weights_and_the_text_that_makes_the_network_again(tmp_path: Path) -> None:
    model = standard("lenet")

    path = write("safetensors", model, tmp_path / "made")

    with safetensors.safe_open(path, "numpy") as file:
        metadata = file.metadata()
    again = of_text(metadata["deploy.prototxt"], safetensors.numpy.load_file(path))
    assert metadata["format"] == "caffe"
    assert metadata["labels"].split("\n") == list(model.labels)
    assert 'type: "SoftmaxWithLoss"' in metadata["train_val.prototxt"]
    assert {name: blob.tobytes() for name, blob in again.weights.items()} == {
        name: blob.tobytes() for name, blob in model.weights.items()
    }
    check(ours(again, pictures(again)), ours(model, pictures(model)), bar=0)


def test_a_format_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(DigitsError) as refused:
        write("tflite", of_text(NETWORK), tmp_path / "made")

    assert "caffemodel, onnx, pt2, safetensors" in refused.value.hint
