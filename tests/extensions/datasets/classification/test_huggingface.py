from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from digits.core.errors import DataError
from digits.core.settings import Settings
from digits.data.refused import read_refused
from digits.extensions.datasets.classification import sources
from digits.extensions.datasets.classification.check import check
from digits.extensions.datasets.classification.inspect import inspect_source
from digits.extensions.datasets.classification.spec import ClassificationSpec
from tests.extensions.datasets.classification.folders import Built, draw, draw_classes, spec_of

NAMES = ["cat", "dog", "owl"]


def hf_spec(path: Path, **fields: Any) -> ClassificationSpec:
    """A spec for a Hugging Face folder."""
    return spec_of({"method": "huggingface", "path": str(path), "pct_val": 0} | fields)


def features() -> dict[str, Any]:
    """What the libraries write down of an image and a class."""
    return {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": NAMES}}


def table(folder: Path, labels: list[int], *, start: int = 0, told: bool = True) -> Any:
    """A table of pictures with these classes."""
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    paths = [draw(folder / f"{start + number}.png", start + number) for number in range(len(labels))]
    images = [{"bytes": path.read_bytes(), "path": path.name} for path in paths]
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    made = pa.table({"image": pa.array(images, struct), "label": pa.array(labels, pa.int64())})
    text = json.dumps({"info": {"features": features()}})
    return made.replace_schema_metadata({"huggingface": text} if told else None)


def parquet(path: Path, made: Any) -> None:
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(made, path)


def saved(folder: Path, made: Any, files: int = 2) -> Path:
    """Write a table as save_to_disk does: Arrow streams, state.json and dataset_info.json."""
    import pyarrow as pa

    folder.mkdir(parents=True)
    names = [f"data-{number:05}-of-{files:05}.arrow" for number in range(files)]
    size = -(-len(made) // files)
    for number, name in enumerate(names):
        with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_stream(sink, made.schema) as writer:
            writer.write_table(made.slice(number * size, size), max_chunksize=3)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_info.json").write_text(json.dumps({"features": features()}))
    return folder


def counts(built: Built) -> dict[str, list[int]]:
    return {db: facts["class_counts"] for db, facts in built.facts["dbs"].items()}


def test_parquet_shards_have_the_names_of_their_classes_and_their_splits(tmp_path: Path) -> None:
    root = tmp_path / "hub"
    for number in range(2):
        shard = table(tmp_path / "p", [0, 1, 2, 0, 1, 2], start=10 * number)
        parquet(root / "data" / f"train-{number:05}-of-00002.parquet", shard)
    parquet(root / "data" / "validation-00000-of-00001.parquet", table(tmp_path / "p", [0, 2], start=30))
    parquet(root / "data" / "test-00000-of-00001.parquet", table(tmp_path / "p", [1, -1, 1], start=40))
    (root / "README.md").write_text("---\n---\n")

    built = Built(tmp_path / "job", hf_spec(root, pct_val=25))

    assert built.facts["labels"] == NAMES
    assert counts(built) == {"train": [4, 4, 4], "val": [1, 0, 1], "test": [0, 2, 0]}
    rows = [(row.db, row.path, row.line, row.rule) for row in read_refused(built.path / "refused.csv")]
    assert rows == [("test", "41.png", 2, "LABEL_UNKNOWN")]


def test_validation_pictures_are_taken_from_training_where_there_is_no_such_split(tmp_path: Path) -> None:
    parquet(tmp_path / "in" / "train" / "0000.parquet", table(tmp_path / "p", [0, 1] * 8))
    parquet(tmp_path / "in" / "test" / "0000.parquet", table(tmp_path / "p", [0, 1], start=20))

    built = Built(tmp_path / "job", hf_spec(tmp_path / "in", pct_val=25, pct_test=50))

    assert counts(built) == {"train": [6, 6], "val": [2, 2], "test": [1, 1]}
    assert "Class 'owl' is left out for training: 0 pictures" in built.warnings


def test_several_configurations_are_named(tmp_path: Path) -> None:
    for name in ("coarse", "fine"):
        parquet(tmp_path / name / "train-00000-of-00001.parquet", table(tmp_path.parent / "p", [0, 1]))

    assert (
        "several configurations: coarse, fine. Name one of them."
        in check(hf_spec(tmp_path), Settings())["source.path"][0]
    )
    assert not check(hf_spec(tmp_path / "fine"), Settings())


@pytest.mark.parametrize("told", [True, False])
def test_a_folder_that_save_to_disk_wrote_is_read_as_the_arrow_streams_it_is(tmp_path: Path, told: bool) -> None:
    saved(tmp_path / "one", table(tmp_path / "p", [2, 1, 2, 1, 1, 2, 1], told=told))

    built = Built(tmp_path / "job", hf_spec(tmp_path / "one"))

    assert (built.facts["labels"], counts(built)) == (["dog", "owl"], {"train": [4, 3]})


def test_saved_splits_are_the_databases_and_others_are_left_out_with_a_warning(tmp_path: Path) -> None:
    root = tmp_path / "in"
    splits = ["train", "validation", "unsupervised"]
    for number, name in enumerate(splits):
        saved(root / name, table(tmp_path / "p", [0, 1] * 3, start=10 * number), files=1)
    (root / "dataset_dict.json").write_text(json.dumps({"splits": splits}))

    built = Built(tmp_path / "job", hf_spec(root, pct_val=25))

    assert counts(built) == {"train": [3, 3], "val": [3, 3]}
    assert "left out: unsupervised" in built.warnings


def test_pictures_beside_a_metadata_file_have_its_classes(tmp_path: Path) -> None:
    for split, number in (("train", 0), ("test", 20)):
        names = [
            draw(tmp_path / "in" / split / "images" / f"{index}.png", index).name for index in range(number, number + 4)
        ]
        rows = [{"file_name": f"images/{name}", "label": "ab"[index % 2]} for index, name in enumerate(names)]
        if split == "train":
            lines = ["file_name,label", *(f"{row['file_name']},{row['label']}" for row in rows), "images/gone.png,a"]
            (tmp_path / "in" / split / "metadata.csv").write_text("\n".join(lines))
        else:
            (tmp_path / "in" / split / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))

    built = Built(tmp_path / "job", hf_spec(tmp_path / "in"))

    assert (built.facts["labels"], counts(built)) == (["a", "b"], {"train": [2, 2], "test": [2, 2]})
    assert [(row.line, row.rule) for row in read_refused(built.path / "refused.csv")] == [(6, "IMG_UNREADABLE")]


def test_an_image_without_bytes_is_the_file_that_its_path_names(tmp_path: Path) -> None:
    made = table(tmp_path / "p", [0, 1, 0, 1])
    images = [{"bytes": None, "path": str(tmp_path / "p" / f"{number}.png")} for number in range(4)]
    parquet(tmp_path / "in" / "data.parquet", made.set_column(0, "image", [images]))

    assert counts(Built(tmp_path / "job", hf_spec(tmp_path / "in"))) == {"train": [2, 2]}


def test_folders_are_recognised_and_class_folders_with_captions_are_not_taken_for_them(tmp_path: Path) -> None:
    parquet(tmp_path / "hub" / "data" / "train-00000-of-00001.parquet", table(tmp_path / "p", [0, 1]))
    saved(tmp_path / "disk", table(tmp_path / "p", [0, 1]))
    classes = draw_classes(tmp_path / "classes", {"cat": 2, "dog": 2})
    (classes / "metadata.csv").write_text("file_name,text\ncat/0000.png,a cat\n")
    labelled = draw_classes(tmp_path / "labelled", {"some": 2})
    (labelled / "metadata.csv").write_text("file_name,label\nsome/0000.png,a\nsome/0001.png,b\n")

    found = [sources.recognise(path)["method"] for path in (
        tmp_path / "hub", tmp_path / "disk", classes, labelled, tmp_path / "hub/data/train-00000-of-00001.parquet"
    )]  # fmt: skip
    told, _ = inspect_source(path=str(labelled))

    assert found == ["huggingface", "huggingface", "folder", "huggingface", "manifest"]
    assert [(each["label"], each["count"]) for each in told["classes"]] == [("a", 1), ("b", 1)]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"_data_files": []}, "names no files of data"),
        ({"_data_files": [{"filename": "../out.arrow"}]}, "names no files of data"),
        ({"_data_files": [{"filename": "gone.arrow"}]}, "gone.arrow: This part of the dataset is not there."),
        ({"_data_files": [{"filename": "a.arrow"}], "_indices_data_files": [{"filename": "i"}]}, "flatten_indices()"),
        ("{", "This is no JSON."),
    ],
)
def test_what_is_missing_from_a_saved_dataset_is_said_before_a_job_exists(
    tmp_path: Path, state: Any, said: str
) -> None:
    (tmp_path / "state.json").write_text(state if isinstance(state, str) else json.dumps(state))

    assert said in check(hf_spec(tmp_path), Settings())["source.path"][0]


def test_a_folder_of_nothing_is_said_to_be_none(tmp_path: Path) -> None:
    assert "There are no Parquet files" in check(hf_spec(tmp_path), Settings())["source.path"][0]
    with pytest.raises(DataError, match="There are no Parquet files"):
        Built(tmp_path / "job", hf_spec(tmp_path))


def test_a_damaged_arrow_file_is_named(tmp_path: Path) -> None:
    folder = saved(tmp_path / "in", table(tmp_path / "p", [0, 1] * 4))
    path = folder / "data-00001-of-00002.arrow"
    path.write_bytes(path.read_bytes()[:700])

    with pytest.raises(DataError, match=r"data-00001-of-00002.arrow: The table is damaged"):
        Built(tmp_path / "job", hf_spec(folder))
