"""Whole trainings of a small network on a small real dataset: curves, intervals, stops, snapshots, what goes wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from digits.core.errors import DigitsError, TrainingError
from digits.core.files import read_json
from digits.core.jobfolder import JobFolder
from digits.core.metrics import series_file
from digits.core.trainspec import CustomNetwork, FixedPolicy, TrainSpec
from digits.core.work import StoppedError, WorkerSettings
from digits.training import snapshots
from digits.training.caffe_trainer import train
from digits.training.devices import can_compile
from tests.training.conftest import NETWORK, Heard

NewModel = Callable[..., tuple[JobFolder, TrainSpec]]
SETTINGS = WorkerSettings(num_threads=2)
STEPS_PER_EPOCH = 6  # ceil(90 / 16)
POINT = np.dtype([("step", "<i8"), ("epoch", "<f8"), ("time", "<f8"), ("value", "<f8")])


def never() -> bool:
    return False


def run(model: tuple[JobFolder, TrainSpec], stop: Callable[[], bool] = never) -> Heard:
    heard = Heard()
    train(model[1], model[0], SETTINGS, heard, stop)
    return heard


def points(folder: JobFolder, name: str) -> np.ndarray:
    return np.fromfile(series_file(folder.metrics, name), POINT)


def curve(folder: JobFolder, name: str) -> list[tuple[int, float]]:
    return [(int(point["step"]), float(point["value"])) for point in points(folder, name)]


def stop_after(calls: int) -> Callable[[], bool]:
    """A stop that is asked for when it was looked at ``calls`` times."""
    left = iter(range(calls))
    return lambda: next(left, None) is None


def test_a_network_learns_three_shapes_and_leaves_the_files_that_digits_users_know(new_model: NewModel) -> None:
    folder, spec = new_model(train_epochs=30, lr=FixedPolicy())

    heard = Heard()
    facts = train(spec, folder, SETTINGS, heard, never)

    accuracy = points(folder, "accuracy/val")
    assert accuracy["epoch"].tolist() == list(range(31))
    assert accuracy["value"][0] < 0.7
    assert accuracy["value"][-1] > 0.9
    assert facts["metrics"]["accuracy/val"] == accuracy["value"][-1]
    assert facts["parameters"] == 8 * 25 + 8 + 128 * 3 + 3
    assert facts["iterations"] == 30 * STEPS_PER_EPOCH
    assert heard.of("metric")[-1].values["loss/train"] == curve(folder, "loss/train")[-1][1]
    names = {path.name for path in folder.path.iterdir()}
    assert names >= {
        "original.prototxt", "train_val.prototxt", "deploy.prototxt", "solver.prototxt", "labels.txt",
        "mean.binaryproto", "caffe_output.log", "network.json",
    }  # fmt: skip
    assert (folder.path / "labels.txt").read_text().split() == ["circle", "square", "triangle"]
    layers = read_json(folder.path / "network.json")["layers"]
    assert [layer["name"] for layer in layers if layer["type"] == "InnerProduct"] == ["ip1"]
    assert f"Iteration {30 * STEPS_PER_EPOCH}, Testing net (#0)" in (folder.path / "caffe_output.log").read_text()


def test_the_same_seed_gives_the_same_curve_to_the_bit_and_another_seed_another(new_model: NewModel) -> None:
    one, other, stranger = new_model(), new_model(), new_model(random_seed=6)

    for model in (one, other, stranger):
        run(model)

    assert curve(one[0], "loss/train") == curve(other[0], "loss/train")
    assert curve(one[0], "loss/val") == curve(other[0], "loss/val")
    assert curve(one[0], "loss/train") != curve(stranger[0], "loss/train")


def test_without_a_seed_one_is_drawn_and_kept(new_model: NewModel) -> None:
    folder, spec = new_model(random_seed=None)

    facts = train(spec, folder, SETTINGS, Heard(), never)

    assert snapshots.read_facts(snapshots.find_snapshot(folder)).seed == facts["seed"]


def test_points_stand_where_digits_intervals_put_them(new_model: NewModel) -> None:
    folder, _ = model = new_model(train_epochs=3, val_interval=0.5, snapshot_interval=1.5)

    heard = run(model)

    assert [step for step, _ in curve(folder, "loss/val")] == list(range(0, 19, 3))
    assert [step for step, _ in curve(folder, "loss/train")] == list(range(18))
    assert points(folder, "loss/train")["epoch"][-1] == pytest.approx(17 / STEPS_PER_EPOCH)
    assert [(event.epoch, event.file) for event in heard.of("snapshot")] == [
        (1.5, "snapshots/epoch_1.5"),
        (3.0, "snapshots/epoch_3"),
    ]


def test_no_validation_and_one_snapshot_at_the_end_where_both_intervals_are_0(new_model: NewModel) -> None:
    folder, _ = model = new_model(val_interval=0, snapshot_interval=0)

    heard = run(model)

    assert not series_file(folder.metrics, "loss/val").exists()
    assert [event.epoch for event in heard.of("snapshot")] == [2.0]


def test_the_rate_falls_as_the_policy_says(new_model: NewModel) -> None:
    folder, _ = model = new_model(train_epochs=3, learning_rate=0.004)

    run(model)

    # 33 % of 18 iterations, rounded up: every 6
    expected = [0.004] * 6 + [0.0004] * 6 + [0.00004] * 6
    assert [value for _, value in curve(folder, "lr")] == pytest.approx(expected)


def test_a_stop_ends_with_a_snapshot_of_the_last_step(new_model: NewModel) -> None:
    folder, spec = new_model(train_epochs=50)
    heard, looks = Heard(), 0

    def stop() -> bool:
        nonlocal looks
        looks += 1
        return looks > 30

    with pytest.raises(StoppedError, match="epoch"):
        train(spec, folder, SETTINGS, heard, stop)

    last = heard.of("snapshot")[-1]
    facts = snapshots.read_facts(folder.path / last.file)
    assert facts.step == last.step == curve(folder, "loss/train")[-1][0] + 1
    assert 0 < last.epoch < 50
    assert last.bytes == sum(path.stat().st_size for path in (folder.path / last.file).iterdir())


def test_a_damaged_snapshot_is_passed_over_on_resume_and_said(new_model: NewModel) -> None:
    folder, _ = model = new_model(train_epochs=3)
    run(model)
    newest = snapshots.find_snapshot(folder, 3)
    data = bytearray((newest / "weights.safetensors").read_bytes())
    data[-1] ^= 1
    (newest / "weights.safetensors").write_bytes(data)
    folder.note("resume", changes={"train_epochs": 4})

    heard = run((folder, model[1].model_copy(update=folder.spec_changes())))

    assert heard.of("resumed")[0].step == 2 * STEPS_PER_EPOCH
    assert "goes on from epoch_2" in heard.of("warned")[-1].message
    assert [step for step, _ in curve(folder, "loss/val")] == [0, 6, 12, 18, 24]


def test_started_again_without_a_resume_it_starts_from_the_beginning(new_model: NewModel) -> None:
    folder, _ = model = new_model()
    run(model)
    once = curve(folder, "loss/train")

    run(model)

    assert curve(folder, "loss/train") == once


def test_a_loss_that_is_no_number_ends_the_training_in_digits_words(new_model: NewModel) -> None:
    folder, _ = model = new_model(learning_rate=1e20, lr=FixedPolicy())

    with pytest.raises(
        TrainingError, match=r"Network outputted (NaN|Inf) for '\w+'.*Try decreasing your learning rate\."
    ):
        run(model)

    steps = [step for step, value in curve(folder, "loss/train") if not math.isfinite(value)]
    assert len(steps) <= 3
    assert not folder.snapshots.exists()


def test_gradients_of_several_batches_add_up_to_one_step(new_model: NewModel) -> None:
    no_drop = CustomNetwork(text=NETWORK.replace("dropout_ratio: 0.2", "dropout_ratio: 0"))
    at_once = new_model(batch_size=30, network=no_drop, shuffle=False, val_interval=0.1, lr=FixedPolicy())
    in_parts = new_model(
        batch_size=15, batch_accumulation=2, network=no_drop, shuffle=False, val_interval=0.1, lr=FixedPolicy()
    )

    run(at_once)
    run(in_parts)

    # DIGITS does not divide the iterations by the accumulation: each epoch of the second sees the data twice
    one, other = (dict(curve(model[0], "loss/val")) for model in (at_once, in_parts))
    assert snapshots.read_facts(snapshots.find_snapshot(in_parts[0])).step == 12
    assert one[3] == pytest.approx(other[3], rel=1e-5)


def test_a_crop_larger_than_the_pictures_is_refused_with_words(new_model: NewModel) -> None:
    with pytest.raises(DigitsError, match=r"[Cc]rop"):
        run(new_model(crop_size=64))


@pytest.mark.parametrize("use_mean", ["none", "image", "pixel"])
@pytest.mark.parametrize("crop_size", [None, 16])
def test_every_mean_trains_with_and_without_a_crop(new_model: NewModel, use_mean: str, crop_size: int | None) -> None:
    folder, _ = model = new_model(train_epochs=1, use_mean=use_mean, crop_size=crop_size)

    run(model)

    assert len(curve(folder, "loss/val")) == 2


def test_the_log_for_people_has_caffes_lines(new_model: NewModel) -> None:
    folder, _ = model = new_model()
    run(model)

    text = (folder.path / "caffe_output.log").read_text()

    for line in ("Iteration 0, loss = ", "Iteration 0, lr = 0.01", "    Train net output #0: loss = ", "(* 1 = "):
        assert line in text
    assert "    Test net output #0: accuracy = " in text


def test_a_dataset_that_is_gone_is_said(new_model: NewModel) -> None:
    with pytest.raises(DigitsError, match="gone or not finished"):
        run(new_model(dataset="20200101-000000-abcd"))


def test_events_are_few_while_every_point_is_kept(new_model: NewModel) -> None:
    folder, _ = model = new_model(train_epochs=4, val_interval=0)

    heard = run(model)

    assert len(curve(folder, "loss/train")) == 24
    seconds = heard[-1].time - heard[0].time
    assert len(heard.of("progress")) <= 3 + 2 * seconds
    assert heard.of("progress")[-1].state == "done"
    assert heard.of("progress")[-1].facts["step"] == 24
    assert json.loads(heard.of("progress")[-1].model_dump_json())["text"] == "Epoch 4.0 of 4"


def test_the_decoded_cache_below_the_dataset_is_used_where_memory_is_short(
    new_model: NewModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    in_memory, on_disk = new_model(), new_model()
    run(in_memory)

    monkeypatch.setattr("digits.training.frames._MEMORY_SHARE", 0.0)
    run(on_disk)

    assert len(list(tmp_path.rglob("cache/*.u8"))) == 2
    assert curve(in_memory[0], "loss/train") == curve(on_disk[0], "loss/train")


@pytest.mark.slow
@pytest.mark.skipif(not can_compile(torch.device("cpu")), reason="no C++ compiler")
@pytest.mark.timeout(400)
def test_a_compiled_network_gives_the_same_curve_within_rounding(new_model: NewModel) -> None:
    no_drop = CustomNetwork(text=NETWORK.replace("dropout_ratio: 0.2", "dropout_ratio: 0"))
    plain, compiled = new_model(network=no_drop), new_model(network=no_drop, compile_model=True)

    run(plain)
    heard = run(compiled)

    assert not heard.of("warned")
    for name in ("loss/train", "loss/val", "accuracy/val"):
        expected = [value for _, value in curve(plain[0], name)]
        assert [value for _, value in curve(compiled[0], name)] == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_without_a_compiler_the_network_runs_as_it_is_and_that_is_said(
    new_model: NewModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)

    heard = run(new_model(train_epochs=1, compile_model=True))

    assert "not compiled" in heard.of("warned")[0].message
