"""``digits caffe forward`` on everything that real Caffe ran: the same values and gradients, under the same keys."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from digits.caffe.arrayfiles import load_arrays, save_arrays
from digits.caffe.commands.forward import forward
from digits.caffe.definitions import State, read_net
from digits.core.errors import DataError, NetworkError
from tests.caffe.oracle import NETS, Arrays, arrays, check_near, meta
from tests.shared import needs_shared, shared

IP = """layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }"""


def run(folder: Path, tmp_path: Path) -> Arrays:
    """Everything that the command makes of a fixture, with the gradients that were put in at its outputs."""
    facts = meta(folder)
    given = arrays(folder / "inputs.npz")
    given |= {key: value for key, value in arrays(folder / "outputs.npz").items() if key.startswith("topdiff:")}
    save_arrays(tmp_path / "in.npz", given)
    forward(
        folder / "net.prototxt", weights=[folder / "weights.caffemodel"], inputs=tmp_path / "in.npz",
        output=tmp_path / "out.npz", state=State(facts["phase"]), gradients=True, passes=facts["forward_passes"],
    )  # fmt: skip
    return arrays(tmp_path / "out.npz")


@needs_shared
@pytest.mark.parametrize(
    "folder",
    [
        folder for folder in NETS if folder.name != "dropout_train"
    ],  # it draws; the test of networks looks at its structure
    ids=lambda folder: folder.name,
)
def test_a_pass_makes_what_real_caffe_made_under_the_same_names(folder: Path, tmp_path: Path) -> None:
    check_near(run(folder, tmp_path), arrays(folder / "outputs.npz"))


@needs_shared
@pytest.mark.parametrize(
    ("name", "tolerance", "keys"),
    [
        ("v2.caffemodel", 1e-5, ("blob",)), ("v2_double.caffemodel", 1e-5, ("blob",)),
        ("weights.caffemodel.h5", 1e-5, ("blob",)), ("nv_raw_float.caffemodel", 1e-5, ("blob",)),
        ("nv_raw_half.caffemodel", 2e-3, ("blob",)),
        ("v1_legacy_dims.caffemodel", 1e-5, ("param:conv1", "param:fc")),  # it has these two layers alone
    ],
)  # fmt: skip
def test_the_same_weights_in_every_form_make_the_same(
    name: str, tolerance: float, keys: tuple[str, ...], tmp_path: Path
) -> None:
    folder = shared("oracle", "legacy_models")

    forward(
        folder / "net.prototxt", weights=[folder / name], inputs=folder / "inputs.npz", output=tmp_path / "out.npz",
        state=State("TEST"),
    )  # fmt: skip

    ours = arrays(tmp_path / "out.npz")
    for key, value in arrays(folder / "outputs.npz").items():
        if key.startswith(keys):
            np.testing.assert_allclose(ours[key], value, rtol=tolerance, atol=tolerance, err_msg=key)


@needs_shared
def test_layers_survive_the_filter_that_survived_real_caffes(tmp_path: Path) -> None:
    folder = shared("oracle", "phase_stage")
    definition = read_net(folder / "net.prototxt")

    for case in json.loads((folder / "expected.json").read_text()):
        state = State(case["phase"], tuple(case["stages"]), case["level"])
        assert [layer.name for layer in definition.only(state).message.layer] == case["layers"], state


def go(tmp_path: Path, text: str, given: Arrays, **options: object) -> Arrays:
    (tmp_path / "net.prototxt").write_text(text)
    save_arrays(tmp_path / "in.npz", given)
    forward(
        tmp_path / "net.prototxt", weights=[], inputs=tmp_path / "in.npz", output=tmp_path / "out.npz",
        state=State("TEST"), **options,  # type: ignore[arg-type] # a test's options
    )  # fmt: skip
    return load_arrays(tmp_path / "out.npz")


def test_without_weights_the_fillers_make_them_the_same_for_the_same_seed(tmp_path: Path) -> None:
    given: Arrays = {"x": np.ones((2, 3), np.float32)}

    one, same, other = (go(tmp_path, IP, given, seed=seed)["param:ip:0"] for seed in (1, 1, 2))

    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_gradient_put_in_at_an_output_flows_back(tmp_path: Path) -> None:
    given: Arrays = {
        "x": np.arange(6, dtype=np.float32).reshape(2, 3),
        "topdiff:y": np.array([[1, 0], [0, 2]], np.float32),
    }

    made = go(tmp_path, "force_backward: true " + IP, given, gradients=True)

    assert np.allclose(made["dparam:ip:0"], given["topdiff:y"].T @ given["x"])
    assert made["dparam:ip:1"].tolist() == [1, 2]
    assert np.allclose(made["dinput:x"], given["topdiff:y"] @ made["param:ip:0"])


def test_input_gradients_are_left_out_where_real_caffe_would_not_compute_them(tmp_path: Path) -> None:
    made = go(tmp_path, IP, {"x": np.ones((2, 3), np.float32)}, gradients=True)

    assert "dinput:x" not in made
    assert made["topdiff:y"].tolist() == [[1, 1], [1, 1]]  # what was put in, since nothing was given


@pytest.mark.parametrize(
    ("second", "comes"), [("", True), (IP.partition("\n")[2].replace("ip", "jp").replace('"y"', '"z"'), False)]
)
def test_a_reader_that_asks_for_an_inputs_gradient_gets_it_unless_there_are_several(
    second: str, comes: bool, tmp_path: Path
) -> None:
    text = IP.replace("bottom", "propagate_down: true bottom") + second

    made = go(tmp_path, text, {"x": np.ones((2, 3), np.float32)}, gradients=True)

    assert ("dinput:x" in made) is comes  # Caffe puts a Split before several, which propagates nothing


def test_an_array_that_does_not_fit_an_output_is_refused_with_the_outputs(tmp_path: Path) -> None:
    given = {"x": np.ones((2, 3), np.float32), "topdiff:y": np.ones((2, 5), np.float32)}

    with pytest.raises(NetworkError, match=r"no output 'y' of shape \(2, 5\)\. Outputs: y \(2, 2\)"):
        go(tmp_path, IP, given, gradients=True)


def test_a_file_of_no_arrays_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.npz").write_bytes(b"PK\x03\x04 nonsense")

    with pytest.raises(DataError, match="No arrays can be read"):
        load_arrays(tmp_path / "in.npz")
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="No arrays can be read"):
        load_arrays(tmp_path / "objects.npy")
