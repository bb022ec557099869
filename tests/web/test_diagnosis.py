"""What is said of a training by its curves: figures worked by hand."""

from __future__ import annotations

import math

import pytest

from digits.web.diagnosis import LOWER_RATE, History, findings

LN10 = math.log(10)


def test_a_training_that_only_guesses_is_called_so() -> None:
    stuck = findings(History({"accuracy/val": [0.1, 0.11], "loss/val": [2.31, 2.303]}, 10))
    fine = findings(History({"accuracy/val": [0.1, 0.5], "loss/val": [2.31, 1.2]}, 10))

    assert stuck[0].fact == "The network has learned nothing so far."
    assert "ln 10 = 2.30" in stuck[0].text
    assert LOWER_RATE in stuck[0].text
    assert fine == []
    assert findings(History({"accuracy/val": [0.1]}, 10)) == [], "one validation says nothing yet"


def test_a_rate_that_moves_nothing_is_told_from_one_that_is_too_high() -> None:
    (found,) = findings(History({"accuracy/val": [0.33] * 3, "loss/val": [1.6905, 1.6904, 1.6903]}, 3))

    assert "hardly moved from 1.69: try a larger learning rate" in found.text
    assert LOWER_RATE not in found.text


def test_one_class_for_everything_is_told_with_its_name_and_figures() -> None:
    # 24 of 40 pictures are cats: the network says "cat" to all
    history = {"labels": ("cat", "dog", "owl"), "val_counts": (24, 10, 6), "num_classes": 3}

    (found,) = findings(History({"accuracy/val": [0.3, 0.6, 0.6, 0.6]}, **history))  # type: ignore[arg-type] # one mapping for four calls

    assert found.fact == "One class is predicted for everything."
    assert "24 of 40 pictures" in found.text
    assert "those of 'cat'" in found.text
    for fine in ([0.6, 0.6], [0.6, 0.6, 0.625], [0.575, 0.575, 0.575], [1.0, 1.0, 1.0]):
        assert findings(History({"accuracy/val": fine}, **history)) == []  # type: ignore[arg-type]


def test_a_loss_that_stays_where_it_began_is_told_and_one_that_has_long_fallen_is_not() -> None:
    flat = findings(History({"loss/train": [LN10 + 0.01 * (-1) ** step for step in range(40)]}))
    rising = findings(History({"loss/train": [2.3 + 0.02 * step for step in range(40)]}))
    converged = findings(History({"loss/train": [2.3, 1.0, 0.5, *[0.01] * 40]}))

    assert [each.fact for each in flat] == ["The training loss does not fall."]
    assert "2.303 at first and is 2.303 by now" in flat[0].text
    assert [each.fact for each in rising] == ["The training loss rises."]
    assert LOWER_RATE in rising[0].text
    assert converged == []


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_gaps_in_a_curve_are_passed_over(value: float | None) -> None:
    assert findings(History({"accuracy/val": [value, 0.9], "loss/train": [value] * 30}, 2)) == []


def test_a_loss_that_became_no_number_says_what_to_do_once() -> None:
    (found,) = findings(History({}, error="Network outputted NaN for 'loss' (iteration 3)."))

    assert (found.kind, found.text) == ("bad", f"{LOWER_RATE}.")
    assert findings(History({}, error=f"Network outputted NaN. {LOWER_RATE}.")) == []


def test_one_class_for_every_pixel_is_told_with_its_name_and_figures() -> None:
    # the floor of a street scene: 293 of 1,000 pixels are Road, of 11 classes
    pixels = (293, 200, 150, 100, 90, 60, 40, 30, 20, 10, 7)
    history = {"labels": ("Road", *"ABCDEFGHIJ"), "val_pixels": pixels}
    stuck = {"pixel_accuracy/val": [0.293] * 3, "mean_iou/val": [0.293 / 11] * 3}

    (found,) = findings(History(stuck, **history))  # type: ignore[arg-type] # one mapping for all calls

    assert found.fact == "It says Road everywhere."
    assert "0.293 of the validation pixels are Road" in found.text
    assert "0.293 / 11 classes" in found.text
    for accuracy, overlap in ((0.293, 0.05), (0.35, 0.293 / 11), (0.2, 0.2 / 7)):
        fine = {"pixel_accuracy/val": [accuracy] * 3, "mean_iou/val": [overlap] * 3}
        assert findings(History(fine, **history)) == []  # type: ignore[arg-type]
    brief = {name: values[:1] for name, values in stuck.items()}
    assert findings(History(brief, **history)) == [], "a network on its way may pass there"  # type: ignore[arg-type]
