"""Average precision of boxes that are made by hand, against what COCO's rule gives on paper."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from digits.scoring.detection import Detections, Precision

TRUE: list[list[float]] = [[0, 10, 10, 50, 50], [0, 100, 20, 140, 60], [1, 60, 80, 120, 110]]


def scored(found: NDArray[np.float64], true: list[list[float]] | None = None, ignored: int = -1) -> Precision:
    rows = np.array([[*row, float(index == ignored)] for index, row in enumerate(true or TRUE)], np.float64)
    detections = Detections(2)
    detections.add(found[None], rows[None])
    return detections.precision()


def as_found(confidence: float = 0.9) -> NDArray[np.float64]:
    true = np.array(TRUE, np.float64)
    return np.column_stack([true[:, 1:], np.full(len(true), confidence), true[:, 0]])


def test_boxes_that_are_exact_score_one() -> None:
    assert scored(as_found()).map50_95 == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("larger", "of_ten"),
    [
        (1.2, 4),
        (math.sqrt(1.2), 7),
    ],  # overlaps of 1 / 1.44 = 0.69 and 1 / 1.2 = 0.83, of the thresholds 0.50, 0.55 ... 0.95
)
def test_boxes_that_are_a_fifth_too_big_are_right_up_to_their_overlap(larger: float, of_ten: int) -> None:
    found = as_found()
    middle, half = (found[:, :2] + found[:, 2:4]) / 2, (found[:, 2:4] - found[:, :2]) / 2 * larger
    found[:, :4] = np.concatenate([middle - half, middle + half], axis=1)

    assert scored(found).map50 == pytest.approx(1.0)
    assert scored(found).map50_95 == pytest.approx(of_ten / 10)


def test_boxes_that_are_four_pixels_off_are_right_up_to_their_overlap() -> None:
    found = as_found()
    found[:, [0, 2]] += 4

    precision = scored(found)

    # 36 of 44 for squares of 40: 0.818, seven thresholds; 56 of 64 for the one of 60: 0.875, eight.
    assert precision.ap50_95 == pytest.approx((0.7, 0.8))


def test_a_missed_box_costs_recall_and_a_wrong_one_precision() -> None:
    missed = scored(as_found()[1:])
    wrong = scored(np.vstack([[200, 200, 220, 220, 0.95, 1], as_found()]))

    assert missed.ap50 == pytest.approx((51 / 101, 1.0))  # precision 1 at the recalls from 0 to 0.50
    assert wrong.ap50 == pytest.approx((1.0, 0.5))


def test_what_is_found_where_boxes_are_ignored_is_neither_right_nor_wrong() -> None:
    precision = scored(as_found(), ignored=1)

    assert precision.ap50 == pytest.approx((1.0, 1.0))
    assert scored(as_found()[[0, 2]], ignored=1).map50 == pytest.approx(1.0)


def test_a_class_without_boxes_is_not_counted_and_no_box_at_all_scores_nothing() -> None:
    only_first = scored(as_found()[:2], true=TRUE[:2])

    assert only_first.map50 == pytest.approx(1.0)
    assert math.isnan(only_first.ap50[1])
    assert scored(np.zeros((1, 6))).map50 == 0.0
    assert math.isnan(Detections(2).precision().map50)
