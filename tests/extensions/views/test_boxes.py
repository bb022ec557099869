"""The view of boxes: which rows are boxes, what they are called, and which stand for true ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from digits.core.errors import DataError
from digits.data.views import Rendered, Truth, ViewFacts
from digits.extensions.views.boxes.render import render
from digits.extensions.views.boxes.spec import BoxesViewSpec

PICTURE = np.zeros((100, 200, 3), np.uint8)
LABELS = ("cat", "dog")


def shown(rows: Any, *, truth: Any = None, **fields: Any) -> Rendered:
    facts = ViewFacts(LABELS, truth=None if truth is None else Truth("boxes", np.array(truth, np.float32)))
    return render({"found": np.array([rows], np.float32)}, PICTURE, facts, BoxesViewSpec.model_validate(fields))


def test_rows_without_confidence_are_no_boxes_and_the_surest_comes_first() -> None:
    made = shown([[1, 2, 3, 4, 0.2, 0], [0, 0, 0, 0, 0, 0], [5, 6, 70, 80, 0.9, 1], [1, 1, 2, 2, np.nan, 0]])

    assert [(box["label"], box["left"], box["bottom"]) for box in made.told["boxes"]] == [("dog", 5, 80), ("cat", 1, 4)]
    assert [(each["label"], each["count"]) for each in made.told["classes"]] == [("cat", 1), ("dog", 1)]
    assert made.told["classes"][0]["colour"] != made.told["classes"][1]["colour"]


def test_boxes_of_five_numbers_are_called_as_their_output_in_the_chosen_colour() -> None:
    made = shown([[1, 2, 3, 4, 2.5]], box_color="#00ff7f")

    assert made.told["classes"] == [{"label": "found", "colour": "#00ff7f", "count": 1}]
    assert made.told["most"] == 2.5, "a confidence of DetectNet is a count, and may be more than 1"


def test_lists_of_every_output_are_drawn() -> None:
    value = np.array([[[1, 2, 3, 4, 0.5]]], np.float32)

    made = render(
        {"a": value, "b": value[:, None], "loss": np.zeros((1, 1), np.float32)}, PICTURE, ViewFacts(), BoxesViewSpec()
    )

    assert [box["output"] for box in made.told["boxes"]] == ["a", "b"]


def test_a_true_box_is_found_once_by_the_surest_of_its_class() -> None:
    truth = [[0, 0, 0, 10, 10, 0], [1, 50, 50, 60, 60, 0], [0, 90, 90, 99, 99, 1], [-1, 0, 0, 0, 0, 0]]
    rows = [
        [0, 0, 10, 8, 0.9, 0],  # the first cat: 80 of 100 pixels
        [0, 0, 10, 10, 0.8, 0],  # the same cat once more
        [50, 50, 60, 60, 0.7, 0],  # a dog, called a cat
    ]

    made = shown(rows, truth=truth)

    assert [box["iou"] for box in made.told["boxes"]] == [pytest.approx(0.8), None, None]
    assert [each["found"] for each in made.told["true"]] == [True, False], (
        "neither ignored ones nor padding are asked for"
    )


def test_an_answer_that_is_no_list_of_boxes_is_refused_with_its_shape() -> None:
    with pytest.raises(DataError, match=r"No output is a list of boxes \(out: 1 × 3\)"):
        render({"out": np.zeros((1, 3), np.float32)}, PICTURE, ViewFacts(), BoxesViewSpec())


def test_a_colour_is_a_colour() -> None:
    with pytest.raises(ValidationError):
        BoxesViewSpec(box_color="url(x)")
