"""Detection without anchors: what a grid learns and says, against OpenCV and values worked out by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from digits.networks.detection.found import boxes_of, non_maximum_suppression
from digits.networks.detection.grid import giou, grid_loss

SIZE = (64, 96)
CELLS = (16, 24)
NONE = [-1.0, 0, 0, 0, 0, 0]


def rows(*boxes: list[float], most: int = 4) -> Tensor:
    """One picture's true boxes."""
    return torch.tensor([[*boxes, *([NONE] * (most - len(boxes)))]])


def learned(targets: Tensor, num_classes: int = 2, steps: int = 300) -> Tensor:
    """Return the output that the loss leads to when nothing but the output itself has to learn."""
    output = torch.zeros(len(targets), num_classes + 4, *CELLS)
    output[:, :num_classes] = -4.6
    output.requires_grad_()
    optimizer = torch.optim.Adam([output], lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        grid_loss(output, targets, SIZE).mean().backward()  # type: ignore[no-untyped-call] # torch's own
        optimizer.step()
    return output.detach()


def test_what_the_loss_leads_to_says_the_boxes_that_it_was_given() -> None:
    true = [[0.0, 8, 4, 40, 28, 0], [1.0, 50, 30, 90, 60, 0], [1.0, 60, 2, 70, 10, 0]]

    found = boxes_of(learned(rows(*true)), SIZE)[0]

    sure = found[found[:, 4] > 0.5]
    assert sorted(sure[:, 5].tolist()) == [0.0, 1.0, 1.0]
    for box in true:
        nearest = (sure[:, :4] - torch.tensor(box[1:5])).abs().amax(1).min()
        assert nearest < 0.5


def test_a_picture_without_boxes_costs_little_and_says_nothing() -> None:
    output = learned(rows(), steps=50)

    assert float(grid_loss(output, rows(), SIZE)) < 0.1
    assert (boxes_of(output, SIZE)[:, :, 4] < 0.05).all()


def test_what_is_found_in_an_ignored_box_costs_nothing() -> None:
    output = torch.full((1, 6, *CELLS), -9.0)
    output[0, 0, 4:8, 4:8] = 5.0

    wrong = float(grid_loss(output, rows(), SIZE))
    ignored = float(grid_loss(output, rows([0.0, 16, 16, 32, 32, 1.0]), SIZE))

    assert wrong > 10
    assert ignored < 0.01


def test_the_loss_of_a_picture_does_not_hang_on_the_others() -> None:
    targets = torch.cat([rows([0.0, 8, 4, 40, 28, 0]), rows([1.0, 50, 30, 90, 60, 0])])
    output = torch.randn(2, 6, *CELLS, generator=torch.Generator().manual_seed(1))

    both = grid_loss(output, targets, SIZE)

    alone = [grid_loss(output[each : each + 1], targets[each : each + 1], SIZE)[0] for each in range(2)]
    torch.testing.assert_close(both, torch.stack(alone))


def test_generalised_overlap_as_worked_out_by_hand() -> None:
    one = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 2, 2]])
    other = torch.tensor([[0.0, 0, 4, 4], [2, 0, 6, 4], [4, 0, 6, 2]])

    # Equal; 8 shared of 24 with none around; nothing shared, 8 of 12 around.
    assert giou(one, other).tolist() == pytest.approx([1.0, 1 / 3, -1 / 3])


@pytest.mark.parametrize("seed", range(5))
def test_suppression_keeps_what_opencv_keeps(seed: int) -> None:
    chance = np.random.default_rng(seed)
    corner, side = chance.uniform(0, 60, (40, 2)), chance.uniform(10, 40, (40, 2))
    scores = np.sort(chance.uniform(0.1, 1, 40))[::-1]
    boxes = torch.from_numpy(np.concatenate([corner, corner + side], 1))[None]

    keep = non_maximum_suppression(boxes, torch.zeros(1, 40, dtype=torch.long), 0.5)

    wanted = cv2.dnn.NMSBoxes(np.concatenate([corner, side], 1).tolist(), scores.tolist(), 0.0, 0.5)
    assert keep[0].nonzero()[:, 0].tolist() == sorted(np.asarray(wanted).ravel().tolist())


def test_boxes_of_two_classes_do_not_suppress_each_other() -> None:
    boxes = torch.tensor([[[0.0, 0, 10, 10], [0, 0, 10, 10], [1, 0, 11, 10]]])

    assert non_maximum_suppression(boxes, torch.tensor([[0, 1, 0]]), 0.5).tolist() == [[True, True, False]]
