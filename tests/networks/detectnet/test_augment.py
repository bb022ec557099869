"""DetectNet's changes: the boxes must lie, afterwards, where their objects went. Objects are bright rectangles on a dark ground."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from digits.networks.caffe.net import CaffeNet
from tests.networks.detectnet.test_grid import label, net_text
from tests.networks.nets import make, run

NOTHING = "crop_prob: -1 scale_prob: -1 flip_prob: -1 rotation_prob: -1 hue_rotation_prob: -1 desaturation_prob: -1"
GROUND = "scale_cvg: 1 crop_bboxes: false"
Array = NDArray[np.float32]


def only(**settings: float) -> str:
    """Settings under which nothing but what is named happens."""
    changed = dict(pair.split(": ") for pair in NOTHING.replace(": -1 ", ": -1;").split(";")) | {
        name: f"{value}" for name, value in settings.items()
    }
    return "detectnet_augmentation_param { " + " ".join(f"{name}: {value}" for name, value in changed.items()) + " }"


def picture(box: tuple[int, int, int, int], colour: tuple[int, int, int] = (200, 200, 200)) -> Array:
    data = np.zeros((1, 3, 30, 40), np.float32)
    x, y, width, height = box
    data[0, :, y : y + height, x : x + width] = np.array(colour, np.float32)[:, None, None]
    return data


def trained(
    settings: str, box: tuple[int, int, int, int], seed: int = 0, **options: tuple[int, int, int]
) -> tuple[Array, Array]:
    """A picture and its grid, as TRAIN makes them."""
    torch.manual_seed(seed)
    made = run(net_text(GROUND, settings), "TRAIN", data=picture(box, **options), label=label((*box, 1)))
    return made.blobs["image"][0], made.blobs["grid"][0]


def box_in(grid: Array) -> tuple[float, ...]:
    """Left, top, right and bottom of the box that the first covered cell tells of."""
    row, column = np.argwhere(grid[0])[0]
    return tuple(float(value) for value in grid[1:5, row, column] + np.array([column, row, column, row]) * 10)


def seen(image: Array, least: float = 100) -> tuple[int, ...]:
    """Left, top, right and bottom of what is bright."""
    rows, columns = np.nonzero(image.mean(0) > least)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


@pytest.mark.parametrize(
    ("settings", "tolerance"),
    [
        ({}, 0),
        ({"flip_prob": 1}, 0),
        ({"crop_prob": 1, "shift_x": 6, "shift_y": 4}, 0),
        ({"scale_prob": 1, "scale_min": 1.2, "scale_max": 1.5}, 1),
        ({"scale_prob": 1, "scale_min": 0.5, "scale_max": 0.8, "crop_prob": 1}, 1),
        ({"rotation_prob": 1, "max_rotate_degree": 20}, 2),
        ({"flip_prob": 1, "scale_prob": 1, "scale_min": 0.8, "scale_max": 1.1, "rotation_prob": 1, "max_rotate_degree": 5, "crop_prob": 1, "shift_x": 3}, 2),
    ],
)  # fmt: skip
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_box_goes_where_its_object_goes(settings: dict[str, float], tolerance: int, seed: int) -> None:
    image, grid = trained(only(**settings), (12, 9, 14, 10), seed)

    assert np.abs(np.array(box_in(grid)) - seen(image)).max() <= tolerance


def test_a_mirrored_picture_is_numpys() -> None:
    image, _ = trained(only(flip_prob=1), (3, 4, 10, 5))

    assert np.array_equal(image, picture((3, 4, 10, 5))[0, :, :, ::-1])


def test_a_picture_is_enlarged_as_opencv_does_with_cubic_interpolation() -> None:
    image, _ = trained(only(scale_prob=1, scale_min=1.5, scale_max=1.5), (3, 4, 10, 5))

    larger = cv2.resize(
        picture((3, 4, 10, 5))[0].transpose(1, 2, 0), (60, 45), interpolation=cv2.INTER_CUBIC
    )  # fmt: skip
    np.testing.assert_allclose(image, larger[:30, :40].transpose(2, 0, 1), atol=1e-3)


def test_hue_turns_blue_towards_red_and_back_and_desaturation_makes_grey() -> None:
    blue = (200, 0, 0)
    turned = {tuple(np.rint(trained(only(hue_rotation_prob=1, hue_rotation=120), (0, 0, 40, 30), seed, colour=blue)[0][:, 0, 0]).tolist()) for seed in range(6)}  # fmt: skip
    pale, _ = trained(only(desaturation_prob=1, desaturation_max=1), (0, 0, 40, 30), 4, colour=blue)

    assert len(turned) == 6
    assert all(max(colour) == 200 and min(colour) == 0 for colour in turned)
    grey = 0.114 * 200
    share = (200 - pale[0, 0, 0]) / (200 - grey)
    assert 0 < share < 1
    assert pale[1, 0, 0] == pytest.approx(pale[2, 0, 0]) == pytest.approx(grey * share, rel=1e-4)


def test_each_change_happens_as_often_as_its_probability_says() -> None:
    net: CaffeNet = make(net_text(GROUND, only(flip_prob=0.25)), "TRAIN", data=(400, 3, 30, 40), label=(400, 1, 2, 16))
    data = np.repeat(picture((0, 0, 10, 10)), 400, 0)
    torch.manual_seed(0)

    made = net(data=torch.from_numpy(data), label=torch.from_numpy(np.repeat(label((0, 0, 10, 10, 1)), 400, 0)))

    mirrored = int((made["image"][:, 0, 0, 39] > 0).sum())
    assert 75 < mirrored < 125
    assert mirrored == int(made["grid"][:, 0, 0, 3].sum())


def test_the_seed_alone_decides_what_is_drawn_and_tests_draw_nothing() -> None:
    settings = "detectnet_augmentation_param { flip_prob: 0.5 rotation_prob: 0.5 shift_x: 9 scale_prob: 0.5 }"
    one, same, other = (trained(settings, (12, 9, 14, 10), seed)[0] for seed in (1, 1, 3))
    tested = run(net_text(GROUND, settings), data=picture((12, 9, 14, 10)), label=label((12, 9, 14, 10, 1)))

    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert np.array_equal(tested.blobs["image"], picture((12, 9, 14, 10)))


def test_pictures_of_another_size_are_cut_or_filled_up_at_the_right_and_the_bottom() -> None:
    data = np.arange(1, 1 + 3 * 20 * 50, dtype=np.float32).reshape(1, 3, 20, 50)

    image = run(net_text(GROUND), data=data, label=label((0, 0, 5, 5, 1))).blobs["image"]

    assert np.array_equal(image[:, :, :20], data[:, :, :, :40])
    assert not image[:, :, 20:].any()


def test_the_mean_is_taken_off_and_the_rest_scaled() -> None:
    transform = "transform_param { mean_value: 10 mean_value: 20 mean_value: 30 scale: 0.5 }"
    image = run(net_text(GROUND, transform), data=picture((0, 0, 40, 30)), label=label((0, 0, 5, 5, 1))).blobs["image"]

    assert image[0, :, 7, 7].tolist() == [95, 90, 85]
