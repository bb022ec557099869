"""The view of classes over a picture: which class a pixel gets and how sure, colours, and how it fits the truth; by hand-worked numbers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.decode import Limits
from digits.data.masks import read_label
from digits.data.views import Rendered, Truth, ViewFacts
from digits.extensions.views.segmentation.render import render
from digits.extensions.views.segmentation.spec import SegmentationViewSpec

PICTURE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
LABELS = ("background", "cat", "dog")


def scores(classes_HW: NDArray[np.int64], *, margin: float = 2.0, num_classes: int = 3) -> NDArray[np.float32]:
    """Return logits [1, C, H, W] whose greatest are at ``classes_HW``; class 0 follows, then the others."""
    made = np.zeros((1, num_classes, *classes_HW.shape), np.float32)
    made[0, 0] = 1.0
    np.put_along_axis(made[0], classes_HW[None], 1.0 + margin, axis=0)
    return made


def halves() -> NDArray[np.int64]:
    """Return a left half of class 1 and a right half of class 2, 4 × 6."""
    return np.repeat([[1, 1, 1, 2, 2, 2]], 4, axis=0)


def shown(
    output: NDArray[np.float32], facts: ViewFacts | None = None, spec: SegmentationViewSpec | None = None
) -> Rendered:
    return render({"score": output}, PICTURE, facts or ViewFacts(LABELS), spec or SegmentationViewSpec())


def pixels(png: bytes) -> NDArray[np.uint8]:
    """Return the pixels of a PNG as RGB, read by OpenCV."""
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image[:, :, ::-1], np.uint8)


def test_the_picture_and_its_classes_come_pixel_by_pixel() -> None:
    made = shown(scores(halves()))

    assert (pixels(made.pngs["picture"]) == PICTURE).all()
    answers = pixels(made.pngs["answers"])
    assert (answers[:, :, 0] == halves()).all()
    assert (answers[:, :, 1] == 0).all(), "the second best class"
    assert (answers[:, :, 2] == 255).all(), "nothing is known of the truth"
    assert made.told["right"] is None


def test_scores_are_the_softmax_of_what_the_network_gives_and_probabilities_stay() -> None:
    logits = scores(halves())
    powers = np.exp([3.0, 1.0, 0.0])
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    expected = np.rint(powers / powers.sum() * 255)[:2]
    for output in (logits, probabilities):
        assert (pixels(shown(output).pngs["scores"])[:, :, :2] == expected).all()


def test_shares_and_overlap_of_classes_are_those_worked_by_hand() -> None:
    truth = np.repeat([[1, 1, 2, 2, 2, 0]], 4, axis=0).astype(np.uint8)
    truth[0] = 9  # the ignore label

    made = shown(scores(halves()), ViewFacts(LABELS, ignore_label=9, truth=Truth("mask", truth)))

    by_label = {row["label"]: row for row in made.told["classes"]}
    assert {name: row["share"] for name, row in by_label.items()} == {"background": 0.0, "cat": 0.5, "dog": 0.5}
    assert {name: row["iou"] for name, row in by_label.items()} == {"background": 0.0, "cat": 6 / 9, "dog": 6 / 12}
    assert made.told["right"] == 12 / 18
    assert made.told["mean_iou"] == pytest.approx((0 + 6 / 9 + 6 / 12) / 3)
    assert (pixels(made.pngs["answers"])[0, :, 2] == 255).all()


def test_the_mask_keeps_ids_and_has_the_colours_of_the_dataset() -> None:
    palette = np.array([[1, 2, 3], [200, 0, 0], [0, 0, 200]], np.uint8)

    made = shown(scores(halves()), ViewFacts(LABELS, palette))
    label = read_label(made.pngs["mask"], limits=Limits())

    assert (label.values == halves()).all()
    assert label.palette is not None
    assert label.palette[:3].tolist() == palette.tolist()
    assert [row["colour"] for row in made.told["classes"]] == [[200, 0, 0], [0, 0, 200]]


@pytest.mark.parametrize(
    ("colormap", "colours"), [("paired", [[31, 120, 180], [178, 223, 138]]), ("none", [[128] * 3, [255] * 3])]
)
def test_other_colours_can_be_chosen(colormap: str, colours: list[list[int]]) -> None:
    made = shown(scores(halves()), spec=SegmentationViewSpec.model_validate({"colormap": colormap}))

    assert [row["colour"] for row in made.told["classes"]] == colours


@pytest.mark.parametrize(
    ("background", "labels", "hidden"),
    [("found", LABELS, [0]), ("found", ("sky", "cat", "dog"), []), ("clear", ("sky",), [0]), ("drawn", LABELS, [])],
)
def test_class_0_is_clear_where_it_is_background(background: str, labels: tuple[str, ...], hidden: list[int]) -> None:
    spec = SegmentationViewSpec.model_validate({"background": background})

    assert shown(scores(halves()), ViewFacts(labels), spec).told["hidden"] == hidden


def test_a_coarse_map_is_spread_over_the_picture() -> None:
    made = shown(scores(np.array([[1, 2], [2, 1]])))

    answers = pixels(made.pngs["answers"])[:, :, 0]
    assert answers.tolist() == [[1, 1, 1, 2, 2, 2]] * 2 + [[2, 2, 2, 1, 1, 1]] * 2


def test_one_channel_says_whether_a_pixel_is_of_the_class() -> None:
    logit = np.where(halves() == 2, 4.0, -4.0)[None, None].astype(np.float32)

    assert (pixels(shown(logit).pngs["answers"])[:, :, 0] == (halves() == 2)).all()


def test_values_that_are_no_numbers_lose() -> None:
    output = scores(halves())
    output[0, 1, 0, 0], output[0, :, 1, 1] = np.nan, np.nan

    answers = pixels(shown(output).pngs["answers"])[:, :, 0]
    assert (answers[0, 0], answers[1, 1], answers[0, 1]) == (0, 0, 1)


def test_an_answer_without_pixels_is_refused_with_its_shape() -> None:
    with pytest.raises(DataError, match=r"No output has classes for each pixel \(score: 1 × 10\)"):
        shown(np.zeros((1, 10), np.float32))
