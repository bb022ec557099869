"""A trained model that answers: the same numbers as in validation, in this process and from a warm worker."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from digits.core.errors import DataError, NotFoundError
from digits.core.events import read_events
from digits.core.jobfolder import JobFolder
from digits.core.platform import worker_environment
from digits.core.trainspec import CustomNetwork, FixedPolicy, TrainSpec
from digits.core.work import WorkerSettings
from digits.training.caffe_predictor import open_predictor
from digits.training.dataset import Dataset
from digits.training.inference import top_classes
from tests.training.conftest import NETWORK, SHAPES, SIDE, Heard, draw, model_maker
from tests.training.test_training import curve, run

NewModel = Callable[..., tuple[JobFolder, TrainSpec]]


@pytest.mark.parametrize("crop_size", [None, 15])
def test_the_accuracy_on_the_validation_set_is_what_the_predictor_gets_on_the_same_pictures(
    new_model: NewModel, crop_size: int | None
) -> None:
    folder, spec = model = new_model(train_epochs=3, crop_size=crop_size, lr=FixedPolicy())
    run(model)
    reader = Dataset.open(folder, spec.dataset).reader("val")
    predictor = open_predictor(folder, device="cpu")

    probabilities = predictor.classify([reader[index].image_HWC for index in range(len(reader))])

    right = probabilities.argmax(1) == reader.targets()
    assert right.mean() == pytest.approx(curve(folder, "accuracy/val")[-1][1])
    losses = -np.log(probabilities[np.arange(len(reader)), reader.targets()])
    assert losses.mean() == pytest.approx(curve(folder, "loss/val")[-1][1], rel=1e-4)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)


def test_a_snapshot_is_chosen_by_its_epoch_and_a_missing_one_is_said(new_model: NewModel) -> None:
    folder, _ = model = new_model(train_epochs=2)
    with pytest.raises(NotFoundError, match="no snapshot yet"):
        open_predictor(folder)
    run(model)
    picture = np.zeros((SIDE, SIDE, 1), np.uint8)

    first, last, newest = (open_predictor(folder, epoch, "cpu") for epoch in (1.0, 2.0, None))

    assert (first.epoch, newest.epoch) == (1.0, 2.0)
    assert not np.array_equal(first.classify([picture]), last.classify([picture]))
    assert np.array_equal(last.classify([picture]), newest.classify([picture]))
    with pytest.raises(NotFoundError, match=r"no snapshot of epoch 7\.5"):
        open_predictor(folder, 7.5)


def test_any_number_of_pictures_gives_the_same_answers_as_one_at_a_time(new_model: NewModel) -> None:
    folder, _ = model = new_model(train_epochs=1)
    run(model)
    predictor = open_predictor(folder, device="cpu")
    rng = np.random.default_rng(1)
    pictures = [np.asarray(draw(SHAPES[i % 3], rng))[:, :, None] for i in range(40)]

    together = predictor.classify(pictures)

    one_by_one = np.concatenate([predictor.classify([picture]) for picture in pictures])
    np.testing.assert_allclose(together, one_by_one, rtol=1e-4, atol=1e-6)


def test_best_classes_come_best_first_and_outputs_without_a_label_are_left_out() -> None:
    probabilities = np.array([[0.1, 0.4, 0.2, 0.3], [0.25, 0.25, 0.25, 0.25]], np.float32)

    best = top_classes(probabilities, ("a", "b", "c"), 2)

    assert [[label for _, label, _ in row] for row in best] == [["b", "c"], ["a", "b"]]
    assert best[0][0][2] == pytest.approx(0.4)


def test_the_network_sees_the_middle_of_the_picture(new_model: NewModel) -> None:
    folder, _ = model = new_model(train_epochs=1, crop_size=15)
    run(model)
    picture = np.arange(SIDE * SIDE, dtype=np.uint8).reshape(SIDE, SIDE, 1)

    seen = open_predictor(folder, device="cpu").seen(picture)

    assert np.array_equal(seen, picture[2:17, 2:17])


def test_a_file_that_is_no_picture_is_refused_by_its_rule(new_model: NewModel) -> None:
    folder, _ = model = new_model(train_epochs=1)
    run(model)

    with pytest.raises(DataError) as refused:
        open_predictor(folder, device="cpu").prepare(b"<html>not found</html>")
    assert refused.value.rule


class Service:
    """A running inference worker."""

    def __init__(self, folder: JobFolder, place: Path) -> None:
        place.mkdir()
        self.spool = place / "spool"
        settings = WorkerSettings(num_threads=1, device="cpu", spool=str(self.spool))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "digits.workers.infer", str(folder.path), "--epoch", "2", "--service", str(place)],
            env={**os.environ, **worker_environment(1), **settings.to_environment()},
        )
        deadline = time.monotonic() + 60
        while not (place / "ready.json").exists():
            assert self.process.poll() is None, (place / "failed.json").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self._ready = json.loads((place / "ready.json").read_bytes())

    def ask(self, route: str, /, **question: Any) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._ready['port']}{route}",
            json.dumps(question).encode(),
            {"Authorization": f"Bearer {self._ready['token']}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@pytest.fixture(scope="module")
def trained(shapes: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[JobFolder, TrainSpec]:
    model = model_maker(shapes, tmp_path_factory.mktemp("trained"))(train_epochs=2, crop_size=15)
    run(model)
    return model


@pytest.fixture(scope="module")
def service(trained: tuple[JobFolder, TrainSpec], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run one warm worker for all: its start costs more than all that it is asked."""
    running = Service(trained[0], tmp_path_factory.mktemp("warm") / "service")
    yield running
    running.process.terminate()
    assert running.process.wait(20) == 0


