"""``digits caffe export``: owners of old Caffe projects take their networks elsewhere."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors
from click.testing import CliRunner, Result

from digits.caffeproto.blob import array_to_blob
from digits.cli.main import cli
from digits.core.errors import DigitsError, WeightsError
from tests import opencv4
from tests.caffe.oracle import arrays
from tests.networks.export.models import unpacked
from tests.opencv4 import needs_opencv4
from tests.shared import needs_shared, shared

DEPLOY = """name: "old" input: "data" input_dim: 1 input_dim: 3 input_dim: 4 input_dim: 4
layers { name: "fc" type: INNER_PRODUCT bottom: "data" top: "fc" inner_product_param { num_output: 2 } }
layers { name: "own" type: PYTHON bottom: "fc" top: "own" }
"""


def export(*arguments: object, fails: type[DigitsError] | None = None) -> Result:
    done = CliRunner().invoke(cli, ["caffe", "export", *map(str, arguments)])
    if fails:
        assert isinstance(done.exception, fails), done.exception
    elif done.exception:
        raise done.exception
    return done


@needs_opencv4
@needs_shared
@pytest.mark.parametrize("name", ["v0_format", "v1_format"])
def test_a_network_of_an_old_form_goes_out_in_the_current_one_with_real_caffes_numbers(
    name: str, tmp_path: Path
) -> None:
    folder = shared("oracle", name)

    done = export(
        folder / "net.prototxt",
        "--weights",
        folder / "weights.caffemodel",
        "--format",
        "caffemodel",
        "-o",
        tmp_path / "new.zip",
    )

    deploy, weights = unpacked(tmp_path / "new.zip", tmp_path)
    assert "layers {" not in deploy.read_text()
    expected = arrays(folder / "outputs.npz")
    made = opencv4.forward(deploy, weights, arrays(folder / "inputs.npz"))
    assert made
    for blob, values in made.items():
        np.testing.assert_allclose(values, expected[f"blob:{blob}"], atol=1e-5)
    assert f"{tmp_path / 'new.zip'} (" in done.stdout


@needs_shared
@pytest.mark.parametrize("weights", ["v2_double.caffemodel", "weights.caffemodel.h5", "nv_raw_float.caffemodel"])
def test_weights_of_any_form_and_what_is_told_of_pictures_go_along(weights: str, tmp_path: Path) -> None:
    folder = shared("oracle", "legacy_models")
    labels = tmp_path / "synset_words.txt"
    labels.write_text("cat\ndog\n")

    export(
        folder / "net.prototxt", "--weights", folder / weights, "--format", "safetensors", "-o", tmp_path / "w.safetensors",
        "--mean", "104,117,123", "--labels", labels,
    )  # fmt: skip

    with safetensors.safe_open(tmp_path / "w.safetensors", "numpy") as file:
        held = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        told = file.metadata()
    for key, value in arrays(folder / "outputs.npz").items():
        if key.startswith("param:"):
            np.testing.assert_allclose(held[key.partition(":")[2]], value, rtol=1e-6)
    assert json.loads(told["preprocessing"])["mean_values"] == [104, 117, 123]
    assert told["labels"] == "cat\ndog"


def test_a_mean_picture_larger_than_the_input_says_that_the_centre_is_cut_out(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(
        'input: "data" input_shape { dim: 1 dim: 3 dim: 4 dim: 4 } layer { name: "r" type: "ReLU" bottom: "data" top: "r" }'
    )
    mean = np.arange(3 * 6 * 6, dtype=np.float32).reshape(1, 3, 6, 6)
    (tmp_path / "mean.binaryproto").write_bytes(array_to_blob(mean).SerializeToString())

    for name in ("caffemodel", "safetensors"):
        export(
            tmp_path / "net.prototxt",
            "--format",
            name,
            "-o",
            tmp_path / f"m.{name}",
            "--mean",
            tmp_path / "mean.binaryproto",
        )

    with zipfile.ZipFile(tmp_path / "m.caffemodel") as archive:
        assert {"README.txt", "deploy.prototxt", "mean.binaryproto"} <= set(archive.namelist())
        assert "centre is cut out too" in archive.read("README.txt").decode()
    with safetensors.safe_open(tmp_path / "m.safetensors", "numpy") as file:
        told = file.metadata()["preprocessing"]
    assert json.loads(told)["mean_values"] == pytest.approx(mean[0, :, 1:5, 1:5].mean(axis=(1, 2)))


def test_a_lack_is_said_and_nothing_is_left_behind(tmp_path: Path) -> None:
    net, output = tmp_path / "net.prototxt", tmp_path / "out.onnx"
    net.write_text(DEPLOY.replace("type: PYTHON", "type: RELU"))
    files = set(tmp_path.iterdir())

    no_weights = export(net, "--format", "onnx", "-o", output, fails=WeightsError)
    no_format = export(net, "--format", "tflite", "-o", output, fails=DigitsError)
    net.write_text('layer { name: "d" type: "Data" top: "data" }')
    no_deploy = export(net, "--format", "onnx", "-o", output, fails=DigitsError)

    assert "layer 'fc'" in str(no_weights.exception)
    assert "safetensors" in str(no_format.exception)
    assert str(no_deploy.exception).startswith(f"{net}:1: Layer 'd' of type 'Data' brings in data")
    assert "deploy network" in str(no_deploy.exception)
    assert set(tmp_path.iterdir()) == files
