"""What a script written for DIGITS does: makes jobs by form, asks for their status until they are over, reads what they leave."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

RUNNING = ("Initialized", "Waiting", "Running")
CAFFE_NET = """layer { name: "output" type: "InnerProduct" bottom: "data" top: "output" inner_product_param { weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "output" bottom: "label" top: "loss" exclude { stage: "deploy" } }
layer { name: "accuracy" type: "Accuracy" bottom: "output" bottom: "label" top: "accuracy" include { stage: "val" } }
layer { name: "softmax" type: "Softmax" bottom: "output" top: "softmax" include { stage: "deploy" } }
"""
TORCH_NET = """import math

from torch import nn


def build_model(params):
    size = math.prod(params["inputShape"])
    return {"model": nn.Sequential(nn.Flatten(), nn.Linear(size, params["nclasses"])), "trainBatchSize": 8}
"""
NETWORKS = {"caffe": CAFFE_NET, "torch": TORCH_NET}


@dataclass
class Script:
    """A client with DIGITS' cookie, and the root that its server works on."""

    client: httpx.Client
    root: Path

    def json(self, path: str, **query: Any) -> Any:
        """Return the JSON of a GET that must succeed."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return json.loads(answer.text)

    def post(self, path: str, fields: dict[str, Any], files: dict[str, Any] | None = None) -> httpx.Response:
        """Send a form as multipart/form-data, as curl -F does; a list sends its field several times."""
        parts: list[tuple[str, Any]] = []
        for name, value in fields.items():
            parts += [(name, (None, str(each))) for each in (value if isinstance(value, list) else [value])]
        return self.client.post(path, files=[*parts, *(files or {}).items()])

    def dataset(self, pictures: Path, **fields: Any) -> str:
        """Make a dataset of grayscale pictures of 12 x 12, and return its id once it is done."""
        form = {"dataset_name": "bars", "folder_train": pictures, "resize_channels": 1, "resize_width": 12,
                "resize_height": 12, "folder_pct_val": 25} | fields  # fmt: skip
        answer = self.post("/datasets/images/classification.json", form)
        assert answer.status_code == 200, answer.text
        job_id = str(answer.json()["id"])
        assert self.until(job_id) == "Done"
        return job_id

    def form(self, dataset: str, framework: str = "caffe", **fields: Any) -> dict[str, Any]:
        """Return the form of a small network of one's own that two epochs train."""
        return {"model_name": "net", "dataset": dataset, "framework": framework, "method": "custom", "custom_network": NETWORKS.get(framework, ""),
                "train_epochs": 2, "batch_size": 8, "learning_rate": "0.00002", "random_seed": 0xCAFEBABE} | fields  # fmt: skip

    def model(self, dataset: str, framework: str = "caffe", **fields: Any) -> str:
        """Queue a training and return its id."""
        answer = self.post("/models/images/classification.json", self.form(dataset, framework, **fields))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def trained(self, dataset: str, framework: str = "caffe", **fields: Any) -> str:
        """Train a model, and return its id once it is done."""
        job_id = self.model(dataset, framework, **fields)
        assert self.until(job_id) == "Done", self.log(job_id)
        return job_id

    def status(self, job_id: str) -> str:
        """Return what the status says."""
        return str(json.loads(self.client.get(f"/jobs/{job_id}/status").text).get("status", "gone"))

    def until(self, job_id: str, *states: str) -> str:
        """Ask for the status until it is one of ``states``, or the job is over."""
        deadline = time.monotonic() + 200
        while (state := self.status(job_id)) not in states and state in RUNNING:
            assert time.monotonic() < deadline, state
            time.sleep(0.1)
        return state

    def log(self, job_id: str) -> str:
        """Return what the worker said, for the message of a test that fails."""
        return (self.root / "jobs" / job_id / "events.jsonl").read_text()[-2000:]
