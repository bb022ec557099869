"""DetectNet's grid against tables of boxes worked by hand: 4 x 3 cells of 10 pixels."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.networks.nets import make, run

GROUND = "stride: 10 image_size_x: 40 image_size_y: 30"
Array = NDArray[np.float32]


def label(*boxes: tuple[float, float, float, float, int], rows: int = 0) -> Array:
    """A label (1, 1, boxes + 1, 16) of boxes (x, y, width, height, class), with room for ``rows`` more."""
    table = np.zeros((1, 1, 1 + len(boxes) + rows, 16), np.float32)
    table[0, 0, 0, :2] = len(boxes), 16
    for row, (x, y, width, height, kind) in zip(table[0, 0, 1:], boxes, strict=False):
        row[:4], row[5] = (x, y, width, height), kind
    return table


def net_text(ground: str, rest: str = "") -> str:
    return (
        f'layer {{ name: "t" type: "DetectNetTransformation" bottom: "data" bottom: "label" top: "image" top: "grid" '
        f"detectnet_groundtruth_param {{ {GROUND} {ground} }} {rest} }}"
    )


def grid(ground: str, boxes: Array) -> Array:
    """The grid that TEST makes: (channels, 3, 4)."""
    made = run(net_text(ground), data=np.zeros((1, 3, 30, 40), np.float32), label=boxes)
    found: Array = made.blobs["grid"][0]
    return found


def cells(channel: Array) -> list[tuple[int, int]]:
    return [(int(row), int(column)) for row, column in np.argwhere(channel)]


def test_every_channel_of_one_box_is_as_worked_by_hand() -> None:
    made = grid("scale_cvg: 0.5 max_cvg_len: 50", label((5, 5, 20, 10, 1)))

    # half of 20 x 10 about the centre (15, 10): from (10, 7.5) to (20, 12.5), so column 1, rows 0 and 1
    assert made.shape == (9, 3, 4)
    assert cells(made[0]) == cells(made[8]) == [(0, 1), (1, 1)]
    assert made[:, 0, 1].tolist() == pytest.approx([1, -5, 5, 15, 15, 1 / 20, 1 / 10, 2, 1])
    assert made[:, 1, 1].tolist() == pytest.approx([1, -5, -5, 15, 5, 1 / 20, 1 / 10, 2, 1])
    assert not made[:, 2].any()


@pytest.mark.parametrize(
    ("settings", "columns", "norm"),
    [
        ("gridbox_type: GRIDBOX_MAX max_cvg_len: 50 scale_cvg: 1", [0, 1, 2, 3], 100 / 900),  # 30 wide from 2
        ("gridbox_type: GRIDBOX_MAX max_cvg_len: 10 scale_cvg: 1", [1, 2], 1.0),  # 10 wide from 12
        ("gridbox_type: GRIDBOX_MAX max_cvg_len: 50 scale_cvg: 0.1", [1], 100 / 9),  # 3 wide from 15.5
        ("gridbox_type: GRIDBOX_MIN min_cvg_len: 14 scale_cvg: 0.1", [1, 2], 100 / 196),  # 14 wide from 10
        ("gridbox_type: GRIDBOX_MIN min_cvg_len: 99 scale_cvg: 0.1", [0, 1, 2, 3], 100 / 900),  # never beyond the box
    ],
)
def test_what_covers_is_a_share_of_the_box_kept_within_bounds(settings: str, columns: list[int], norm: float) -> None:
    made = grid(f"{settings} obj_norm: true", label((2, 0, 30, 30, 1)))

    assert sorted({column for _, column in cells(made[0])}) == columns
    assert made[7, 1, columns[0]] == pytest.approx(norm)


def test_without_obj_norm_the_weight_is_never_below_1() -> None:
    box = label((0, 0, 40, 30, 1))

    assert grid("scale_cvg: 1", box)[7].max() == 1
    assert grid("scale_cvg: 1 obj_norm: true", box)[7].max() == pytest.approx(100 / 1200)


def test_a_side_that_only_touches_a_cell_does_not_cover_it() -> None:
    assert cells(grid("scale_cvg: 1", label((10, 10, 10, 10, 1)))[0]) == [(1, 1)]


def test_a_later_box_overwrites_and_each_class_keeps_its_coverage() -> None:
    classes = "object_class { src: 1 dst: 0 } object_class { src: 4 dst: 1 } scale_cvg: 1"
    made = grid(classes, label((0, 0, 20, 10, 1), (10, 0, 20, 10, 4), (0, 20, 40, 10, 7)))

    assert made.shape == (10, 3, 4)
    assert cells(made[0]) == [(0, 0), (0, 1), (0, 2)]  # class 7 is not in the map
    assert made[1, 0, :3].tolist() == [0, 0, -10]
    assert made[8, 0].tolist() == [1, 1, 0, 0]
    assert made[9, 0].tolist() == [0, 1, 1, 0]


def test_two_classes_of_labels_may_be_one_of_the_grid() -> None:
    made = grid(
        "object_class { src: 1 dst: 0 } object_class { src: 2 dst: 0 } scale_cvg: 1",
        label((0, 0, 10, 10, 1), (30, 0, 10, 10, 2)),
    )

    assert made.shape == (9, 3, 4)
    assert made[8, 0].tolist() == [1, 0, 0, 1]


def test_boxes_are_clipped_to_the_picture_and_those_outside_dropped() -> None:
    boxes = label((-10, -10, 20, 20, 1), (100, 100, 5, 5, 1), (35, 5, 20, 10, 1))

    clipped, whole = grid("scale_cvg: 1", boxes), grid("scale_cvg: 1 crop_bboxes: false", boxes)

    assert clipped[:7, 0, 0].tolist() == pytest.approx([1, 0, 0, 10, 10, 0.1, 0.1])
    assert whole[:7, 0, 0].tolist() == pytest.approx([1, -10, -10, 10, 10, 0.05, 0.05])
    assert clipped[3, 0, 3] == 10
    assert whole[3, 0, 3] == 25
    assert cells(clipped[0]) == cells(whole[0]) == [(0, 0), (0, 3), (1, 3)]


@pytest.mark.parametrize("count", [0, -3, 2, 1000, np.nan])
def test_rows_beyond_the_count_and_a_count_beyond_the_rows_do_no_harm(count: float) -> None:
    table = label((0, 0, 10, 10, 1), (20, 0, 10, 10, 1), (0, 0, 0, 5, 1))
    table[0, 0, 0, 0] = count

    made = grid("scale_cvg: 1", table)

    assert np.all(np.isfinite(made))
    assert cells(made[0]) == ([(0, 0), (0, 2)] if count > 1 else [])


@pytest.mark.parametrize(
    ("ground", "rest", "words"),
    [
        ("scale_cvg: 0", "", "scale_cvg 0 is not in"),
        ("", "transform_param { crop_size: 5 }", "takes no crop_size, only mean_value and scale"),
        ("", "transform_param { mean_value: 1 mean_value: 2 }", "one mean_value, or three"),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_words(ground: str, rest: str, words: str) -> None:
    from digits.core.errors import NetworkError

    with pytest.raises(NetworkError, match=words):
        make(net_text(ground, rest), data=(1, 3, 30, 40), label=(1, 1, 2, 16))
    with pytest.raises(NetworkError, match=r"must be \(1, 1, boxes \+ 1, 16\)"):
        make(net_text(""), data=(1, 3, 30, 40), label=(1, 1, 2, 5))
