"""The tutorial that DIGITS' users know, by curl and with its commands unchanged (port and ids apart), on real processes."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from digits.core.platform import private_bytes
from digits.download.drawn import digits
from digits.download.folders import write_class_folders
from tests.web.test_process import MOST_BYTES
from tests.web.working import working

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here"),
]

LOGIN = "curl localhost:5000/login -c digits.cookie -XPOST -F username=fred"
DATASET = """curl localhost:5000/datasets/images/classification.json -b digits.cookie -XPOST -F folder_train=$HOME/mnist/train -F encoding=png \\
     -F resize_channels=1 -F resize_width=28 -F resize_height=28 -F method=folder -F dataset_name=mnist_dataset"""
DATASET_STATUS = "curl localhost:5000/datasets/<id>/status"
MODEL = """curl localhost:5000/models/images/classification.json -b digits.cookie -XPOST -F method=standard -F standard_networks=lenet \\
     -F train_epochs=30 -F framework=caffe -F model_name=lenet_mnist -F dataset=<id>"""
MODEL_STATUS = "curl localhost:5000/models/<id>/status"
ONE = "curl localhost:5000/models/images/classification/classify_one.json -b digits.cookie -XPOST -F job_id=<id> -F image_file=@$HOME/mnist/test/7/00000.png"
MANY = "curl localhost:5000/models/images/classification/classify_many.json -b digits.cookie -XPOST -F job_id=<id> -F image_list=@$HOME/mnist/test/test.txt"
DOWNLOAD = "curl localhost:5000/models/<id>/download.tar.gz -o model.tar.gz"
DELETE = "curl localhost:5000/models/<id> -b digits.cookie -XDELETE"

WRONG = """layer { name: "data" type: "Data" top: "data" top: "label" }
layer { name: "pool1" type: "Polling" bottom: "data" top: "pool1" }
layer { name: "ip" type: "InnerProduct" bottom: "pool1" top: "ip" }
layer { name: "softmax" type: "Softmax" bottom: "ip" top: "softmax" include { stage: "deploy" } }
"""


@dataclass
class Shell:
    """A user's shell, with the tutorial's pictures below $HOME."""

    home: Path
    port: str
    server_pid: int

    def __call__(self, command: str, job_id: str = "") -> str:
        """Run one command of the tutorial and return what it prints."""
        text = command.replace("localhost:5000", f"localhost:{self.port}").replace("<id>", job_id)
        done = subprocess.run(
            ["bash", "-c", text.replace("curl ", "curl --silent --show-error --noproxy '*' ", 1)],
            cwd=self.home, env=os.environ | {"HOME": str(self.home)}, capture_output=True, text=True, check=True, timeout=300,
        )  # fmt: skip
        return done.stdout

    def wait(self, command: str, job_id: str) -> None:
        """Ask for the status, as scripts do, until the job is done."""
        deadline = time.monotonic() + 600
        while (state := json.loads(self(command, job_id)))["status"] != "Done":
            assert state["status"] in ("Initialized", "Waiting", "Running"), (state, self._log(job_id))
            assert time.monotonic() < deadline, state
            time.sleep(0.5)

    def _log(self, job_id: str) -> str:
        folder = self.home / "root" / "jobs" / job_id
        return "".join(
            path.read_text(errors="replace")[-3000:]
            for path in (folder / "output.log", folder / "events.jsonl")
            if path.exists()
        )


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Start a server and a runner, and draw digits in the tutorial's folders."""
    home = tmp_path_factory.mktemp("home")
    train, test = digits(1500, 100)
    for name, part in (("train", train), ("test", test)):
        write_class_folders(part.inverted(), home / "mnist", name, labels=[str(digit) for digit in range(10)])
    shutil.copy(next((home / "mnist" / "test" / "7").glob("*.png")), home / "mnist" / "test" / "7" / "00000.png")
    with working(home / "root", DIGITS_CPU_SLOTS="1") as (server, address):
        yield Shell(home, address.rpartition(":")[2], server.pid)


