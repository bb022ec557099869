"""``caffe.Net`` and the solvers: the numbers of real Caffe, layer by layer, and what scripts do between two layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from digits import caffe
from digits.caffe import mode
from digits.core.errors import NetworkError, SetupError, WeightsError
from tests.caffe.oracle import NETS, Arrays, arrays, check_near, meta
from tests.shared import needs_shared, shared

CHAIN = """force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1" inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "drop" type: "Dropout" bottom: "ip1" top: "drop" }
layer { name: "ip2" type: "InnerProduct" bottom: "drop" top: "ip2" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "twice" type: "Power" bottom: "ip1" top: "twice" power_param { scale: 2 } }
"""


@pytest.fixture
def net(tmp_path: Path) -> caffe.Net:
    (tmp_path / "net.prototxt").write_text(CHAIN)
    made = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    made.blobs["data"].data[...] = np.array([[1, 2, 3], [-1, 0.5, 2]])
    return made


@needs_shared
@pytest.mark.parametrize("folder", [each for each in NETS if each.name != "dropout_train"], ids=lambda each: each.name)
def test_a_net_run_layer_by_layer_makes_what_real_caffe_made(folder: Path) -> None:
    check_passes(folder)


@needs_shared
@pytest.mark.parametrize("name", ["batchnorm_train", "mini_googlenet", "lstm", "scale_bias", "inner_product", "deconv"])
def test_weights_that_are_lent_to_another_device_make_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mode, "device", lambda: torch.device("cpu", 0))  # the processor under another name

    check_passes(shared("oracle", name))


@needs_shared
@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
@pytest.mark.parametrize("folder", [each for each in NETS if each.name != "dropout_train"], ids=lambda each: each.name)
def test_a_gpu_makes_what_real_caffe_made(folder: Path) -> None:
    caffe.set_mode_gpu()
    try:
        check_passes(folder)
    finally:
        caffe.set_mode_cpu()


def test_without_a_gpu_it_is_said_once_and_the_processor_computes(
    net: caffe.Net, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(mode, "_mode", mode._Mode())

    caffe.set_device(3)
    caffe.set_mode_gpu()
    caffe.set_mode_gpu()

    assert capsys.readouterr().err.count("This machine has no CUDA device") == 1
    assert net.forward().keys() == {"ip2", "twice"}


def test_a_gpu_that_is_not_there_is_refused_with_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    with pytest.raises(SetupError, match=r"no GPU 2\."):
        caffe.set_device(2)


def check_passes(folder: Path) -> None:
    facts, expected = meta(folder), arrays(folder / "outputs.npz")
    inputs: dict[str, Any] = dict(arrays(folder / "inputs.npz"))
    net = caffe.Net(folder / "net.prototxt", caffe.TRAIN if facts["phase"] == "TRAIN" else caffe.TEST,
                    weights=folder / "weights.caffemodel")  # fmt: skip

    for _ in range(facts["forward_passes"]):
        net.forward(**inputs)
    for key in (key for key in expected if key.startswith("topdiff:")):
        net.blobs[key.partition(":")[2]].diff[...] = expected[key]
    net.backward()

    ours: Arrays = {f"blob:{name}": blob.data for name, blob in net.blobs.items()}
    ours |= {f"dinput:{name}": blob.diff for name, blob in net.blobs.items()}
    for name, blobs in net.params.items():
        for index, blob in enumerate(blobs):
            ours |= {f"param_after:{name}:{index}": blob.data, f"dparam:{name}:{index}": blob.diff}
    check_near(ours, {key: value for key, value in expected.items() if key.split(":")[0] not in ("param", "topdiff")})
    assert net.outputs == facts["outputs"]


def test_arrays_of_blobs_and_parameters_are_the_networks_own_memory(net: caffe.Net) -> None:
    net.params["ip1"][0].data[...] = 1
    net.params["ip1"][1].data[...] = [0, 1, 2, -9]

    out = net.forward()

    assert net.blobs["ip1"].data.tolist() == [[6, 7, 8, 0], [1.5, 2.5, 3.5, 0]]
    assert np.allclose(out["ip2"], net.blobs["ip1"].data @ net.params["ip2"][0].data.T)
    assert list(out) == ["ip2", "twice"]


def test_a_part_of_the_layers_runs_on_blobs_as_they_were_left(net: caffe.Net) -> None:
    net.forward(end="relu")
    net.blobs["ip1"].data[...] = 5

    out = net.forward(start="drop", blobs=["ip1"])

    assert np.allclose(out["ip2"], 5 * net.params["ip2"][0].data.sum(1), atol=1e-5)
    assert (out["twice"] == 10).all()
    assert (out["ip1"] == 5).all()


def test_a_gradient_set_at_a_layer_in_the_middle_flows_down_from_there(net: caffe.Net) -> None:
    net.forward(end="relu")
    net.blobs["ip1"].diff[...] = net.blobs["ip1"].data  # of half the square of what the layers so far gave

    back = net.backward(start="relu")

    x, weights = net.blobs["data"].data, net.params["ip1"][0].data
    kept = np.maximum(x @ weights.T, 0)
    assert np.allclose(back["data"], kept @ weights, atol=1e-6)
    assert np.allclose(net.params["ip1"][0].diff, kept.T @ x, atol=1e-6)
    assert not net.params["ip2"][0].diff.any()


def test_gradients_of_a_blob_with_two_readers_add_up_through_an_in_place_layer(net: caffe.Net) -> None:
    net.forward()

    for _ in range(2):  # the second time nothing of the first is left in the blobs
        net.clear_param_diffs()
        net.backward(ip2=np.ones((2, 2)), twice=np.full((2, 4), 0.5))

    above = net.params["ip2"][0].data.sum(0) + 2 * 0.5
    below = above * (net.blobs["ip1"].data > 0)
    assert np.allclose(net.blobs["data"].diff, below @ net.params["ip1"][0].data, atol=1e-6)
    assert np.allclose(net.params["ip1"][1].diff, below.sum(0), atol=1e-6)


def test_gradients_of_parameters_add_up_until_they_are_cleared(net: caffe.Net) -> None:
    net.forward()
    net.blobs["ip2"].diff[...] = 1
    net.backward()
    once = net.params["ip2"][1].diff.copy()

    net.backward()

    assert np.array_equal(net.params["ip2"][1].diff, 2 * once)
    net.clear_param_diffs()
    assert not net.params["ip2"][1].diff.any()


def test_another_batch_size_needs_no_other_network(net: caffe.Net) -> None:
    net.blobs["data"].reshape(5, 3)
    net.reshape()

    assert net.blobs["ip2"].shape == (5, 2)
    assert net.forward(data=np.ones((5, 3)))["ip2"].shape == (5, 2)
    net.blobs["data"].reshape(1, 4)
    with pytest.raises(NetworkError, match=r"net.prototxt:3: Layer 'ip1'"):
        net.forward()


def test_what_is_not_an_input_or_has_another_batch_is_refused(net: caffe.Net) -> None:
    with pytest.raises(NetworkError, match="Inputs are data, and x were given"):
        net.forward(x=np.ones((2, 3)))
    with pytest.raises(NetworkError, match=r"batch size of 2, and \(3,\) rows"):
        net.forward(data=np.ones((3, 3)))
    with pytest.raises(NetworkError, match=r"no layer 'ip9'\. Layers: data, ip1"):
        net.forward(end="ip9")
    with pytest.raises(NetworkError, match="before it ever went forward"):
        net.backward()


def test_inputs_of_any_length_go_through_in_batches(net: caffe.Net) -> None:
    rows = np.arange(15, dtype=np.float32).reshape(5, 3)

    out = net.forward_all(data=rows, blobs=["ip1"])

    assert out["ip2"].shape == (5, 2)
    assert np.allclose(out["ip1"], np.maximum(rows @ net.params["ip1"][0].data.T, 0), rtol=1e-5)


def test_weights_are_saved_loaded_and_shared(net: caffe.Net, tmp_path: Path) -> None:
    net.save(str(tmp_path / "w.caffemodel"))
    net.save_hdf5(tmp_path / "w.h5")
    others = [
        caffe.Net(tmp_path / "net.prototxt", file, caffe.TEST)
        for file in (tmp_path / "w.caffemodel", tmp_path / "w.h5")
    ]

    for other in others:
        assert np.array_equal(other.params["ip1"][0].data, net.params["ip1"][0].data)
    others[0].share_with(net)
    net.params["ip1"][0].data[...] = 7
    assert (others[0].params["ip1"][0].data == 7).all()
    assert (others[1].params["ip1"][0].data != 7).all()
    others[0].blobs["data"].data[...] = 1
    assert (others[0].forward(end="ip1")["ip1"] == 21).all()


def test_names_of_layers_blobs_and_their_ties_are_those_of_pycaffe(net: caffe.Net) -> None:
    assert list(net.blobs) == ["data", "ip1", "drop", "ip2", "twice"]
    assert (net.inputs, net.outputs) == (["data"], ["ip2", "twice"])
    assert [layer.type for layer in net.layers][:3] == ["Input", "InnerProduct", "ReLU"]
    assert net.layer_dict["ip1"].blobs[0].shape == [4, 3]
    assert net._layer_names[1] == "ip1"
    assert (net._bottom_ids(4), net._top_ids(4)) == ([2], [3])
    assert net.top_names["relu"] == ["ip1"]
    assert (net.blobs["data"].num, net.blobs["data"].channels, net.blobs["data"].width) == (2, 3, 1)


def test_a_net_is_called_in_the_new_and_in_the_old_order_of_arguments(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(CHAIN)
    path = str(tmp_path / "net.prototxt")

    assert caffe.Net(network_file=path, phase=caffe.TRAIN).graph.phase == "TRAIN"
    assert caffe.Net(path, caffe.TEST, 0, ["deploy"]).graph.phase == "TEST"
    for wrong in ((), ("w.caffemodel",), (2,)):
        with pytest.raises(TypeError, match="needs a prototxt and a phase"):
            caffe.Net(path, *wrong)
    with pytest.raises(TypeError, match="no argument 'wieghts'"):
        caffe.Net(path, caffe.TEST, wieghts="w")
    with pytest.raises(WeightsError, match="definition without weights"):
        caffe.Net(path, path, caffe.TEST)


def test_outputs_of_a_layer_that_passes_on_its_input_are_memory_of_their_own(net: caffe.Net) -> None:
    net.forward()

    net.blobs["drop"].data[...] = -1

    assert (net.blobs["ip1"].data >= 0).all()


@pytest.fixture
def solver_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = shared("oracle", "solvers")
    for name in ("net.prototxt", "data.h5", "list.txt"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    return folder / "adam_iter_size2_clip.solver.prototxt"


@needs_shared
def test_a_solver_steps_as_real_caffe_does_and_shows_what_it_took_off_the_weights(solver_file: Path) -> None:
    expected = arrays(solver_file.with_name("adam_iter_size2_clip.npz"))
    solver = caffe.get_solver(str(solver_file))
    solver.net.copy_from(solver_file.with_name("init.caffemodel"))

    solver.step(7)
    before = solver.net.params["ip1"][0].data.copy()
    solver.step(1)

    np.testing.assert_allclose(before, expected["param:ip1:0"][7], rtol=1e-5)
    np.testing.assert_allclose(solver.net.params["ip1"][0].data, expected["param:ip1:0"][8], rtol=1e-5)
    np.testing.assert_allclose(
        solver.net.params["ip1"][0].diff, before - solver.net.params["ip1"][0].data, rtol=1e-5, atol=1e-8
    )
    assert solver.net.blobs["loss"].data == pytest.approx(expected["loss"][7], rel=1e-5)
    assert solver.iter == 8


@needs_shared
def test_a_solver_of_a_named_kind_is_of_that_kind_and_its_test_nets_share_the_weights(
    solver_file: Path, tmp_path: Path
) -> None:
    text = 'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 3 test_iter: 2 test_interval: 9 type: "Adam"'
    (tmp_path / "s.prototxt").write_text(text + ' snapshot_prefix: "s"')

    solver = caffe.SGDSolver(tmp_path / "s.prototxt")
    solver.solve()
    solver.net.params["ip2"][1].data[...] = 3

    assert solver.param.type == "SGD"
    assert (solver.test_nets[0].params["ip2"][1].data == 3).all()
    assert sorted(path.name for path in tmp_path.glob("s_iter*")) == ["s_iter_3.caffemodel", "s_iter_3.solverstate"]
    again = caffe.NesterovSolver(tmp_path / "s.prototxt")
    again.restore("s_iter_3.solverstate")
    assert again.iter == 3


def test_a_fully_connected_layer_refuses_an_input_of_another_size(net: caffe.Net) -> None:
    net.blobs["data"].reshape(2, 4)

    with pytest.raises(NetworkError, match=r"Layer 'ip1': its input of \(\(2, 4\),\) does not go with it|3.*4"):
        net.forward()


def test_stages_that_a_definition_names_itself_hold(tmp_path: Path) -> None:
    path = tmp_path / "staged.prototxt"
    path.write_text(
        'state { stage: "mine" }\n' + CHAIN + 'layer { name: "s" type: "Exp" bottom: "ip2" top: "s" include { stage: "mine" } }\n'
        + 'layer { name: "o" type: "Exp" bottom: "ip2" top: "o" include { stage: "other" stage: "mine" } }'
    )  # fmt: skip

    assert caffe.Net(path, caffe.TEST).outputs == ["s", "twice"]
    assert caffe.Net(path, caffe.TEST, stages=["other"]).outputs == ["o", "s", "twice"]
