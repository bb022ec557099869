from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from digits.core.settings import Settings
from digits.extensions.datasets.classification.check import check, tasks
from tests.data.corpus import saved
from tests.extensions.datasets.classification.folders import AS_ROOT, draw_classes, spec_of


def problems(source: dict[str, Any], **settings: Any) -> dict[str, list[str]]:
    return check(spec_of(source), Settings(**settings))


def test_a_good_folder_has_no_problem(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 2, "dog": 2})

    assert problems({"train": str(root)}) == {}


def test_a_path_that_ends_early_names_the_part_that_is_not_there(tmp_path: Path) -> None:
    found = problems({"train": str(tmp_path / "nope" / "deeper")})

    assert found == {"source.train": [f"{tmp_path / 'nope'} does not exist."]}


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert problems({"train": str(tmp_path / "file")}) == {"source.train": [f"{tmp_path / 'file'} is not a folder."]}


def test_a_relative_path_and_an_empty_one_are_refused() -> None:
    found = problems({"train": "pictures", "has_val_folder": True, "val": ""})

    assert found == {
        "source.train": ["pictures is not absolute: begin it with / or ~."],
        "source.val": ["Name a folder on the server."],
    }


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    draw_classes(tmp_path / "in", {"cat": 2, "dog": 2})

    assert problems({"train": "~/in"}) == {}
    assert "does not exist" in problems({"train": "~/out"})["source.train"][0]
    assert "does not know" in problems({"train": "~nobody-of-that-name/in"})["source.train"][0]


@pytest.mark.skipif(AS_ROOT, reason="root may enter every folder")
def test_a_folder_without_rights_is_told_with_the_user_who_lacks_them(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "closed" / "in", {"cat": 2, "dog": 2})
    (tmp_path / "closed").chmod(0)

    try:
        (problem,) = problems({"train": str(root)})["source.train"]
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert "has no right to enter" in problem
    assert str(tmp_path / "closed") in problem


def test_all_fields_are_looked_at_not_the_first_alone(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 1})
    source = {"train": str(root), "has_val_folder": True, "val": "/no/val", "has_test_folder": True, "test": "/no/test"}

    assert sorted(problems(source)) == ["source.test", "source.train", "source.val"]


def test_fewer_than_two_usable_classes_are_told_with_the_counts(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"ant": 5, "bee": 1, "cat_fish": 0})
    (root / "cat_fish" / "text.png").write_text("no picture")

    (problem,) = problems({"train": str(root)})["source.train"]

    assert problem == (
        f"A dataset needs two classes of at least 2 pictures each; {root} has ant: 2+, bee: 1, cat fish: 0."
    )


def test_a_class_needs_a_picture_for_each_set(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"ant": 2, "bee": 2})

    assert problems({"train": str(root), "pct_test": 25, "train_min_per_class": 1}) != {}
    assert problems({"train": str(root), "pct_test": 0, "train_min_per_class": 1}) == {}


def test_a_folder_without_sub_folders_says_what_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "loose.gif").write_bytes(saved_gif())

    (problem,) = problems({"train": str(tmp_path)})["source.train"]

    assert "has no sub-folder" in problem


def saved_gif() -> bytes:
    from PIL import Image

    return saved(Image.new("L", (2, 2)), "GIF")


def test_a_folder_outside_the_allowed_ones_is_refused(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 2, "dog": 2})
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "link").symlink_to(root, target_is_directory=True)

    for path in (root, tmp_path / "allowed" / ".." / "in", tmp_path / "allowed" / "link"):
        found = problems({"train": str(path)}, data_roots=(tmp_path / "allowed",))
        assert "lies outside" in found["source.train"][0]
    assert problems({"train": str(root)}, data_roots=(tmp_path,)) == {}


def test_looking_stops_as_soon_as_two_classes_are_found(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"ant": 2, "bee": 2, "cat": 2})
    (root / "ant" / "zz").mkdir()
    (root / "cat" / "self").symlink_to(root / "cat" / "self")
    seen: list[str] = []
    listening = True  # a hook cannot be taken off again

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if listening and event == "open" and str(tmp_path) in os.fsdecode(str(arguments[0])):
            seen.append(os.fsdecode(arguments[0]))  # type: ignore[arg-type]  # a path, as opened

    sys.addaudithook(hear)
    assert problems({"train": str(root)}) == {}
    listening = False

    assert len(seen) == 4
    assert not [path for path in seen if "cat" in path]


@pytest.mark.parametrize(
    ("source", "titles"),
    [
        ({"train": "/x"}, ["Parse Folder (train/val)", "Create DB (train)", "Create DB (val)"]),
        ({"train": "/x", "pct_val": 0}, ["Parse Folder (train)", "Create DB (train)"]),
        (
            {"train": "/x", "pct_val": 0, "has_val_folder": True, "val": "/y", "pct_test": 5},
            ["Parse Folder (train/test)", "Parse Folder (val)", "Create DB (train)", "Create DB (val)", "Create DB (test)"],
        ),
        ({"train": "/x", "pct_val": 100}, ["Parse Folder (val)", "Create DB (val)"]),
    ],
)  # fmt: skip
def test_tasks_name_the_databases_that_they_cover(source: dict[str, Any], titles: list[str]) -> None:
    assert [plan.title for plan in tasks(spec_of(source))] == titles


def test_the_check_loads_no_heavy_library() -> None:
    code = (
        "import sys\n"
        "import digits.extensions.datasets.classification.check\n"
        "print([name for name in ('torch', 'cv2', 'numpy', 'PIL', 'lmdb', 'simplejpeg') if name in sys.modules])"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
