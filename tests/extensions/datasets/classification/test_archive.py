from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from digits.core.errors import DataError
from digits.core.settings import Settings
from digits.data.refused import read_refused
from digits.extensions.datasets.classification.check import check
from digits.extensions.datasets.classification.inspect import inspect_source
from digits.extensions.datasets.classification.spec import ClassificationSpec
from tests.extensions.datasets.classification.folders import Built, draw, spec_of
from tests.shared import needs_shared, shared


def archive_spec(path: Path, **fields: Any) -> ClassificationSpec:
    return spec_of({"method": "archive", "path": str(path), "pct_val": 0} | fields)


def files(folder: Path, *names: str) -> dict[str, bytes]:
    return {name: draw(folder / "picture.png", number).read_bytes() for number, name in enumerate(names)}


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, members: dict[str, bytes], *others: tarfile.TarInfo, packed: str = "") -> Path:
    with tarfile.open(path, f"w:{packed}") as archive:  # type: ignore[call-overload]  # mypy cannot follow a mode that is put together
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for other in others:
            archive.addfile(other)
    return path


NAMES = ("cat/1.png", "cat/2.png", "dog/1.png", "dog/deep/er/2.png")


@pytest.mark.parametrize("kind", ["zip", "tar", "gz", "bz2", "xz"])
def test_every_kind_of_archive_gives_the_same_records(tmp_path: Path, kind: str) -> None:
    members = files(tmp_path, *NAMES)
    path = tmp_path / "archive"
    if kind == "zip":
        zipped(path, members)
    else:
        tarred(path, members, packed="" if kind == "tar" else kind)

    built = Built(tmp_path / "job", archive_spec(path))

    assert built.facts["labels"] == ["cat", "dog"]
    assert built.facts["dbs"]["train"]["class_counts"] == [2, 2]
    assert sorted(built.lines("train.txt")) == [f"{name} {index // 2}" for index, name in enumerate(NAMES)]
    assert not list(read_refused(built.path / "refused.csv"))


@pytest.mark.parametrize("above", ["", "pictures/", "a/b/"])
def test_train_val_and_test_folders_decide_wherever_they_lie(tmp_path: Path, above: str) -> None:
    parts = ("train/cat", "train/dog", "Validation/cat", "test/dog")
    names = [f"{above}{part}/{index}.png" for part in parts for index in range(2)]

    built = Built(tmp_path / "job", archive_spec(zipped(tmp_path / "a.zip", files(tmp_path, *names)), pct_val=50))

    assert {db: facts["class_counts"] for db, facts in built.facts["dbs"].items()} == {
        "train": [2, 2], "val": [2, 0], "test": [0, 2],
    }  # fmt: skip


def test_what_an_archive_lacks_is_dealt_from_its_pictures_for_training(tmp_path: Path) -> None:
    names = [
        f"{part}/{label}/{number}.png" for part in ("train", "test") for label in ("cat", "dog") for number in range(4)
    ]

    spec = archive_spec(tarred(tmp_path / "a.tar", files(tmp_path, *names)), pct_val=25, pct_test=25)

    counts = {db: facts["class_counts"] for db, facts in Built(tmp_path / "job", spec).facts["dbs"].items()}
    assert counts == {"train": [3, 3], "val": [1, 1], "test": [4, 4]}


def test_a_train_folder_alone_decides_nothing_and_the_shares_do(tmp_path: Path) -> None:
    members = files(tmp_path, *(f"train/{label}/{number}.png" for label in ("cat", "dog") for number in range(4)))

    built = Built(tmp_path / "job", archive_spec(tarred(tmp_path / "a.tar", members), pct_val=25, pct_test=25))

    counts = {db: facts["class_counts"] for db, facts in built.facts["dbs"].items()}
    assert counts == {"train": [2, 2], "val": [1, 1], "test": [1, 1]}


def test_what_is_no_picture_of_a_class_is_refused_and_costs_itself_alone(tmp_path: Path) -> None:
    good = files(tmp_path, *NAMES)
    odd = {
        "cat/.DS_Store": b"\0\0\0\1Bud1", "__MACOSX/cat/._1.png": b"x", "readme.txt": b"hello", "dog/notes.txt": b"hello",
        "cat/broken.png": good["cat/1.png"][:60], "../../evil.png": good["cat/1.png"],
    }  # fmt: skip

    built = Built(tmp_path / "job", archive_spec(zipped(tmp_path / "a.zip", good | odd)))

    assert built.facts["labels"] == ["cat", "dog"]
    assert built.facts["dbs"]["train"]["entries"] == 4
    assert {row.path for row in read_refused(built.path / "refused.csv")} == set(odd)
    assert not list(tmp_path.parent.rglob("evil.png"))


