from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from PIL import Image

from digits.cli.download import download
from digits.download.streets import CLASSES, COLOURS, draw_street, write_streets


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_seed_gives_the_same_bytes_and_another_seed_other_scenes(tmp_path: Path) -> None:
    for name, seed, count in (("a", 3, 4), ("b", 3, 6), ("c", 4, 4)):
        write_streets(tmp_path / name, {"train": count, "val": 2}, width=80, height=60, seed=seed)
    first, larger, other = (hashes(tmp_path / name) for name in "abc")

    assert {name: larger[name] for name in first} == first, "a larger set begins with the smaller one"
    assert all(other[name] != first[name] for name in first if name.endswith(".png"))
    pictures = [text for name, text in first.items() if name.endswith(".png")]
    assert len(set(pictures)) == len(pictures) == 12, "val repeats nothing of train"


def test_the_files_are_what_other_programs_read_as_class_ids_with_a_palette(tmp_path: Path) -> None:
    written = write_streets(tmp_path, {"train": 3, "val": 1}, width=96, height=64, seed=0)

    counted = np.zeros(len(CLASSES), np.int64)
    for path in sorted(tmp_path.glob("*/labels/*.png")):
        with Image.open(path) as label, Image.open(path.parents[1] / "images" / path.name) as picture:
            assert (label.mode, label.size, picture.mode, picture.size) == ("P", (96, 64), "RGB", (96, 64))
            ids = np.array(label)
            counted += np.bincount(ids.ravel(), minlength=len(CLASSES))
            assert (np.array(label.convert("RGB")) == COLOURS[ids]).all()
    assert counted.tolist() == written.pixels.tolist()
    assert (tmp_path / "labels.txt").read_text().split() == list(CLASSES)
    lines = [line.split() for line in (tmp_path / "colours.txt").read_text().splitlines()]
    assert [[int(value) for value in line[:3]] for line in lines] == COLOURS.tolist()
    assert [line[3] for line in lines] == list(CLASSES)


def test_buildings_take_30_to_40_percent_of_a_set_and_every_class_is_there() -> None:
    scenes = [draw_street(80, 60, seed=(0, 0, index)).label_HW for index in range(80)]
    shares = np.bincount(np.concatenate(scenes).ravel(), minlength=len(CLASSES)) / np.size(scenes)

    assert 0.30 <= shares[CLASSES.index("Building")] <= 0.40
    assert shares.argmax() == CLASSES.index("Building")
    assert (shares > 0.001).all()


def test_picture_and_label_show_the_same_edges() -> None:
    """Colours change where classes do: the picture's gradient is far steeper on borders of the label than beside them."""
    on, off = [], []
    for index in range(6):
        street = draw_street(160, 120, seed=(1, 0, index))
        step = np.abs(np.diff(street.image_HWC.astype(int).sum(2), axis=1))
        border = np.diff(street.label_HW.astype(int), axis=1) != 0
        on.append(step[border].mean())
        off.append(step[~border].mean())

    assert np.mean(on) > 3 * np.mean(off)


def test_the_command_draws_as_asked_and_refuses_a_size_that_is_none(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = CliRunner().invoke(
        download, ["streets", str(out), "--count", "2", "--val", "1", "--size", "64x48", "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["pixel_shares"].keys() == set(CLASSES)
    assert len(list(out.glob("*/images/*.png"))) == 3

    wrong = CliRunner().invoke(download, ["streets", str(tmp_path / "other"), "--size", "64"])
    assert wrong.exit_code == 2
    assert "240x180" in wrong.stderr


def test_a_large_scene_is_the_same_kind_of_street() -> None:
    street = draw_street(960, 720, seed=(0, 0, 5))

    assert street.image_HWC.shape == (720, 960, 3)
    assert len(np.unique(street.label_HW)) >= 6
