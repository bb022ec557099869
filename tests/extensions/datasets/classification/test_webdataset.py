from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from digits.core.errors import DataError
from digits.core.settings import Settings
from digits.core.work import WorkerSettings
from digits.data.refused import read_refused
from digits.extensions.datasets.classification import sources
from digits.extensions.datasets.classification.check import check, tasks
from digits.extensions.datasets.classification.inspect import inspect_source
from digits.extensions.datasets.classification.reader import open_reader
from digits.extensions.datasets.classification.sources.webdataset.shards import expanded, shards
from digits.extensions.datasets.classification.spec import ClassificationSpec
from tests.data.corpus import saved
from tests.extensions.datasets.classification.folders import Built, draw, draw_classes, spec_of


def picture(seed: int) -> bytes:
    """The file of a grey picture of one value: its value is ``seed``."""
    from PIL import Image

    return saved(Image.new("RGB", (8, 8), (seed, seed, seed)), "PNG")


def shard(path: Path, files: dict[str, bytes | str]) -> Path:
    """Write a tar of these files, in this order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def samples(start: int, classes: list[Any], kind: str = "cls") -> dict[str, bytes | str]:
    """Samples of these classes, their pictures numbered from ``start``."""
    files: dict[str, bytes | str] = {}
    for number, label in enumerate(classes, start=start):
        files[f"{number:06}.png"] = picture(number)
        files[f"{number:06}.{kind}"] = str(label)
    return files


def webdataset_spec(path: Path | str, **fields: Any) -> ClassificationSpec:
    """A spec for shards."""
    return spec_of({"method": "webdataset", "path": str(path), "pct_val": 0} | fields)


def refused(built: Built) -> dict[str, str]:
    """Rules of refused samples by name."""
    return {row.path.rpartition("/")[2]: row.rule for row in read_refused(built.path / "refused.csv")}


def test_shards_are_read_where_they_lie_and_every_picture_has_its_class(tmp_path: Path) -> None:
    root = tmp_path / "in"
    shard(root / "a-000000.tar", samples(0, [10, 9, 10]))
    shard(root / "a-000001.tar", samples(3, ["9\n", 10]))

    built = Built(tmp_path / "job", webdataset_spec(root))

    assert built.facts["labels"] == ["9", "10"]
    assert built.facts["dbs"]["train"]["class_counts"] == [2, 3]
    reader = open_reader(built.folder, "train")
    found = {int(record.image_HWC[0, 0, 0]): record.target for record in (reader[index] for index in range(5))}
    assert found == {0: 1, 1: 0, 2: 1, 3: 0, 4: 1}
    assert str(root / "a-000000.tar/000001.png") + " 0" in built.lines("train.txt")
    assert not (built.path / "scan.tmp").exists()


@pytest.mark.parametrize("kind", ["txt", "json"])
def test_classes_are_named_in_text_or_json_beside_other_files_of_a_sample(tmp_path: Path, kind: str) -> None:
    names = ["cat", "dog", "cat", "dog"]
    labels = [json.dumps({"width": 8, "label": name}) if kind == "json" else name for name in names]
    files = samples(0, labels, kind) | {"x/000009.seg.png": picture(9)}
    files["x/000009.jpg"], files["x/000009." + kind] = picture(100), labels[0]

    built = Built(tmp_path / "job", webdataset_spec(shard(tmp_path / "one.tar", files)))

    assert (built.facts["labels"], built.facts["dbs"]["train"]["class_counts"]) == (["cat", "dog"], [3, 2])
    assert any(line.startswith(f"{tmp_path}/one.tar/x/000009.jpg ") for line in built.lines("train.txt"))


def test_prefixes_and_folders_tell_the_databases(tmp_path: Path) -> None:
    for name, start in (("train-000.tar", 0), ("val-000.tar", 10), ("test/000.tar", 20)):
        shard(tmp_path / "in" / name, samples(start, [0, 1, 0, 1]))

    built = Built(tmp_path / "job", webdataset_spec(tmp_path / "in", pct_val=25))

    assert tasks(webdataset_spec(tmp_path / "in"))[0].title == "Parse Folder (train/val/test)"
    assert {db: facts["entries"] for db, facts in built.facts["dbs"].items()} == {"train": 4, "val": 4, "test": 4}


def test_names_beside_the_shards_are_those_of_the_numbers(tmp_path: Path) -> None:
    shard(tmp_path / "in" / "0.tar", samples(0, [2, 0, 2, 0, 3]))
    (tmp_path / "in" / "classnames.txt").write_text("cat\nbird\ndog\n")

    built = Built(tmp_path / "job", webdataset_spec(tmp_path / "in"))

    assert built.facts["labels"] == ["cat", "dog"]
    assert refused(built) == {"000004.png": "LABEL_UNKNOWN"}


def test_what_is_no_whole_sample_is_refused_and_costs_itself_alone(tmp_path: Path) -> None:
    files = samples(0, [0, 1, 0, 1]) | {
        "a.png": picture(1), "b.cls": "0", "c.png": b"no picture", "c.cls": "0", "d.png": picture(2), "d.cls": "",
        "e.png": picture(3), "e.json": "{", "f.jpg": b"", "f.cls": "1", "._000001.png": b"macOS",
    }  # fmt: skip

    built = Built(tmp_path / "job", webdataset_spec(shard(tmp_path / "0.tar", files)))

    assert refused(built) == {
        "a.png": "LABEL_MISSING", "b": "IMAGE_MISSING", "c.png": "IMG_NOT_A_PICTURE", "d.png": "LABEL_MISSING",
        "e.png": "LABEL_MISSING", "f.jpg": "IMG_EMPTY",
    }  # fmt: skip
    assert built.facts["dbs"]["train"]["class_counts"] == [2, 2]


def test_packed_shards_are_read_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    for number in range(2):
        plain = shard(tmp_path / "plain.tar", samples(4 * number, [0, 1, 0, 1]))
        (tmp_path / f"in-{number}.tar.gz").write_bytes(gzip.compress(plain.read_bytes()))
    built = Built(tmp_path / "job", webdataset_spec(tmp_path / "in-{0..1}.tar.gz"))
    cut = (tmp_path / "in-1.tar.gz").read_bytes()
    (tmp_path / "in-1.tar.gz").write_bytes(cut[: len(cut) // 2])

    assert built.facts["dbs"]["train"]["class_counts"] == [4, 4]
    with pytest.raises(DataError, match=r"in-1.tar.gz: The archive is damaged"):
        Built(tmp_path / "cut", webdataset_spec(tmp_path / "in-*.tar.gz"))


def test_patterns_stand_for_files() -> None:
    assert list(expanded("s-{08..11}.{tar,tgz}")) == [
        f"s-{n}.{e}" for n in ("08", "09", "10", "11") for e in ("tar", "tgz")
    ]
    assert list(expanded("plain.tar")) == ["plain.tar"]
    for pattern in ("{0..999999999}", "{0..999}{0..999}"):
        with pytest.raises(DataError, match="more than 100,000"):
            list(expanded(pattern))


def test_the_form_says_what_is_wrong_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "no.tar").write_bytes(b"no tar" * 200)
    told = {
        text: check(webdataset_spec(text), Settings()).get("source.path", [""])[0]
        for text in (
            "",
            str(tmp_path / "in"),
            f"{tmp_path}/none/*.tar",
            f"{tmp_path}/no.tar",
            f"{tmp_path}/in/{{0..2}}.tar",
        )
    }
    outside = Settings(data_roots=(tmp_path / "in",))

    assert [text.replace(str(tmp_path), "") for text in told.values()] == [
        "Name a folder of shards, or a pattern.",
        "/in: There is no tar file. Name the folder of the shards.",
        "/none does not exist.",
        "/no.tar is no tar file.",
        "/in/0.tar: This shard is not there.",
    ]
    assert "outside the folders" in check(webdataset_spec(tmp_path / "no.tar"), outside)["source.path"][0]


def test_a_link_to_a_shard_outside_the_folders_that_may_be_used_is_not_read(tmp_path: Path) -> None:
    shard(tmp_path / "out.tar", samples(0, [0, 1, 0, 1]))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0.tar").symlink_to(tmp_path / "out.tar")

    with pytest.raises(DataError, match="outside the folders"):
        Built(
            tmp_path / "job",
            webdataset_spec(tmp_path / "in"),
            settings=WorkerSettings(data_roots=(str(tmp_path / "in"),)),
        )


def test_shards_are_recognised_and_archives_of_class_folders_are_not_taken_for_them(tmp_path: Path) -> None:
    shard(tmp_path / "in" / "0.tar", samples(0, ["cat", "dog"]))
    classes = draw_classes(tmp_path / "classes", {"cat": 2, "dog": 2})
    with tarfile.open(tmp_path / "classes.tar", "w") as tar:
        tar.add(classes, "classes")
    draw(tmp_path / "mixed" / "cat" / "0.png")
    (tmp_path / "mixed" / "archive.tar").write_bytes((tmp_path / "classes.tar").read_bytes())

    told, _ = inspect_source(path=str(tmp_path / "in"))
    formats = [sources.recognise(path)["method"] for path in (
        tmp_path / "in" / "0.tar", tmp_path / "classes.tar", classes, tmp_path / "mixed"
    )]  # fmt: skip

    assert (told["format"], told["count"]) == ("webdataset", 2)
    assert formats == ["webdataset", "archive", "folder", "folder"]
    assert [each.db for each in shards(str(tmp_path / "in"))] == [-1]
