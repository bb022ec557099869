from __future__ import annotations

import json

import pytest

from digits.core.errors import DataError
from digits.extensions.datasets.detection.boxes import Box
from digits.extensions.datasets.detection.formats import LineError, coco, kitti, voc, yolo

VOC = """<annotation><filename>a.jpg</filename>
<object><name>RBC</name><truncated>1</truncated><difficult>0</difficult>
  <bndbox><xmin>3</xmin><ymin>4</ymin><xmax>20</xmax><ymax>30.5</ymax></bndbox>
  <part><name>rim</name><bndbox><xmin>9</xmin><ymin>9</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part></object>
<object><name>WBC</name><difficult>1</difficult>
  <bndbox><xmax>8</xmax><xmin>1</xmin><ymax>9</ymax><ymin>2</ymin></bndbox></object>
</annotation>"""


def edges(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


def test_a_line_of_kitti_keeps_all_of_its_columns_and_passes_a_score_over() -> None:
    (box,) = kitti.parse("Car 0.25 2 1.85 387.63 181.54 423.82 203.12 1.67 1.87 3.69 -16.53 2.39 58.49 1.57 0.9\n\n")
    assert (box.label, edges(box), box.line) == ("Car", (387.63, 181.54, 423.82, 203.12), 1)
    scene = box.scene
    assert (scene.truncated, scene.occluded, scene.alpha, scene.rotation_y) == (0.25, 2, 1.85, 1.57)
    assert scene.size == (1.67, 1.87, 3.69)
    assert scene.place == (-16.53, 2.39, 58.49)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("Car 0 0 0 1 2 3 4 0 0 0 0 0 0 0\nCar 0 0 0 1 2 3 4\n", 2, "8 columns"),
        ("Car 0 0 0 1 2 3 four 0 0 0 0 0 0 0\n", 1, "'four'"),
        ("Car 0 0 0 1 2 nan 4 0 0 0 0 0 0 0\n", 1, "'nan'"),
        ("Car 0 0 0 9 2 3 4 0 0 0 0 0 0 0\n", 1, "ends before it begins"),
    ],
)
def test_a_mistake_in_kitti_is_told_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(LineError, match=words) as raised:
        kitti.parse(text)
    assert raised.value.line == line


def test_voc_gives_each_object_its_own_box_and_marks_difficult_ones() -> None:
    first, second = voc.parse(VOC)
    assert (first.label, edges(first), first.ignore, first.line) == ("RBC", (3, 4, 20, 30.5), False, 2)
    assert first.scene.truncated == 1
    assert (second.label, edges(second), second.ignore) == ("WBC", (1, 2, 8, 9), True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<annotation><object></annotation>", "no XML"),
        ("<kml></kml>", "no annotation of Pascal VOC"),
        ("<annotation>\n<object><name>a</name></object></annotation>", "no xmin"),
        ("<annotation>\n<object><bndbox/></object></annotation>", "no name"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotation/>', "DOCTYPE"),
        ("<annotation>" + "<a>" * 100, "too deep"),
    ],
)
def test_what_is_no_annotation_of_voc_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(LineError, match=words) as raised:
        voc.parse(text)
    assert raised.value.line >= 1


def test_yolo_counts_from_the_centre_in_shares_of_the_picture() -> None:
    (box,) = yolo.parse("1 0.5 0.25 0.2 0.1\n", ["cat", "dog"], (100, 200))
    assert (box.label, edges(box)) == ("dog", (80, 20, 120, 30))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2 0.5 0.5 0.1 0.1", "no class '2'"),
        ("0 320 240 10 10", "no shares"),
        ("0 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2", "outline"),
        ("0 0.1 0.1", "3 columns"),
    ],
)
def test_a_mistake_in_yolo_is_told_with_its_line(text: str, words: str) -> None:
    with pytest.raises(LineError, match=words):
        yolo.parse(text, ["cat", "dog"], (100, 200))


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("cat\nbig dog\n", "classes.txt"),
        ("path: x\nnc: 2\nnames: ['cat', \"big dog\"]  # two\n", "data.yaml"),
        ("names:\n  0: cat\n  1: big dog\ntrain: images\n", "data.yaml"),
        ("train: a\nnames:\n- cat\n# a word\n- 'big dog'\nnc: 2\n", "data.yaml"),
        ("names: {0: cat, 1: big dog}\n", "data.yml"),
        ("names: [cat,\n  big dog]\nnc: 2\n", "data.yaml"),
    ],
)
def test_names_of_yolo_come_as_lines_or_in_any_form_of_yaml(text: str, file: str) -> None:
    assert yolo.parse_names(text, file) == ["cat", "big dog"]


def test_yaml_that_leaves_a_class_out_is_refused() -> None:
    with pytest.raises(DataError, match="not 0 to 1"):
        yolo.parse_names("names:\n  0: cat\n  2: dog\n", "data.yaml")


def coco_text(**change: object) -> str:
    whole = {
        "images": [{"id": 7, "file_name": "a.png"}, {"id": 9, "file_name": "b.png"}],
        "categories": [{"id": 5, "name": "dog"}, {"id": 2, "name": "cat"}],
        "annotations": [
            {"image_id": 7, "category_id": 5, "bbox": [1, 2, 30, 40]},
            {"image_id": 7, "category_id": 2, "bbox": [0.5, 0, 1, 1], "iscrowd": 1},
        ],
    }
    return json.dumps(whole | change)


def test_coco_gives_left_top_width_height_and_crowds_are_to_be_ignored() -> None:
    found = coco.parse(coco_text())
    assert found.names == ["cat", "dog"]
    first, second = found.pictures["a.png"]
    assert (first.label, edges(first), first.ignore) == ("dog", (1, 2, 31, 42), False)
    assert (second.label, edges(second), second.ignore) == ("cat", (0.5, 0, 1.5, 1), True)
    assert found.pictures["b.png"] == []


def test_an_annotation_that_makes_no_sense_takes_its_picture_alone_out() -> None:
    bad = [
        {"image_id": 9, "category_id": 5, "bbox": [1, 2, -3, 4]},
        {"image_id": 7, "category_id": 2, "bbox": [0, 0, 1, 1]},
    ]
    found = coco.parse(coco_text(annotations=bad))
    assert list(found.pictures) == ["a.png"]
    assert [(name, error.message) for name, error in found.problems] == [
        ("b.png", "annotations[0] has a bbox of negative size: -3 by 4.")
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON"),
        ("[]", "no list 'images'"),
        (coco_text(categories=[{"id": "x", "name": "a"}]), "no id"),
        (coco_text(annotations=[{"image_id": 1}]), "no image has"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_what_is_no_coco_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        coco.parse(text)
