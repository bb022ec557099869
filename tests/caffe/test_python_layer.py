"""Layers written in Python: real Caffe's numbers, their own parameters, data and errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from digits import caffe
from digits.caffe.arrayfiles import save_arrays
from digits.caffe.commands.forward import forward
from digits.caffe.commands.run import run
from digits.caffe.commands.train import train
from digits.caffe.definitions import State
from digits.core.errors import NetworkError, NotFoundError
from digits.networks.caffe.python_layer import python_layers_from
from tests.caffe.oracle import arrays, check_near
from tests.networks.nets import make
from tests.shared import needs_shared, shared

LAYERS = '''
import caffe
import numpy as np


class Scaled(caffe.Layer):
    """top = w * bottom, with a parameter of its own that begins at 2."""

    def setup(self, bottom, top):
        self.blobs.add_blob(1)
        self.blobs[0].data[0] = 2

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        top[0].data[...] = self.blobs[0].data[0] * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[0] = (top[0].diff * bottom[0].data).sum()
        if propagate_down[0]:
            bottom[0].diff[...] = self.blobs[0].data[0] * top[0].diff


class Count(caffe.Layer):
    """Data: 1, 2, 3, ... in pictures that are wider each time; and twice that."""

    def setup(self, bottom, top):
        self.number = 0

    def reshape(self, bottom, top):
        top[0].reshape(1, 1, 2, self.number + 3)
        top[1].reshape(1)

    def forward(self, bottom, top):
        self.number += 1
        top[0].data[...] = self.number
        top[1].data[...] = 2 * self.number

    def backward(self, top, propagate_down, bottom):
        pass


class Broken(caffe.Layer):
    def setup(self, bottom, top):
        if self.param_str == "setup":
            raise ValueError("no such thing\\nand more")

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data[99]


class Silent(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data
'''


def python(kind: str, module: str = "my_layers", param: str = "") -> str:
    return (
        "layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 3 } } }\n"
        f"layer {{ name: 'py' type: 'Python' bottom: 'x' top: 'y'\n python_param {{ module: '{module}' layer: '{kind}' {param} }} }}"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my_layers.py").write_text(LAYERS)
    return tmp_path


def net(folder: Path, text: str, phase: int = caffe.TEST) -> caffe.Net:
    (folder / "net.prototxt").write_text("force_backward: true\n" + text)
    return caffe.Net(folder / "net.prototxt", phase)


@needs_shared
@pytest.mark.parametrize(("phase", "file"), [("TEST", "outputs.npz"), ("TRAIN", "outputs_train.npz")])
def test_they_make_what_they_made_in_real_caffe(phase: str, file: str, tmp_path: Path) -> None:
    given = shared("oracle", "python_layer")

    forward(
        given / "net.prototxt", weights=[given / "weights.caffemodel"], inputs=given / "inputs.npz",
        output=tmp_path / "out.npz", state=State("TRAIN" if phase == "TRAIN" else "TEST"), gradients=True,
    )  # fmt: skip

    check_near(arrays(tmp_path / "out.npz"), arrays(given / file))


def test_a_layer_has_parameters_of_its_own_with_their_first_values(folder: Path) -> None:
    made = net(folder, python("Scaled"))

    out = made.forward(x=np.arange(6).reshape(2, 3))
    made.backward(y=np.ones((2, 3)))

    assert out["y"].tolist() == [[0, 2, 4], [6, 8, 10]]
    assert made.params["py"][0].data.tolist() == [2]
    assert made.params["py"][0].diff.tolist() == [15]
    assert (made.blobs["x"].diff == 2).all()


def test_a_layer_without_backward_passes_nothing_down(folder: Path) -> None:
    made = net(folder, python("Silent"))

    made.forward(x=np.ones((2, 3)))
    made.backward(y=np.ones((2, 3)))

    assert not made.blobs["x"].diff.any()


def test_a_data_layer_keeps_its_state_and_may_change_its_shape_each_time(folder: Path) -> None:
    text = "layer { name: 'd' type: 'Python' top: 'data' top: 'label' python_param { module: 'my_layers' layer: 'Count' } }"
    pool = "layer { name: 'p' type: 'Pooling' bottom: 'data' top: 'p' pooling_param { kernel_size: 2 } }"
    made = net(folder, text + pool)

    widths = [(made.forward()["p"].shape[3], float(made.blobs["label"].data[0])) for _ in range(3)]

    assert widths == [(2, 2.0), (3, 4.0), (4, 6.0)]


def test_a_training_learns_through_them_whatever_shapes_their_data_have(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "net.prototxt").write_text("""
        layer { name: 'd' type: 'Python' top: 'data' top: 'label' python_param { module: 'my_layers' layer: 'Count' } }
        layer { name: 'p' type: 'Pooling' bottom: 'data' top: 'p' pooling_param { global_pooling: true pool: AVE } }
        layer { name: 's' type: 'Python' bottom: 'p' top: 's' python_param { module: 'my_layers' layer: 'Scaled' } }
        layer { name: 'f' type: 'Flatten' bottom: 's' top: 'f' flatten_param { axis: 0 } }
        layer { name: 'loss' type: 'EuclideanLoss' bottom: 'f' bottom: 'label' top: 'loss' }""")
    (folder / "solver.prototxt").write_text(
        "net: 'net.prototxt' base_lr: 0.1 lr_policy: 'fixed' max_iter: 3 snapshot_prefix: 's'"
    )
    weights = folder / "begin.caffemodel"
    begin = caffe.Net(folder / "net.prototxt", caffe.TRAIN)
    begin.params["s"][0].data[...] = 1
    begin.save(weights)

    train(folder / "solver.prototxt", weights=[weights], record=folder / "record.npz")

    made = arrays(folder / "record.npz")
    expected, w = [1.0], 1.0
    for number in (1, 2, 3):  # d/dw of (w n - 2 n)^2 / 2
        w -= 0.1 * (w - 2) * number**2
        expected.append(w)
    assert made["param:s:0"].ravel().tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (python("Broken", param="param_str: 'setup'"), r"my_layers.Broken.setup failed: ValueError: no such thing \(.*my_layers.py:47\)"),
        (python("Absent"), r"module 'my_layers' \(.*my_layers.py\) has no class 'Absent'"),
        (python("Absent", module="no_such_module"), r"module 'no_such_module' cannot be imported: ModuleNotFoundError"),
    ],
)  # fmt: skip
def test_an_error_in_a_layer_names_the_line_of_the_definition_and_of_the_module(
    text: str, words: str, folder: Path
) -> None:
    with pytest.raises(NetworkError, match=words) as caught:
        net(folder, text)

    assert caught.value.where == f"{folder / 'net.prototxt'}:4"


def test_an_error_while_running_is_shown_as_well(folder: Path) -> None:
    made = net(folder, python("Broken"))

    with pytest.raises(
        NetworkError, match=r"Layer 'py': my_layers.Broken.forward failed: IndexError: .*my_layers.py:53\)"
    ):
        made.forward(x=np.ones((2, 3)))


def test_two_projects_may_have_modules_of_one_name(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "my_layers.py").write_text(LAYERS.replace("data[0] = 2", "data[0] = 5"))

    one, two = net(folder, python("Scaled")), net(other, python("Scaled"))

    assert [float(each.params["py"][0].data[0]) for each in (one, two)] == [2, 5]


def test_no_code_runs_where_nobody_said_that_it_may(folder: Path) -> None:
    text = (
        "layer { name: 'py' type: 'Python' bottom: 'x' top: 'y' python_param { module: 'my_layers' layer: 'Scaled' } }"
    )

    with pytest.raises(NetworkError, match="written in Python, and such layers do not run here"):
        make(text, x=(2, 3))
    with python_layers_from(folder):
        built = make(text, x=(2, 3))
    assert torch.equal(built(x=torch.ones(2, 3))["y"], torch.full((2, 3), 2.0))


SCRIPT = """
import sys
import numpy as np
import caffe
import caffe.io
from caffe.proto import caffe_pb2
from caffe import layers as L, params as P
from google.protobuf import text_format

