"""What a running training takes of the machine. NVML itself is stood in for: no GPU need be here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import psutil
import pytest

from digits.core.executor import Handle
from digits.core.platform import process_start
from digits.core.states import JobState
from digits.store import Job
from digits.web.pages import hardware, modelfacts
from tests.web.conftest import build_dataset, draw_pictures, model_of
from tests.web.serving import Serving


class NVMLError(Exception):
    """What NVML answers to a question that a device cannot answer."""


def nvml(gpus: dict[int, dict[str, Any]]) -> ModuleType:
    """Return a module that answers as pynvml does, of these GPUs alone; a value that is missing is an error."""

    def asked(handle: dict[str, Any], name: str) -> Any:
        if name not in handle:
            raise NVMLError(name)
        return handle[name]

    def handle_of(index: int) -> dict[str, Any]:
        if index not in gpus:
            raise NVMLError(index)
        return gpus[index]

    made: Any = ModuleType("pynvml")
    made.NVMLError, made.NVML_TEMPERATURE_GPU = NVMLError, 0
    made.nvmlInit = made.nvmlShutdown = lambda: None
    made.nvmlDeviceGetHandleByIndex = handle_of
    made.nvmlDeviceGetName = lambda handle: asked(handle, "name")
    made.nvmlDeviceGetUtilizationRates = lambda handle: SimpleNamespace(gpu=asked(handle, "busy"))
    made.nvmlDeviceGetMemoryInfo = lambda handle: SimpleNamespace(
        used=asked(handle, "used"), total=asked(handle, "total")
    )
    made.nvmlDeviceGetTemperature = lambda handle, _: asked(handle, "heat")
    return made  # type: ignore[no-any-return] # a module whose attributes are set here


@pytest.fixture
def training(empty: Serving, tmp_path: Path) -> Job:
    """Return a job that this very process runs, on GPUs 0, 2 and 3."""
    job = model_of(empty.store, build_dataset(empty.store, draw_pictures(tmp_path / "in")))
    pid = psutil.Process().pid
    handle = Handle(pid=pid, created=process_start(pid) or "")
    return replace(job, state=JobState.RUNNING, handle=handle, gpus=(0, 2, 3))


def test_each_gpu_of_a_training_has_its_gauges(training: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    one = {"name": "A4000", "busy": 71, "used": 4_000_000_000, "total": 16_000_000_000, "heat": 61}
    monkeypatch.setitem(sys.modules, "pynvml", nvml({0: one, 1: one, 2: one | {"name": b"A5000", "busy": 5}, 3: one}))

    *gpus, process = hardware.used_by(training)

    assert [gpu.title for gpu in gpus] == ["GPU 0, A4000", "GPU 2, A5000", "GPU 3, A4000"]
    assert [(gauge.name, gauge.share, gauge.text) for gauge in gpus[0].gauges] == [
        ("Busy", 0.71, "71 %"), ("Memory", 0.25, "4.0 of 16.0 GB"), ("Heat", 0.61, "61 °C"),
    ]  # fmt: skip
    assert gpus[1].gauges[0].text == "5 %"
    assert process.title.startswith("Process ")


def test_what_one_gpu_does_not_tell_is_left_out_and_hides_no_other(
    training: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    slice_ = {"name": "H100 1g.10gb", "used": 1, "total": 10}
    whole = slice_ | {"name": "H100", "busy": 9, "heat": 40}
    monkeypatch.setitem(sys.modules, "pynvml", nvml({2: slice_, 3: whole}))

    *gpus, _ = hardware.used_by(training)

    assert [(gpu.title, [gauge.name for gauge in gpu.gauges]) for gpu in gpus] == [
        ("GPU 2, H100 1g.10gb", ["Memory"]), ("GPU 3, H100", ["Busy", "Memory", "Heat"]),
    ]  # fmt: skip


def test_without_a_driver_the_process_is_shown_alone(training: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    broken: Any = nvml({})

    def fail() -> None:
        raise NVMLError("no driver")

    broken.nvmlInit = fail
    monkeypatch.setitem(sys.modules, "pynvml", broken)

    assert [device.title.partition(" ")[0] for device in hardware.used_by(training)] == ["Process"]


def test_what_a_training_has_started_counts_with_it(training: Job) -> None:
    alone = hardware.used_by(training)[-1]
    before = len(psutil.Process().children(recursive=True))  # of other tests in this process
    hog = "held = bytes(500_000_000); print(len(held), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", hog], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()

        both = hardware.used_by(training)[-1]

        child.kill()
    assert both.title == f"Process {os.getpid()} and the {before + 1} that it started"
    assert float(both.gauges[1].text.split()[0]) >= float(alone.gauges[1].text.split()[0])


def test_the_page_says_in_how_many_processes_a_model_was_trained(training: Job) -> None:
    facts = json.dumps({"device": "cuda", "processes": 3})
    on_three = replace(training, state=JobState.DONE, texts={**training.texts, "facts": facts})

    rows = dict(modelfacts.facts_of(on_three, modelfacts.run_of(on_three, [])))

    assert (rows["Device"], rows["Processes"]) == ("GPUs 0, 2, 3", "3, sharing each batch")
    assert "Processes" not in dict(modelfacts.facts_of(training, modelfacts.run_of(training, [])))
