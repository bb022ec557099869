"""DetectNet's layers in Python: what NVCaffe's own made of the same grids, and the rules at their edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from digits import caffe
from digits.caffe.detectnet.clustering import fill_list
from digits.caffe.detectnet.grouping import group_rectangles
from digits.core.errors import NetworkError
from tests.caffe.oracle import arrays
from tests.shared import needs_shared, shared

CLUSTERING, MEAN_AP = "caffe.layers.detectnet.clustering", "caffe.layers.detectnet.mean_ap"


def python(module: str, layer: str, bottoms: str, tops: str, param: str = "") -> str:
    names = " ".join(f'bottom: "{name}"' for name in bottoms.split()) + " ".join(
        f' top: "{name}"' for name in tops.split()
    )
    return f'layer {{ name: "{layer} {tops}" type: "Python" {names} python_param {{ module: "{module}" layer: "{layer}" param_str: "{param}" }} }}\n'


def net(tmp_path: Path, text: str, **shapes: tuple[int, ...]) -> caffe.Net:
    inputs = "".join(
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {" ".join(f"dim: {size}" for size in shape)} }} }} }}\n'
        for name, shape in shapes.items()
    )
    (tmp_path / "net.prototxt").write_text(inputs + text)
    return caffe.Net(tmp_path / "net.prototxt", caffe.TEST)


def boxes(listed: NDArray[np.float32]) -> list[list[tuple[float, ...]]]:
    """The boxes of each picture in an order of their own: a list's order is nobody's business."""
    return [sorted(tuple(np.round(row, 3).tolist()) for row in rows if row.any()) for rows in listed]


@needs_shared
def test_lists_scores_and_map_are_those_of_nvcaffe(tmp_path: Path) -> None:
    given, wanted = (arrays(shared("oracle", "detectnet_python", f"{name}.npz")) for name in ("inputs", "outputs"))
    text = python(CLUSTERING, "ClusterGroundtruth", "gt_coverage gt_bboxes", "gt0 gt1", "320,192,16,2")
    text += python(CLUSTERING, "ClusterDetections", "coverage bboxes", "det0 det1", "320,192,16,0.5,2,0.05,22,2")
    for index in (0, 1):
        text += python(MEAN_AP, "ScoreDetections", f"gt{index} det{index}", f"scored{index}")
        text += python(MEAN_AP, "mAP", f"scored{index}", f"map{index} precision{index} recall{index}")

    made = net(tmp_path, text, **{name: array.shape for name, array in given.items()})
    made.forward(**{name: np.asarray(array) for name, array in given.items()})  # type: ignore[arg-type] # inputs by name

    for name in ("gt0", "gt1", "det0", "det1", "scored0", "scored1"):
        assert boxes(made.blobs[name].data) == boxes(wanted[name]), name
    for index in (0, 1):
        numbers = [float(made.blobs[f"{name}{index}"].data[0]) for name in ("map", "precision", "recall")]
        assert numbers == pytest.approx(wanted[f"map_prec_rec{index}"].tolist())


def test_a_found_box_is_right_once_and_the_better_of_two_gets_the_true_one(tmp_path: Path) -> None:
    true, found = np.zeros((1, 50, 5), np.float32), np.zeros((1, 50, 5), np.float32)
    true[0, :2, :4] = [[0, 0, 10, 10], [100, 100, 120, 120]]
    found[0, :3, :4] = [[0, 0, 10, 9], [0, 0, 10, 10], [50, 50, 60, 60]]
    text = python(MEAN_AP, "ScoreDetections", "t f", "s") + python(MEAN_AP, "mAP", "s", "m p r")

    out = net(tmp_path, text, t=true.shape, f=found.shape).forward(t=true, f=found, blobs=["s"])

    assert [row[4] for row in out["s"][0, :4].tolist()] == [1, 2, 2, 3]
    assert [float(out[name][0]) for name in ("m", "p", "r")] == pytest.approx([100 / 6, 100 / 3, 50])


def test_without_boxes_there_is_no_division_by_zero(tmp_path: Path) -> None:
    none = np.zeros((1, 50, 5), np.float32)

    out = net(tmp_path, python(MEAN_AP, "mAP", "s", "m p r"), s=none.shape).forward(s=none)

    assert [float(out[name][0]) for name in ("m", "p", "r")] == [0, 0, 0]


def test_rectangles_near_each_other_are_one_and_small_groups_none() -> None:
    rects = [np.array(rect) for rect in ([10, 10, 40, 40], [12, 9, 41, 40], [9, 11, 42, 38], [200, 200, 40, 40])]

    (found,) = group_rectangles(rects, 1, 0.2)

    assert (found[0].tolist(), found[1]) == ([10, 10, 41, 39], 3)
    assert group_rectangles(rects, 3, 0.2) == []
    assert group_rectangles([], 0, 0.2) == []


def test_a_group_of_two_inside_a_larger_one_is_left_out() -> None:
    outer, inner = [np.array([0, 0, 100, 100])] * 4, [np.array([10, 10, 20, 20])] * 2

    assert [count for _, count in group_rectangles(outer + inner, 1, 0.1)] == [4]


def test_too_many_boxes_and_a_wrong_param_str_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="51 boxes in one picture, and 50 are the most"):
        fill_list(np.zeros((50, 5), np.float32), [(1.0, 1.0, 2.0, 2.0, 0.0)] * 51)
    with pytest.raises(NetworkError, match="param_str has 2 numbers, and 4 are wanted"):
        net(tmp_path, python(CLUSTERING, "ClusterGroundtruth", "c b", "l", "320,192"), c=(1, 1, 2, 2), b=(1, 4, 2, 2))
