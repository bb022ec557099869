"""A health check that asks a trained model: the worker's own code on a real model and a dataset with wrong labels."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from digits.core.files import read_json
from digits.core.jobfolder import JobFolder, JobRecord, new_job_id
from digits.core.trainspec import TrainSpec
from digits.core.work import WorkerSettings
from digits.workers.health import check_health
from tests.training.conftest import build_dataset, draw_folder
from tests.training.test_training import run


@pytest.mark.slow
def test_wrong_labels_are_among_what_a_trained_model_doubts(
    new_model: Callable[..., tuple[JobFolder, TrainSpec]], tmp_path: Path
) -> None:
    model, _ = made = new_model(train_epochs=12)
    run(made)
    pictures = draw_folder(tmp_path / "other", per_class=30)
    for number in range(3):
        shutil.move(pictures / "circle" / f"{number:03d}.png", pictures / "triangle" / f"wrong_{number}.png")
    jobs = model.path.parent
    dataset = build_dataset(jobs, pictures)
    folder = JobFolder(jobs / new_job_id(jobs))
    record = JobRecord(id=folder.id, kind="health", extension="image-classification", title="", name="", created=0,
                       worker="health", parent=dataset, spec={"model": model.id})  # fmt: skip
    folder.write(record)

    check_health(record, folder, lambda event: None, lambda: False, WorkerSettings(device="cpu"))

    findings = read_json(folder.path / "findings.json")
    doubted = {Path(each["path"]).name: each for each in findings["suspects"]}
    assert {f"wrong_{number}.png" for number in range(3)} <= set(doubted)
    assert doubted["wrong_0.png"]["suggested"] == "circle"
    assert len(doubted) <= 20, "of 90"
    assert findings["model"]["id"] == model.id
