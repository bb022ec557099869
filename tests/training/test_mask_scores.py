"""What is said about masks, against scikit-learn and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from digits.core.measures import best_of, chosen, is_higher_better, of_class
from digits.training.balance import pixel_weights
from digits.training.targets import Answers, target

metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")

LABELS = ("road", "sky", "pole/left", "never")
IGNORED = 255


def masks() -> tuple[np.ndarray, np.ndarray]:
    """Answers and truth: 5 masks of 3 classes, a tenth of them ignored; the fourth class is said now and then."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, (5, 12, 16)).astype(np.uint8)
    said = np.where(rng.random(truth.shape) < 0.6, truth, rng.integers(0, 4, truth.shape)).astype(np.uint8)
    truth[rng.random(truth.shape) < 0.1] = IGNORED
    return said, truth


def test_scores_of_a_database_are_those_of_scikit_learn_and_add_up_over_batches() -> None:
    said, truth = masks()
    scores = target("mask", Answers(LABELS, IGNORED)).scores(LABELS, np.arange(4))
    kept = np.concatenate([scores.add(said[some], truth[some])[0] for some in (slice(0, 2), slice(2, 5))])
    result = scores.result()
    counts = truth != IGNORED
    y, p = truth[counts], said[counts]
    ious = metrics.jaccard_score(y, p, labels=[0, 1, 2], average=None)

    assert result["metrics"]["pixel_accuracy"] == pytest.approx(metrics.accuracy_score(y, p))
    assert result["metrics"]["mean_accuracy"] == pytest.approx(
        np.mean([(p[y == each] == each).mean() for each in range(3)])
    )
    assert result["metrics"]["mean_iou"] == pytest.approx(ious.mean())
    assert [row["iou"] for row in result["per_class"]] == [*map(pytest.approx, ious), None]
    assert [row["pixels"] for row in result["per_class"]] == [*np.bincount(y, minlength=3), 0]
    assert {(true, taken): count for true, taken, count in result["confusion"]}["road", "never"] == (
        (y == 0) & (p == 3)
    ).sum()
    assert kept["score"] == pytest.approx(
        [1 - metrics.accuracy_score(t[t != IGNORED], s[t != IGNORED]) for s, t in zip(said, truth, strict=True)]
    )
    most = np.bincount(y).argmax()
    assert result["floor"] == {
        "label": LABELS[most],
        "pixel_accuracy": pytest.approx((y == most).mean()),
        "mean_iou": pytest.approx((y == most).mean() / 3),
    }


def test_a_dataset_with_its_classes_in_another_order_scores_the_same() -> None:
    said, truth = masks()
    kind = target("mask", Answers(LABELS, IGNORED))
    one, other = kind.scores(LABELS, np.arange(4)), kind.scores(LABELS, np.array([2, 0, 1]))
    one.add(said, truth)
    renamed = np.full_like(truth, IGNORED)
    for own, column in enumerate((2, 0, 1)):
        renamed[truth == column] = own
    other.add(said, renamed)

    assert one.result() == other.result()


def test_a_validation_counts_pixels_over_all_batches_and_processes() -> None:
    said, truth = masks()
    kind = target("mask", Answers(LABELS, IGNORED))
    tallies = [kind.tally(torch.device("cpu")) for _ in range(2)]
    for tally, some in zip(tallies, (slice(0, 3), slice(3, 5)), strict=True):
        assert tally is not None
        logits = torch.nn.functional.one_hot(torch.from_numpy(said[some]).long(), 4).permute(0, 3, 1, 2).float()
        tally.add({"loss": torch.tensor(1.0), "scores": logits}, torch.from_numpy(truth[some])[:, None].float())
    first, second = tallies
    assert first is not None
    assert second is not None
    for mine, others in zip(first.counts, second.counts, strict=True):
        mine += others
    counts = truth != IGNORED
    ious = metrics.jaccard_score(truth[counts], said[counts], labels=[0, 1, 2], average=None)

    assert first.result() == pytest.approx(
        {"pixel_accuracy": metrics.accuracy_score(truth[counts], said[counts]), "mean_iou": ious.mean()}
        | {f"iou/{label}": iou for label, iou in zip(LABELS, ious, strict=False)}
    )


def test_each_class_has_its_recall() -> None:
    kind = target("class", Answers(("cat", "dog/big", "none")))
    tally = kind.tally(torch.device("cpu"))
    assert tally is not None
    truth, said = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1])
    tally.add(
        {"scores": torch.nn.functional.one_hot(torch.from_numpy(said), 3).float()}, torch.from_numpy(truth).float()
    )
    found = tally.result()

    assert found == pytest.approx({"recall/cat": 2 / 3, "recall/dog/big": 1.0})
    assert np.mean(list(found.values())) == pytest.approx(metrics.balanced_accuracy_score(truth, said))
    assert target("class", Answers(tuple(map(str, range(51))))).tally(torch.device("cpu")) is None


def test_names_of_measures_say_whose_they_are_and_what_is_better() -> None:
    assert of_class("iou/pole/left/val") == "pole/left"
    assert of_class("recall/glossy loss/val") == "glossy loss"
    assert of_class("loss1/accuracy/val") is of_class("mean_iou/val") is of_class("recall/val") is None
    assert all(map(is_higher_better, ("mean_iou/val", "pixel_accuracy/val", "iou/loss/val", "recall/loss/val")))
    assert chosen("", ["recall/loss/val", "iou/a loss/val", "loss/val"]) == "loss/val"
    assert chosen("iou/pole/left/val", ["iou/pole/left/val"]) == "iou/pole/left/val"
    assert best_of([{"mean_iou/val": 0.4}, {"mean_iou/val": 0.6}, {"mean_iou/val": 0.5}], "mean_iou/val") == 1


def test_weights_of_pixels_are_roots_of_median_frequencies_and_average_to_one() -> None:
    # frequencies 100/1, 50/2, 9/1 of the pictures that hold a class: 100, 25, 9; the median is 25
    weights = pixel_weights([100, 50, 9, 0], [1, 2, 1, 0])
    plain = np.sqrt([25 / 100, 25 / 25, 25 / 9])

    assert weights[:3] == pytest.approx(plain * 159 / (plain * [100, 50, 9]).sum())
    assert (weights[:3] * [100, 50, 9]).sum() / 159 == pytest.approx(1)
    assert weights[3] == 1
