from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from digits.core.errors import DataError
from digits.data.walk import walk
from digits.extensions.datasets.classification.scan import class_folders
from tests.extensions.datasets.classification.folders import AS_ROOT, draw

needs_odd_names = pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")


def scanned(root: Path, folder: str) -> tuple[list[str], dict[str, str]]:
    """Pictures, and the rules by which other files are refused, by path below the class."""
    pictures, refused = [], {}
    for found in walk(os.fsencode(root), os.fsencode(root / folder)):
        path = found if isinstance(found, bytes) else found[0]
        name = os.path.relpath(os.fsdecode(path), root / folder)
        if isinstance(found, bytes):
            pictures.append(name)
        else:
            refused[name] = found[1].rule
    return pictures, refused


def test_pictures_are_found_at_any_depth_in_sorted_order(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", "z/9.png", "c/d/e.png"):
        draw(tmp_path / "cat" / name)

    assert scanned(tmp_path, "cat") == (["a.png", "b.png", "c/d/e.png", "z/9.png"], {})


def test_a_file_counts_by_its_content_whatever_its_name(tmp_path: Path) -> None:
    draw(tmp_path / "cat" / "picture.jpg")
    draw(tmp_path / "cat" / "PICTURE")
    draw(tmp_path / "cat" / ".hidden.png")
    (tmp_path / "cat" / ".DS_Store").write_bytes(b"\0\0\0\1Bud1" + bytes(50))
    (tmp_path / "cat" / "notes.jpg").write_text("not a picture")
    (tmp_path / "cat" / "empty.png").touch()
    (tmp_path / "cat" / "Thumbs.db").write_bytes(bytes(range(256)))

    pictures, refused = scanned(tmp_path, "cat")

    assert pictures == [".hidden.png", "PICTURE", "picture.jpg"]
    assert refused == {
        ".DS_Store": "IMG_NOT_A_PICTURE", "notes.jpg": "IMG_NOT_A_PICTURE",
        "empty.png": "IMG_EMPTY", "Thumbs.db": "IMG_NOT_A_PICTURE",
    }  # fmt: skip


def test_links_are_followed_inside_the_folder_and_nowhere_else(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    draw(root / "cat" / "1.png")
    draw(root / "pool" / "2.png")
    draw(elsewhere / "secret.png")
    (root / "cat" / "file").symlink_to(root / "pool" / "2.png")
    (root / "cat" / "folder").symlink_to(root / "pool", target_is_directory=True)
    (root / "cat" / "out-file").symlink_to(elsewhere / "secret.png")
    (root / "cat" / "out-folder").symlink_to(elsewhere, target_is_directory=True)
    (root / "cat" / "dead").symlink_to(root / "nowhere")
    (root / "cat" / "self").symlink_to(root / "cat" / "self")

    pictures, refused = scanned(root, "cat")

    assert pictures == ["1.png", "file", "folder/2.png"]
    assert refused == {
        "out-file": "LINK_OUTSIDE", "out-folder": "LINK_OUTSIDE", "dead": "LINK_BROKEN", "self": "IMG_UNREADABLE",
    }  # fmt: skip


def test_a_loop_of_links_is_cut_and_told(tmp_path: Path) -> None:
    draw(tmp_path / "cat" / "deep" / "1.png")
    (tmp_path / "cat" / "deep" / "up").symlink_to(tmp_path / "cat", target_is_directory=True)

    assert scanned(tmp_path, "cat") == (["deep/1.png"], {"deep/up": "LINK_LOOP"})


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    draw(tmp_path / "real" / "cat" / "1.png")
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)

    assert scanned(tmp_path / "link", "cat") == (["1.png"], {})


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes with names")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    if sys.platform != "win32":  # which mypy understands
        os.mkfifo(tmp_path / "cat" / "pipe.png")

    assert scanned(tmp_path, "cat") == ([], {"pipe.png": "IMG_NOT_A_PICTURE"})


@pytest.mark.skipif(AS_ROOT, reason="root may read everything")
def test_what_may_not_be_read_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    draw(tmp_path / "cat" / "1.png")
    draw(tmp_path / "cat" / "2.png").chmod(0)
    (tmp_path / "cat" / "closed").mkdir(mode=0)

    assert scanned(tmp_path, "cat") == (["1.png"], {"2.png": "IMG_UNREADABLE", "closed": "IMG_UNREADABLE"})


def test_classes_are_the_sub_folders_sorted_with_spaces_for_underscores(tmp_path: Path) -> None:
    for name in ("10", "9", "big_red_dog", ".git"):
        (tmp_path / name).mkdir()
    draw(tmp_path / "loose.png")

    assert [folder.label for folder in class_folders(os.fsencode(tmp_path))] == ["10", "9", "big red dog"]


@needs_odd_names
def test_labels_of_odd_names_can_be_read_and_no_two_are_alike(tmp_path: Path) -> None:
    names = [
        b"a_b",
        b"a b",
        "Mu\u0308ller".encode(),
        "M\u00fcller".encode(),
        b"bad\xff",
        b"bad\xfe",
        b"two\nlines",
        b"50%'\"",
    ]
    for name in names:
        (tmp_path / os.fsdecode(name)).mkdir()

    folders = class_folders(os.fsencode(tmp_path))

    labels = {folder.name: folder.label for folder in folders}
    assert len(set(labels.values())) == len(names)
    assert (labels[b"a_b"], labels[b"a b"]) == ("a_b", "a b")
    assert labels[b"two\nlines"] == "two lines"
    assert labels[b"50%'\""] == "50%'\""
    for label in labels.values():
        label.encode()  # no half of a byte pair is left


def test_a_class_that_is_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "root" / "cat").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    refused: list[tuple[bytes, DataError]] = []

    assert class_folders(os.fsencode(tmp_path / "root"), lambda path, error: refused.append((path, error))) == []
    assert [error.rule for _, error in refused] == ["LINK_OUTSIDE"]
