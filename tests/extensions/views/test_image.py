"""The view of outputs that are pictures: how numbers become pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.views import Truth, ViewFacts
from digits.extensions.views.image.render import render
from digits.extensions.views.image.spec import ImageViewSpec

PICTURE = np.full((2, 2, 3), 7, np.uint8)


def pixels(output_CHW: object, **fields: str) -> list[object]:
    """Return the pixels of the one output, rows of RGB."""
    value = np.array(output_CHW, np.float32)[None]
    made = render({"out": value}, PICTURE, ViewFacts(), ImageViewSpec.model_validate(fields))
    return decoded(made.pngs["output0"])


def decoded(png: bytes) -> list[object]:
    image: NDArray[np.uint8] | None = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)  # type: ignore[assignment]  # OpenCV's stubs know no dtype
    assert image is not None
    return list(image[:, :, ::-1].tolist())


def test_normalizing_spreads_the_values_from_black_to_white() -> None:
    assert pixels([[[-1.0, 0.0], [1.0, 3.0]]]) == [[[0] * 3, [64] * 3], [[128] * 3, [255] * 3]]


def test_clipping_keeps_values_and_cuts_those_beyond() -> None:
    found = pixels([[[-5.0, 0.4], [99.6, 300.0]]], pixel_conversion="clip")

    assert found == [[[0] * 3, [0] * 3], [[100] * 3, [255] * 3]]


def test_channels_are_taken_in_the_order_that_is_said() -> None:
    red_first = [[[10.0]], [[20.0]], [[30.0]]]

    assert pixels(red_first, pixel_conversion="clip") == [[[10, 20, 30]]]
    assert pixels(red_first, pixel_conversion="clip", channel_order="bgr") == [[[30, 20, 10]]]


def test_a_flat_output_and_one_of_nothing_but_nan_are_black() -> None:
    assert pixels([[[5.0, 5.0]]]) == [[[0] * 3] * 2]
    assert pixels([[[np.nan, np.nan]]]) == [[[0] * 3] * 2]


def test_every_picture_is_shown_and_what_it_should_be_beside_it() -> None:
    truth = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    outputs = {"grey": np.zeros((1, 1, 4, 4), np.float32), "loss": np.zeros((1, 1), np.float32),
               "colour": np.zeros((1, 3, 2, 2), np.float32)}  # fmt: skip

    made = render(outputs, PICTURE, ViewFacts(truth=Truth("image", truth)), ImageViewSpec())

    assert [row["name"] for row in made.told["outputs"]] == ["grey", "colour"]
    assert decoded(made.pngs["truth"]) == truth.tolist()
    assert decoded(made.pngs["picture"]) == PICTURE.tolist()


def test_an_output_of_other_channels_is_refused_with_its_shape() -> None:
    with pytest.raises(DataError, match=r"No output is a picture \(out: 1 × 11 × 4 × 4\)"):
        render({"out": np.zeros((1, 11, 4, 4), np.float32)}, PICTURE, ViewFacts(), ImageViewSpec())
