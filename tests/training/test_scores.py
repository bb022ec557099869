"""What answers say about a model, batch by batch, against scikit-learn on all of them at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digits.training.targets import Scores, target

metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
LABELS = ("ant", "bee", "cat", "dog", "eel", "fox", "gnu")


def add_all(
    scores: Scores, answers: NDArray[Any], targets: NDArray[Any], batch: int = 64
) -> tuple[NDArray[Any], list[Any]]:
    kept, cells = [], []
    for start in range(0, len(answers), batch):
        rows, table = scores.add(answers[start : start + batch], targets[start : start + batch])
        kept.append(rows)
        cells += list(table)
    return np.concatenate(kept), cells


def softmax(scores: NDArray[Any]) -> NDArray[Any]:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def test_numbers_of_one_class_a_picture() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 7, 1000)
    answers = softmax(rng.normal(0, 1, (1000, 7)) + 2 * np.eye(7)[truth])
    scores = target("class").scores(LABELS, np.arange(7))

    kept, cells = add_all(scores, answers, truth)
    found = scores.result()

    said = answers.argmax(axis=1)
    assert found["metrics"]["accuracy"] == pytest.approx(metrics.accuracy_score(truth, said))
    assert found["metrics"]["top5"] == pytest.approx(metrics.top_k_accuracy_score(truth, answers, k=5))
    assert found["metrics"]["log_loss"] == pytest.approx(metrics.log_loss(truth, answers), rel=1e-5)
    precision, recall, f1, count = metrics.precision_recall_fscore_support(truth, said)
    rows = found["per_class"]
    assert [row["label"] for row in rows] == list(LABELS)
    assert [row["count"] for row in rows] == count.tolist()
    for name, wanted in (("precision", precision), ("recall", recall), ("f1", f1)):
        assert [row[name] for row in rows] == pytest.approx(wanted.tolist())
    matrix = np.zeros((7, 7), int)
    for true, predicted, number in found["confusion"]:
        matrix[LABELS.index(true), LABELS.index(predicted)] = number
    assert (matrix == metrics.confusion_matrix(truth, said)).all()
    assert (kept["truth"] == truth).all()
    assert (kept["said"] == said).all()
    assert (kept["wrong"] == (said != truth)).all()
    assert cells[3][:2] == (LABELS[truth[3]], LABELS[said[3]])
    assert len(cells[0]) == len(scores.columns)


def test_a_dataset_may_have_fewer_classes_in_another_order() -> None:
    answers = np.eye(7, dtype=np.float32)[[5, 1, 1]]
    scores = target("class").scores(LABELS, np.array([5, 1]))  # the dataset's: fox, bee

    scores.add(answers, np.array([0, 1, 0]))

    assert scores.result()["confusion"] == [["bee", "bee", 1], ["fox", "bee", 1], ["fox", "fox", 1]]


def test_scores_that_are_no_probabilities_have_no_loss_and_are_not_calibrated() -> None:
    scores = target("class").scores(LABELS[:2], np.arange(2))

    scores.add(np.array([[3.0, -1.0]], np.float32), np.array([0]))

    found = scores.result()
    assert found["metrics"]["accuracy"] == 1
    assert "log_loss" not in found["metrics"]
    assert found["calibration"] is None


def test_numbers_of_several_classes_a_picture() -> None:
    rng = np.random.default_rng(2)
    wanted = rng.integers(0, 2, (500, 3)).astype(np.uint8)
    answers = np.clip(wanted * 0.4 + rng.random((500, 3)) * 0.6, 0, 1).astype(np.float32)
    scores = target("classes").scores(LABELS[:3], np.arange(3))

    kept, cells = add_all(scores, answers, wanted)
    found = scores.result()

    said = answers >= 0.5
    precision, recall, f1, count = metrics.precision_recall_fscore_support(wanted, said)
    for name, each in (("count", count), ("precision", precision), ("recall", recall), ("f1", f1)):
        assert [row[name] for row in found["per_class"]] == pytest.approx(each.tolist())
    assert found["metrics"]["mean_f1"] == pytest.approx(metrics.f1_score(wanted, said, average="macro"))
    assert found["metrics"]["accuracy"] == pytest.approx(metrics.accuracy_score(wanted, said))
    assert (kept["wrong"] == (said != wanted).any(axis=1)).all()
    first = int(np.flatnonzero(kept["wrong"])[0])
    worst = int(
        np.where(said[first] != wanted[first], np.where(said[first], answers[first], 1 - answers[first]), -1).argmax()
    )
    assert kept[first][["truth", "said"]].tolist() == ((worst, -1) if wanted[first][worst] else (-1, worst))
    assert cells[0][0] == ";".join(LABELS[index] for index in np.flatnonzero(wanted[0]))


def test_numbers_of_numbers() -> None:
    rng = np.random.default_rng(3)
    wanted = rng.random((200, 2)).astype(np.float32)
    answers = wanted + rng.normal(0, 0.1, (200, 2)).astype(np.float32)
    scores = target("vector").scores(("x", "y"), np.arange(2))

    kept, _ = add_all(scores, answers, wanted)
    found = scores.result()

    assert found["metrics"]["mae"] == pytest.approx(metrics.mean_absolute_error(wanted, answers), rel=1e-5)
    assert found["metrics"]["rmse"] == pytest.approx(np.sqrt(metrics.mean_squared_error(wanted, answers)), rel=1e-5)
    assert [row["mae"] for row in found["per_class"]] == pytest.approx(
        np.abs(wanted - answers).mean(axis=0).tolist(), rel=1e-5
    )
    assert kept["score"] == pytest.approx(np.abs(wanted - answers).mean(axis=1), rel=1e-5)