caffe.set_mode_gpu()
net = caffe_pb2.NetParameter()
text_format.Merge(open(sys.argv[1]).read(), net)
net.force_backward = True
with open("copy.prototxt", "w") as file:
    file.write(str(net))
made = caffe.Net("copy.prototxt", caffe.TEST)
made.params["py"][0].data.flat = 3
made.blobs["x"].data[...] = caffe.io.resize_image(np.ones((4, 6, 1)), (2, 3))[:, :, 0]
print(made.forward()["y"].sum(), made.params.keys() == {"py"}, __name__, sys.argv[1:])
made.save("out.caffemodel")
"""


def test_a_script_in_circulation_runs_as_it_is(folder: Path) -> None:
    (folder / "net.prototxt").write_text(python("Scaled"))
    (folder / "script.py").write_text(SCRIPT)

    done = subprocess.run(
        [sys.executable, "-m", "digits.cli.main", "caffe", "run", "script.py", "net.prototxt", "--its-own", "-x"],
        cwd=folder, capture_output=True, text=True, timeout=100,
    )  # fmt: skip

    assert [line for line in done.stderr.splitlines() if "has no CUDA device" not in line] == []
    assert done.stdout == "18.0 True __main__ ['net.prototxt', '--its-own', '-x']\n"
    model = caffe.proto.caffe_pb2.NetParameter.FromString((folder / "out.caffemodel").read_bytes())
    assert list(model.layer[1].blobs[0].data) == [3]


def test_a_script_of_python_2_is_told_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["digits"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    (folder / "old.py").write_text("import caffe\nprint 'hello'\n")

    with pytest.raises(NotFoundError, match=r"old.py:2: This is Python 2\. Write print\(\.\.\.\)"):
        run(folder / "old.py", [])


def test_what_a_layer_is_given_can_be_looked_at_as_in_pycaffe(folder: Path) -> None:
    (folder / "my_layers.py").write_text("""
import caffe
class Look(caffe.Layer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
    def setup(self, bottom, top):
        self.seen = (self.phase, self.param_str, len(bottom), bottom[0].num, bottom[0].count, list(bottom[0].shape))
    def reshape(self, bottom, top):
        top[0].reshape(6)
    def forward(self, bottom, top):
        top[0].data[:] = (self.seen[0], self.seen[1] == 'text', *self.seen[2:5], self.seen[5] == [2, 3])
""")
    save_arrays(folder / "in.npz", {"x": np.zeros((2, 3))})

    out = net(folder, python("Look", param="param_str: 'text'"), caffe.TEST).forward()

    assert out["y"].tolist() == [1, 1, 1, 2, 6, 1]
