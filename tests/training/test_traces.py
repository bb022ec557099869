"""Traces of steps: which steps have one, and that it tells of the network's layers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from digits.core.jobfolder import JobFolder
from digits.core.trainspec import TrainSpec
from digits.training.traces import FOLDER, MAX_TRACES, traced
from tests.training.test_training import run


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_training_leaves_a_trace_of_each_nth_step_in_which_its_convolution_can_be_found(
    new_model: Callable[..., tuple[JobFolder, TrainSpec]],
) -> None:
    folder, _ = model = new_model(train_epochs=1, traces_interval=2)  # 90 pictures, 16 a step: steps 0 to 5

    run(model)

    assert names(folder.path / FOLDER) == ["timeline_2.json", "timeline_4.json"]
    events = json.loads((folder.path / FOLDER / "timeline_4.json").read_text())["traceEvents"]
    took = {event["name"]: event["dur"] for event in events if event.get("ph") == "X"}
    assert took["aten::conv2d"] > 0


@pytest.mark.parametrize(("interval", "steps"), [(0, range(50)), (7, [0, 1, 6, 8, 7 * (MAX_TRACES + 1)])])
def test_other_steps_have_none(tmp_path: Path, interval: int, steps: list[int]) -> None:
    for step in steps:
        with traced(tmp_path, step, interval, torch.device("cpu")):
            pass

    assert names(tmp_path / FOLDER) == []