def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path) -> None:
    secret = draw(tmp_path / "secret.png")
    others = []
    for name, kind in (
        ("cat/link.png", tarfile.SYMTYPE),
        ("cat/hard.png", tarfile.LNKTYPE),
        ("cat/fifo", tarfile.FIFOTYPE),
    ):
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, str(secret)
        others.append(info)

    built = Built(tmp_path / "job", archive_spec(tarred(tmp_path / "a.tar", files(tmp_path, *NAMES), *others)))

    assert {row.path: row.rule for row in read_refused(built.path / "refused.csv")} == {
        "cat/link.png": "ARCHIVE_LINK", "cat/hard.png": "ARCHIVE_LINK", "cat/fifo": "IMG_NOT_A_PICTURE",
    }  # fmt: skip
    assert built.facts["dbs"]["train"]["entries"] == 4


def test_a_look_tells_what_a_build_will_unpack(tmp_path: Path) -> None:
    members = files(tmp_path, *NAMES)
    packed = tarred(tmp_path / "a.tar.gz", members, packed="gz")

    told, _ = inspect_source(path=str(packed))
    plain, _ = inspect_source(path=str(tarred(tmp_path / "a.tar", members)))

    assert told["unpacked_bytes"] == len(gzip.decompress(packed.read_bytes()))
    assert plain["unpacked_bytes"] == 0
    assert told["fetch"] == {"count": 0, "bytes": 0, "seconds": 0.0}


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    zeros = b"\0" * 60_000_000
    packed = tarred(tmp_path / "bomb.tar.gz", {"cat/1.png": zeros}, packed="gz")
    member = zipped(tmp_path / "bomb.zip", files(tmp_path, *NAMES) | {"cat/bomb.png": zeros})

    with pytest.raises(DataError, match="more than 200 times its size"):
        Built(tmp_path / "first", archive_spec(packed))
    built = Built(tmp_path / "second", archive_spec(member))

    assert [(row.path, row.rule) for row in read_refused(built.path / "refused.csv")] == [
        ("cat/bomb.png", "ARCHIVE_BOMB")
    ]
    assert not list((tmp_path / "first").rglob("archive.tar"))


def test_a_header_that_asks_for_gigabytes_is_damage_not_memory(tmp_path: Path) -> None:
    path = tarred(tmp_path / "a.tar", files(tmp_path, *NAMES))
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 7_000_000_000
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + path.read_bytes())

    with pytest.raises(DataError, match="header of absurd size"):
        Built(tmp_path / "job", archive_spec(path))


@pytest.mark.parametrize("kind", ["zip", "tar", "gz"])
def test_an_archive_that_ends_early_is_said_to_be_damaged(tmp_path: Path, kind: str) -> None:
    members = {name: os.urandom(3000) for name in NAMES}
    path = (
        zipped(tmp_path / "a", members)
        if kind == "zip"
        else tarred(tmp_path / "a", members, packed=kind.replace("tar", ""))
    )
    path.write_bytes(path.read_bytes()[:1500])

    with pytest.raises(DataError, match=r"damaged|two classes"):
        Built(tmp_path / "job", archive_spec(path))


def test_the_form_says_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no archive")

    assert check(archive_spec(tmp_path / "text.zip"), Settings()) == {
        "source.path": ["This is no archive: a .zip or .tar file is needed, the latter perhaps with .gz, .bz2 or .xz."]
    }
    assert check(spec_of({"method": "archive"}), Settings()) == {
        "source.file": ["Choose an archive to send, or name one on the server."]
    }


@needs_shared
@pytest.mark.slow
def test_photos_and_small_pictures_come_in_with_exact_counts(tmp_path: Path) -> None:
    clothing = Built(tmp_path / "clothing", archive_spec(shared("data", "clothing.tar")))
    cifar = Built(tmp_path / "cifar", archive_spec(shared("data", "cifar10_mini.tar.gz")))

    assert {db: facts["entries"] for db, facts in clothing.facts["dbs"].items()} == {"train": 850, "val": 186}
    assert {db: facts["class_counts"] for db, facts in cifar.facts["dbs"].items()} == {
        "train": [800] * 10, "test": [200] * 10,
    }  # fmt: skip