def test_the_tutorial_by_curl(shell: Shell) -> None:
    shell(LOGIN)
    dataset = json.loads(shell(DATASET))
    assert list(dataset) == ["id", "name", "status"]
    shell.wait(DATASET_STATUS, dataset["id"])
    counts = json.loads(shell(f"curl localhost:5000/datasets/{dataset['id']}.json"))
    assert sum(task["entries"] for task in counts["CreateDbTasks"]) == 1500
    assert counts["ParseFolderTasks"][0]["label_count"] == 10

    model = json.loads(shell(MODEL, dataset["id"]))
    shell.wait(MODEL_STATUS, model["id"])
    assert json.loads(shell(f"curl localhost:5000/models/{model['id']}.json"))["snapshots"] == list(range(1, 31))
    curves = json.loads(shell(f"curl localhost:5000/models/{model['id']}/metrics"))["series"]
    assert {"loss/train", "loss/val", "accuracy/val", "lr"} <= set(curves)
    assert curves["accuracy/val"]["last"][-1] > 0.9

    predictions = json.loads(shell(ONE, model["id"]))["predictions"]
    assert [len(answer) for answer in predictions] == [2] * 5
    assert predictions[0][0] == "7"
    assert predictions == sorted(predictions, key=lambda answer: -answer[1])
    found = json.loads(shell(MANY, model["id"]))["classifications"]
    assert len(found) == 100
    right = [Path(path).parent.name == answers[0][0] for path, answers in found.items()]
    assert sum(right) >= 90

    pages(shell, model["id"])
    archive(shell, model["id"])

    if sys.platform == "linux":
        assert private_bytes(shell.server_pid) < MOST_BYTES
    assert shell(DELETE, model["id"]) == "Job deleted."
    assert json.loads(shell(MODEL_STATUS, model["id"])) == {"error": "Job not found."}


def pages(shell: Shell, model_id: str) -> None:
    """Look at the same answers as pages."""
    one = shell(ONE.replace(".json", ""), model_id)
    assert "data:image/png;base64," in one
    many = shell(MANY.replace("classify_many.json", "classify_many"), model_id)
    assert "mistake" in many.lower() or "confus" in many.lower()
    top = shell(MANY.replace("classify_many.json", "top_n"), model_id)
    assert top.count("data:image/png;base64,") >= 30


def archive(shell: Shell, model_id: str) -> None:
    """Download the model and look into it."""
    shell(DOWNLOAD, model_id)
    with tarfile.open(shell.home / "model.tar.gz") as file:
        names = file.getnames()
        info: Any = json.load(io.TextIOWrapper(file.extractfile("info.json") or io.BytesIO()))
        weights = file.getmember(info["snapshot file"])
    assert {
        "solver.prototxt",
        "train_val.prototxt",
        "deploy.prototxt",
        "original.prototxt",
        "labels.txt",
        "mean.binaryproto",
    } <= set(names)
    assert info["job id"] == model_id
    assert weights.size > 431_080 * 4  # LeNet's learned values, four bytes each


def test_what_the_inspector_tells(shell: Shell) -> None:
    shell(LOGIN)

    found = json.loads(shell("curl localhost:5000/datasets/inspect -b digits.cookie -F path=$HOME/mnist/train"))
    example = shell(
        "curl localhost:5000/datasets/images/resize-example -F width=28 -F height=28 -F channels=1 -F resize_mode=fill -F encoding=png"
    )
    table = json.loads(
        shell(
            "curl localhost:5000/models/network-table?framework=caffe -F standard_network=lenet -F channels=1 -F height=28 -F width=28"
        )
    )
    (shell.home / "wrong.prototxt").write_text(WRONG)
    wrong = shell("curl localhost:5000/models/network-table?framework=caffe -F 'custom_network=<wrong.prototxt'")

    assert (found["state"], found["count"], len(found["classes"])) == ("done", 1500, 10)
    assert example.startswith('<img src="data:image/png;base64,')
    assert table["parameters"] == 431_080
    error = json.loads(wrong)["error"]
    assert (error["where"], error["hint"]) == ("line 2", "Did you mean 'Pooling'?")