def test_a_warm_worker_classifies_paths_and_a_bad_file_costs_its_own_row(
    service: Service, trained: tuple[JobFolder, TrainSpec], tmp_path: Path
) -> None:
    rng = np.random.default_rng(5)
    paths = [tmp_path / f"{shape}.png" for shape in SHAPES]
    for path, shape in zip(paths, SHAPES, strict=True):
        draw(shape, rng, side=50, mode="RGB").save(path)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    asked = [str(paths[0]), str(tmp_path / "broken.png"), str(paths[1]), str(tmp_path / "absent.png"), str(paths[2])]

    answer = service.ask("/classify", paths=asked, top=2, all_scores=True)

    results = answer["results"]
    assert [result["ok"] for result in results] == [True, False, True, False, True]
    assert [result["path"] for result in results] == asked
    assert results[1]["error"]["rule"]
    assert results[3]["error"]["rule"] == "IMG_UNREADABLE"
    assert answer["labels_count"] == 3
    predictor = open_predictor(trained[0], 2, "cpu")
    expected = predictor.classify([predictor.prepare(path.read_bytes()) for path in paths])
    np.testing.assert_allclose(np.load(answer["scores_file"]), expected, rtol=1e-4, atol=1e-6)
    assert results[0]["top"][0][0] == int(expected[0].argmax())
    assert results[0]["top"][0][1] == SHAPES[int(expected[0].argmax())]


def test_a_warm_worker_shows_the_picture_as_the_network_sees_it(service: Service, tmp_path: Path) -> None:
    draw("circle", np.random.default_rng(5), side=50, mode="RGB").save(tmp_path / "circle.png")

    answer = service.ask("/picture", path=str(tmp_path / "circle.png"))

    png = cv2.imdecode(np.frombuffer(base64.b64decode(answer["png_base64"]), np.uint8), cv2.IMREAD_UNCHANGED)
    assert png is not None
    assert png.shape == (15, 15)
    assert (answer["width"], answer["height"]) == (15, 15)


def test_a_warm_worker_tells_of_its_layers_of_what_speaks_for_a_class_and_of_all_outputs(
    service: Service, trained: tuple[JobFolder, TrainSpec], tmp_path: Path
) -> None:
    path = str(tmp_path / "circle.png")
    draw("circle", np.random.default_rng(5), side=50, mode="RGB").save(path)
    predictor = open_predictor(trained[0], 2, "cpu")
    expected = predictor.predict([predictor.prepare(Path(path).read_bytes())])["softmax"]

    inside = service.ask("/layers", path=path)
    maps = service.ask("/maps", path=path, classes=[2, 0])
    raw = service.ask("/outputs", paths=[path, str(tmp_path / "absent.png")])

    rows = inside["layers"]
    names = [f"{row['kind']} {row['name']}" for row in rows]
    assert names[2:5] == ["Weights conv1", "Activation conv1", "Activation pool1"]
    assert names[-1] == "Activation softmax"
    assert inside["num_parameters"] == sum(row.get("param_count", 0) for row in rows) == 8 * 25 + 8 + 72 * 3 + 3
    assert sorted(each.name for each in (service.spool / inside["folder"]).iterdir()) == sorted(
        f"{number}.png" for number, row in enumerate(rows) if row["tiles"]
    )
    assert maps["layer"] == "conv1"
    assert [each["class"] for each in maps["maps"]] == [2, 0]
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(maps["maps"][0]["png_base64"]), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (15, 15, 3)
    np.testing.assert_allclose(raw["results"][0]["outputs"]["softmax"], expected, rtol=1e-4, atol=1e-6)
    assert (raw["results"][1]["ok"], raw["results"][1]["error"]["rule"]) == (False, "IMG_UNREADABLE")


