"""The inspector as its own process, asked as the web asks it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import safetensors.numpy

from digits.caffeproto.caffemodel import read_caffemodel, write_caffemodel
from digits.caffeproto.text import parse_net
from digits.core.files import read_json
from digits.core.jobfolder import JobFolder
from digits.core.work import WorkerSettings
from digits.data.images import encode_png
from digits.networks.standard import standard_text
from digits.training.snapshots import Facts, write_snapshot

Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def spool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spool")


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory, spool: Path) -> Iterator[Ask]:
    folder = tmp_path_factory.mktemp("inspector")
    environment = WorkerSettings(spool=str(spool), python_layers=True).to_environment()
    process = subprocess.Popen(
        [sys.executable, "-m", "digits.workers.inspect", str(folder), "--service", str(folder)],
        env={**os.environ, **environment}, stderr=subprocess.PIPE,
    )  # fmt: skip
    while not (folder / "ready.json").exists():
        assert process.poll() is None
        time.sleep(0.02)
    ready = read_json(folder / "ready.json")
    headers = {"Authorization": f"Bearer {ready['token']}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{ready['port']}", headers=headers, timeout=100) as client:
        yield lambda route, /, **question: client.post(route, json=question)
    process.kill()
    process.communicate()


def test_what_a_folder_holds(ask: Ask, tmp_path: Path) -> None:
    picture = encode_png(np.zeros((6, 9, 3), np.uint8))
    for label, count in {"cat": 3, "dog": 2}.items():
        (tmp_path / label).mkdir()
        for number in range(count):
            (tmp_path / label / f"{number}.png").write_bytes(picture)
    (tmp_path / "dog" / "notes.txt").write_text("none")

    found = ask("/folder", extension="image-classification", path=str(tmp_path)).json()

    assert found["state"] == "done"
    assert [(each["label"], each["count"]) for each in found["classes"]] == [("cat", 3), ("dog", 2)]
    assert (found["count"], found["refused_count"]) == (5, 1)
    assert found["sizes"]["median"] == [9, 6]


def test_a_picture_of_what_was_looked_at_is_the_example_and_says_how_long_all_take(ask: Ask, tmp_path: Path) -> None:
    picture = encode_png(np.zeros((6, 9, 3), np.uint8))
    for number in range(3):
        (tmp_path / "in" / f"class {number}").mkdir(parents=True)
        (tmp_path / "in" / f"class {number}" / "0.png").write_bytes(picture)
    with tarfile.open(tmp_path / "in.tar", "w") as tar:
        tar.add(tmp_path / "in", "in")
    form = {"path": None, "width": 4, "height": 4, "channels": 3, "encoding": "none", "mode": "fill"}

    found = ask("/folder", extension="image-classification", path=str(tmp_path / "in.tar")).json()
    example = ask("/resize-example", **form, look=found["look"], sample=2).json()
    gone = ask("/resize-example", **form, look="0" * 32)

    assert (example["source"]["width"], example["source"]["height"]) == (9, 6)
    assert example["source"]["name"].startswith("in/class ")
    assert (example["pace"]["picture_bytes"], example["pace"]["measured"]) == (48, 3)
    assert gone.status_code == 404


def test_a_folder_that_is_not_there_is_refused_in_words(ask: Ask, tmp_path: Path) -> None:
    answer = ask("/folder", extension="image-classification", path=str(tmp_path / "none"))

    assert answer.status_code == 400
    assert "cannot be read" in answer.json()["error"]["message"]


def test_a_picture_in_all_modes(ask: Ask) -> None:
    found = ask("/resize-example", path=None, width=20, height=10, channels=3, encoding="png").json()

    assert set(found["modes"]) == {"crop", "squash", "fill", "half_crop"}
    assert all(mode["image"].startswith("data:image/png;base64,") for mode in found["modes"].values())


def test_the_table_of_a_standard_network(ask: Ask) -> None:
    question = {"channels": 1, "height": 28, "width": 28, "num_classes": 10, "crop_size": None, "batch_size": None}

    found = ask("/network", framework="caffe", standard="lenet", **question).json()

    assert found["parameters"] == 431_080
    assert json.dumps(found["graph_svg"]).count("<svg") == 1
    assert 0 < found["picture_s"] < 10


def test_a_mistake_in_a_network_is_told_with_its_line_and_the_nearest_name(ask: Ask) -> None:
    text = standard_text("lenet").replace('"Pooling"', '"Polling"', 1)
    line = text[: text.index('"Polling"')].count("\n") + 1

    answer = ask("/network", framework="caffe", text=text, channels=1, height=28, width=28, num_classes=2)

    error: dict[str, Any] = answer.json()["error"]
    assert answer.status_code == 400
    assert f"line {line}" in error["where"]
    assert "Pooling" in error["hint"]


def test_a_snapshot_as_caffes_own_file(ask: Ask, tmp_path: Path, spool: Path) -> None:
    folder = JobFolder(tmp_path)
    (tmp_path / "train_val.prototxt").write_text(standard_text("lenet"))
    weights = {"conv1:0": np.full((20, 1, 5, 5), 0.25, np.float32), "conv1:1": np.arange(20, dtype=np.float32)}
    write_snapshot(folder, Facts(step=7, epoch=1.0, seed=1), weights, {})

    file = Path(ask("/export", framework="caffe", folder=str(tmp_path), epoch=1.0).json()["file"])

    assert file.parent == spool
    found = read_caffemodel(file.read_bytes())
    assert {name: array.tolist() for name, array in found.items()} == {
        name: array.tolist() for name, array in weights.items()
    }
    assert safetensors.numpy.load_file(tmp_path / "snapshots/epoch_1/weights.safetensors").keys() == weights.keys()
    assert ask("/export", framework="caffe", folder=str(tmp_path), epoch=9.0).status_code == 404


def test_what_would_be_copied_of_a_weight_file(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "a.caffemodel"
    blobs = {
        "conv1:0": np.ones((20, 1, 5, 5)),
        "conv1:1": np.ones(20),
        "ip2:0": np.ones((10, 500)),
        "ip2:1": np.ones(10),
    }
    file.write_bytes(write_caffemodel(parse_net(standard_text("lenet"), where="").message, blobs))
    question = {"framework": "caffe", "standard": "lenet", "channels": 1, "height": 28, "width": 28, "num_classes": 3}

    found = ask("/copies", **question, weights=[{"path": str(file), "name": "mine"}]).json()

    assert found["files"] == ["mine"]
    assert {row["layer"]: row["outcome"] for row in found["layers"]} == {
        "conv1": "copied", "conv2": "new", "ip1": "new", "ip2": "unfit",
    }  # fmt: skip
    assert "ip2_retrain" in found["warnings"][0][1]
    assert ask("/copies", **question, weights=[{"path": "/no/such", "name": "none"}]).status_code == 400


@pytest.mark.slow
def test_layers_in_python_are_set_up_in_a_process_of_their_own(ask: Ask) -> None:
    layer = 'type: "Python" bottom: "ip2" top: "scores" python_param { module: "digits_python_layers" layer: "Half" }'
    text = standard_text("lenet") + f'layer {{ name: "half" {layer} include {{ stage: "deploy" }} }}'
    source = (
        "import caffe\nprint('said')\nclass Half(caffe.Layer):\n    def setup(self, bottom, top): pass\n"
        "    def reshape(self, bottom, top): top[0].reshape(*bottom[0].shape)\n"
    )
    question = {"framework": "caffe", "text": text, "channels": 1, "height": 28, "width": 28, "num_classes": 3}

    good = ask("/network", **question, python_source=source).json()
    bad = ask("/network", **question, python_source=source.replace("pass", "raise ValueError('too hot')")).json()
    ended = ask("/network", **question, python_source="import os; os._exit(3)").json()

    assert [row["output_shapes"] for row in good["layers"] if row["name"] == "half"] == [[[64, 3]]]
    assert "digits_python_layers.py:4" in bad["error"]["message"]
    assert "too hot" in bad["error"]["message"]
    assert "ended the process" in ended["error"]["message"]


@pytest.mark.slow
def test_a_network_in_python_runs_in_a_process_of_its_own(ask: Ask) -> None:
    text = "print('said')\nfrom torch import nn\ndef build_model(params):\n    return nn.Sequential(nn.Flatten(), nn.Linear(784, params.nclasses))\n"
    question = {"framework": "torch", "channels": 1, "height": 28, "width": 28, "num_classes": 3}

    good = ask("/network", **question, text=text).json()
    bad = ask("/network", **question, text=text.replace("784", "783")).json()
    ended = ask("/network", **question, text="import os; os._exit(3)\n" + text).json()

    assert good["parameters"] == 784 * 3 + 3
    assert bad["error"]["where"] == "line 4"
    assert "ended the process" in ended["error"]["message"]
