from __future__ import annotations

import numpy as np
import pytest

from digits.scoring.calibration import NUM_BINS, Calibration


def test_the_calibration_error_is_that_of_the_formula_whatever_the_batches() -> None:
    rng = np.random.default_rng(7)
    sure = rng.random(5000).astype(np.float32)
    right = rng.random(5000) < sure**1.5
    gathered = Calibration()
    for start in range(0, 5000, 700):
        gathered.add(sure[start : start + 700], right[start : start + 700])

    # Guo et al. 2017, (2) and (3): sum over the bins of |B|/n * |acc(B) - conf(B)|, a bin being ((m - 1)/M, m/M]
    error = 0.0
    for m in range(NUM_BINS):
        inside = (sure > m / NUM_BINS) & (sure <= (m + 1) / NUM_BINS)
        error += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    assert gathered.error() == pytest.approx(error, abs=1e-6)
    bins = gathered.as_json()["bins"]
    assert sum(each["count"] for each in bins) == 5000
    top = bins[-1]
    inside = sure > 14 / 15
    assert (top["count"], top["accuracy"]) == (inside.sum(), pytest.approx(right[inside].mean()))


def test_two_answers_small_enough_to_count_by_hand() -> None:
    gathered = Calibration()
    gathered.add(np.array([0.9, 0.5], np.float32), np.array([True, False]))

    assert gathered.error() == pytest.approx((0.1 + 0.5) / 2)
    levels = {each["confidence"]: (each["count"], each["accuracy"]) for each in gathered.as_json()["levels"]}
    assert levels == {0.999: (0, None), 0.99: (0, None), 0.9: (1, 1.0), 0.5: (2, 0.5)}


def test_without_answers_there_is_no_error() -> None:
    assert Calibration().error() is None