def test_a_warm_worker_answers_an_lmdb_record_by_record_from_any_key_on(
    service: Service, trained: tuple[JobFolder, TrainSpec]
) -> None:
    folder, spec = trained
    dataset = Dataset.open(folder, spec.dataset)
    reader = dataset.reader("val")
    db_path = str(folder.path.parent / spec.dataset / "val_db")
    expected = open_predictor(folder, 2, "cpu").classify([reader[index].image_HWC for index in range(len(reader))])

    found = service.ask("/outputs_db", db_path=db_path, most=20)["results"]
    found += service.ask("/outputs_db", db_path=db_path, most=20, after=found[-1]["name"])["results"]

    assert [each["name"].partition("_")[0] for each in found] == [f"{index:08d}" for index in range(len(reader))]
    scores = np.concatenate([each["outputs"]["softmax"] for each in found])
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-6)
    assert service.ask("/outputs_db", db_path=db_path, after=found[-1]["name"])["results"] == []


def test_a_warm_worker_answers_records_of_a_dataset_as_it_answers_their_pictures(
    service: Service, trained: tuple[JobFolder, TrainSpec]
) -> None:
    folder, spec = trained
    reader = Dataset.open(folder, spec.dataset).reader("val")
    rows = range(7, 27)
    expected = open_predictor(folder, 2, "cpu").classify([reader[row].image_HWC for row in rows])
    records = {"folder": str(folder.path.parent / spec.dataset), "db": "val", "first": 7, "count": 20}

    answer = service.ask("/classify", records=records, top=3)
    raw = service.ask("/outputs", records=records)
    beyond = service.ask("/outputs", records=records | {"first": len(reader), "count": 5})

    assert [each["top"][0][0] for each in answer["results"]] == expected.argmax(1).tolist()
    assert [each["path"].partition("_")[0] for each in answer["results"]] == [f"{row:08d}" for row in rows]
    scores = np.concatenate([each["outputs"]["softmax"] for each in raw["results"]])
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-6)
    assert beyond["results"] == []


def test_a_network_of_convolutions_takes_a_picture_in_its_own_size_and_another_one_says_why_not(
    new_model: NewModel, tmp_path: Path
) -> None:
    fully = NETWORK.replace("InnerProduct", "Convolution").replace(
        "inner_product_param {", "convolution_param { num_output: 3 kernel_size: 4"
    )
    folder, _ = model = new_model(train_epochs=1, network=CustomNetwork(text=fully))
    run(model)
    connected, _ = model = new_model(train_epochs=1)
    run(model)
    draw("circle", np.random.default_rng(5), side=52, mode="L").save(tmp_path / "circle.png")
    data = (tmp_path / "circle.png").read_bytes()
    predictor, small = open_predictor(folder, device="cpu"), open_predictor(connected, device="cpu")

    outputs = predictor.predict_whole(predictor.prepare_whole(data))

    assert outputs["softmax"].shape == (1, 3, 9, 9)
    with pytest.raises(DataError, match="cannot take a picture of 52 × 52") as refused:
        small.predict_whole(small.prepare_whole(data))
    assert "fully convolutional" in refused.value.hint


def test_the_worker_trains_a_job_folder_and_says_done(new_model: NewModel) -> None:
    folder, _ = new_model()

    process = subprocess.run(
        [sys.executable, "-m", "digits.workers.train", str(folder.path)],
        env={**os.environ, **worker_environment(1), **WorkerSettings(num_threads=1).to_environment()},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip

    assert process.returncode == 0, process.stderr
    heard = Heard(event for _, event in read_events(folder.events_file))
    assert heard[-1].type == "done"
    assert heard[-1].facts["parameters"] == 8 * 25 + 8 + 128 * 3 + 3
    assert [event.epoch for event in heard.of("snapshot")] == [1.0, 2.0]
