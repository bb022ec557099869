"""Boxes in a training: they move with their pictures, are counted over a validation, and are scored one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.training.geometry import Moves
from digits.training.targets import Answers, target

LABELS = ("cat", "dog")
NONE = [-1.0, 0, 0, 0, 0, 0]


def moved(box: list[float], back: list[list[float]], size: tuple[int, int] = (40, 60)) -> Tensor:
    """Return a box of class 1 after its picture was moved; ``back`` takes points of the moved picture to the stored one."""
    targets = torch.tensor([[[1.0, *box, 0.0], NONE]])
    move = target("boxes", Answers(LABELS)).move
    assert move is not None
    found = move(targets, Moves(np.array([back], np.float64), size))
    assert found[0, 1, 0] == -1
    return found[0, 0]


def test_a_box_is_mirrored_with_its_picture() -> None:
    assert moved([10, 5, 30, 25], [[-1, 0, 60], [0, 1, 0]]).tolist() == [1, 30, 5, 50, 25, 0]


def test_a_box_is_cut_off_at_the_edge_of_what_is_cut_out() -> None:
    assert moved([10, 5, 30, 25], [[1, 0, 15], [0, 1, 10]], (20, 20)).tolist() == [1, 0, 0, 15, 15, 0]


def test_a_box_of_which_little_is_left_is_none_any_more() -> None:
    assert moved([10, 5, 30, 25], [[1, 0, 26], [0, 1, 0]], (20, 20))[0] == -1


def test_a_quarter_turn_swaps_the_sides_of_a_box() -> None:
    # A turn counter-clockwise of a picture of 40 x 40: the point (x, y) comes from (40 - y, x).
    assert moved([0, 0, 10, 20], [[0, -1, 40], [1, 0, 0]], (40, 40)).tolist() == pytest.approx([1, 0, 30, 20, 40, 0])


def test_a_box_moves_with_the_pixels_of_its_picture() -> None:
    """Whatever the move, the upright box around the moved pixels is the moved box."""
    chance = np.random.default_rng(4)
    move, move_mask = target("boxes", Answers(LABELS)).move, target("mask", Answers(LABELS)).move
    assert move is not None
    assert move_mask is not None
    picture = torch.zeros(1, 1, 60, 80, dtype=torch.uint8)
    picture[0, 0, 20:40, 30:60] = 1
    for _ in range(20):
        factor = chance.uniform(0.8, 1.2)
        back = np.array([[[factor, 0, chance.uniform(-9, 9)], [0, -factor, 60 + chance.uniform(-9, 9)]]])
        moves = Moves(back, (60, 80))
        ys, xs = np.nonzero(move_mask(picture, moves)[0, 0].numpy())
        box = move(torch.tensor([[[0.0, 30, 20, 60, 40, 0]]]), moves)[0, 0, 1:5].numpy()
        around = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
        assert np.abs(box - around).max() < 1.01


def test_a_validation_draws_curves_of_all_and_of_each_class() -> None:
    tally = target("boxes", Answers(LABELS)).tally(torch.device("cpu"))
    assert tally is not None
    true = torch.tensor([[[0.0, 0, 0, 10, 10, 0], [1.0, 20, 20, 40, 40, 0]]])
    tally.add({"boxes": torch.tensor([[[0.0, 0, 10, 10, 0.9, 0], [0, 0, 0, 0, 0, 0]]])}, true)
    tally.add({"no": torch.zeros(1)}, true)

    assert tally.result() == pytest.approx({"map50": 0.5, "map50_95": 0.5, "ap50/cat": 1.0, "ap50/dog": 0.0})


def test_an_evaluation_counts_the_boxes_of_each_picture() -> None:
    scores = target("boxes", Answers(LABELS)).scores(LABELS, np.array([0, 1]))
    true = _rows([0, 0, 0, 10, 10, 0], [1, 20, 20, 40, 40, 0], [1, 50, 50, 60, 60, 1])
    found = _rows([0, 0, 10, 10, 0.9, 0], [0, 30, 10, 40, 0.8, 0], [50, 50, 58, 58, 0.7, 1], [20, 20, 40, 40, 0.1, 1])

    kept, cells = scores.add(found[None], true[None])

    # One is right, one was found where nothing is, one lies where nothing counts, one is not sure enough and so missed.
    assert [list(row) for row in cells] == [[2, 2, 1, 1, 1]]
    assert kept["wrong"].tolist() == [True]
    assert kept["score"].tolist() == pytest.approx([0.5])
    assert scores.result()["metrics"]["map50"] == pytest.approx(1.0)
    assert [row["count"] for row in scores.result()["per_class"]] == [1, 1]


def test_classes_of_a_dataset_are_scored_as_those_of_the_model() -> None:
    scores = target("boxes", Answers(LABELS)).scores(LABELS, np.array([1, 0]))

    scores.add(_rows([0, 0, 10, 10, 0.9, 1])[None], _rows([0, 0, 0, 10, 10, 0])[None])

    assert scores.result()["metrics"]["map50"] == pytest.approx(1.0)


def _rows(*rows: list[float]) -> NDArray[np.float32]:
    return np.array(rows, np.float32)
