"""Crop, mean, scale and mirror against real Caffe's data layer and against numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from digits.training.transform import Places, Transform, centre, cut
from tests.shared import needs_shared, shared


def recorded_batches(name: str) -> np.ndarray:
    """Four batches of four, in key order, wrapping at the tenth record."""
    batches: np.ndarray = np.load(shared("oracle", "data_layer", "outputs.npz"))[f"TEST:{name}:data"]
    return batches.reshape(16, *batches.shape[2:])


@needs_shared
@pytest.mark.parametrize("name", ["plain", "scale", "meanfile", "crop", "crop_mean_scale"])
def test_pictures_become_what_caffes_data_layer_makes_of_them(name: str) -> None:
    given = np.load(shared("oracle", "data_layer", "inputs.npz"))
    expected = recorded_batches(name)
    images = torch.from_numpy(given["images"].astype(np.uint8))[torch.arange(16) % 10]
    uses_mean = "mean" in name
    transform = Transform(
        mean_CHW=torch.from_numpy(given["mean"]) if uses_mean else None,
        crop_px=expected.shape[-1] if "crop" in name else 0,
        scale=_scale(expected, given, name) if "scale" in name else 1.0,
    )

    np.testing.assert_allclose(transform(images), expected, rtol=1e-6, atol=1e-5)


def _scale(expected: np.ndarray, given: dict[str, np.ndarray], name: str) -> float:
    """The fixture does not say its scale: it follows from one value, and must then hold for all others."""
    side = expected.shape[-1]
    picture, mean = torch.from_numpy(given["images"][:1]), torch.from_numpy(given["mean"])[None]
    if side != picture.shape[-1]:
        picture, mean = centre(picture, side), centre(mean, side)
    value = (picture - mean if "mean" in name else picture)[0, 0, 0, 0]
    return float(expected[0, 0, 0, 0] / value)


def test_squares_cut_out_at_their_own_places_are_those_of_numpy() -> None:
    draw = np.random.default_rng(3)
    images = draw.integers(0, 256, (5, 3, 9, 7), dtype=np.uint8)
    records, tops, lefts = np.array([4, 0, 4, 2]), np.array([0, 5, 3, 5]), np.array([3, 3, 0, 1])

    squares = cut(
        torch.from_numpy(images), torch.from_numpy(records), torch.from_numpy(tops), torch.from_numpy(lefts), 4
    )

    by_numpy = [
        images[record, :, top : top + 4, left : left + 4]
        for record, top, left in zip(records, tops, lefts, strict=True)
    ]
    np.testing.assert_array_equal(squares, np.stack(by_numpy))


def test_the_mean_picture_is_cut_out_where_the_picture_was() -> None:
    draw = np.random.default_rng(4)
    images = draw.integers(0, 256, (3, 3, 8, 8), dtype=np.uint8)
    mean = draw.random((3, 8, 8)).astype(np.float32) * 255
    tops, lefts = np.array([0, 2, 3]), np.array([3, 1, 0])
    mirrored = np.array([False, True, False])
    places = Places(torch.from_numpy(tops), torch.from_numpy(lefts), torch.from_numpy(mirrored))
    transform = Transform(mean_CHW=torch.from_numpy(mean), crop_px=5, scale=0.5, mirror=True)

    squares = cut(torch.from_numpy(images), torch.arange(3), places.tops_px, places.lefts_px, 5)
    made = transform(squares, places)

    for index, (top, left) in enumerate(zip(tops, lefts, strict=True)):
        expected = ((images[index] - mean) * 0.5)[:, top : top + 5, left : left + 5]
        np.testing.assert_allclose(made[index], expected[:, :, ::-1] if mirrored[index] else expected, rtol=1e-6)


def test_a_mean_colour_is_taken_off_everywhere() -> None:
    images = torch.full((2, 3, 6, 6), 100, dtype=torch.uint8)
    transform = Transform(mean_CHW=torch.tensor([10.0, 20.0, 30.0])[:, None, None], crop_px=4)

    made = transform(images)

    assert made.shape == (2, 3, 4, 4)
    assert made[1, :, 2, 2].tolist() == [90.0, 80.0, 70.0]
