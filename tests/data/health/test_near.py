from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digits.data.health.near import find_near, unit
from digits.download.idx import parse, unpack
from tests.shared import shared

Picture = NDArray[np.uint8]
SIDE = 96


def scene(seed: int) -> Picture:
    """Draw shapes of every size before a shaded ground: a picture with broad forms and with detail."""
    rng = np.random.default_rng(seed)
    ground = np.linspace(rng.integers(0, 120), rng.integers(120, 255), SIDE)
    image = np.ascontiguousarray(np.broadcast_to(ground[:, None], (SIDE, SIDE)), np.float32)
    for _ in range(25):
        centre = tuple(int(each) for each in rng.integers(0, SIDE, 2))
        cv2.circle(image, centre, int(rng.integers(2, 18)), float(rng.integers(0, 255)), -1)
    return np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)


def small(image: Picture) -> Picture:
    return np.asarray(cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA), np.uint8)


def pairs(pictures: list[Picture]) -> set[tuple[int, int]]:
    found = find_near(np.stack([small(each) for each in pictures]))
    return set(zip(found.first.tolist(), found.second.tolist(), strict=True))


def jpeg(image: Picture, quality: int) -> Picture:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 0), np.uint8)


CUT = round(SIDE * 0.05)
MADE: dict[str, Callable[[Picture], Picture]] = {
    "cut at all edges": lambda image: image[CUT:-CUT, CUT:-CUT],
    "cut at top and left": lambda image: image[CUT:, CUT:],
    "cut at bottom and right": lambda image: image[:-CUT, :-CUT],
    "cut at left and right": lambda image: image[:, CUT:-CUT],
    "JPEG of quality 50": lambda image: jpeg(image, 50),
    "half the size": lambda image: np.asarray(cv2.resize(image, (SIDE // 2, SIDE // 2)), np.uint8),
}


@pytest.mark.parametrize("how", MADE)
def test_a_picture_made_of_another_is_found_and_no_other_is(how: str) -> None:
    scenes = [scene(seed) for seed in range(40)]
    made = [MADE[how](scenes[seed]) for seed in range(10)]

    assert pairs(scenes + made) == {(seed, 40 + seed) for seed in range(10)}


def test_flat_pictures_and_smooth_skies_are_no_duplicates_of_each_other() -> None:
    rng = np.random.default_rng(0)
    walls = [np.full((SIDE, SIDE), grey, np.uint8) for grey in range(10, 250, 12)]
    skies = []
    for _ in range(30):
        slope = np.linspace(rng.integers(60, 140), rng.integers(160, 250), SIDE)
        sky = np.broadcast_to(slope[:, None], (SIDE, SIDE)) + rng.normal(0, 2, (SIDE, SIDE))
        skies.append(np.clip(sky, 0, 255).astype(np.uint8))

    assert pairs(walls + skies) == set()


def test_things_of_one_outline_before_one_ground_are_told_apart_by_their_detail() -> None:
    shirts = []
    for seed in range(30):
        image = np.full((SIDE, SIDE), 240, np.float32)
        image[20:80, 25:70] = 90
        pattern = np.random.default_rng(seed).normal(0, 25, (15, 15))
        image[20:80, 25:70] += cv2.resize(pattern, (45, 60), interpolation=cv2.INTER_LINEAR)
        shirts.append(np.clip(image, 0, 255).astype(np.uint8))
    looks = unit(np.stack([cv2.resize(each, (16, 16), interpolation=cv2.INTER_AREA) for each in shirts])
                 .reshape(30, -1).astype(np.float32))[0]  # fmt: skip

    assert np.sort((looks @ looks.T).ravel())[-60] > 0.9, "they should look alike"
    assert pairs(shirts) == set()


def test_of_the_digits_of_mnist_the_copies_are_found_and_few_look_alikes() -> None:
    digits = parse(unpack(shared("data", "mnist", "t10k-images-idx3-ubyte.gz").read_bytes(), max_bytes=8_000_000))[
        :2000
    ]
    copies = np.stack([jpeg(np.ascontiguousarray(each), 50) for each in digits[:50]])

    found = find_near(np.concatenate([digits, copies]))

    planted = {(index, 2000 + index) for index in range(50)}
    listed = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert planted <= listed
    assert len({place for pair in listed - planted for place in pair if place < 2000}) <= 20, "1 %"


def test_none_and_one_picture_have_no_pairs() -> None:
    assert len(find_near(np.zeros((0, 32, 32), np.uint8)).first) == 0
    assert pairs([scene(1)]) == set()
