from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest

from digits.core.errors import DataError
from digits.core.events import Event, read_events
from digits.core.jobfolder import JobFolder, JobRecord
from digits.core.work import StoppedError, WorkerSettings
from digits.data import shardfile
from digits.data.recordreader import RecordReader
from digits.data.refused import read_refused
from digits.data.shardfile import open_records, read_manifest
from digits.data.stored import StoredDb
from digits.data.verify import verify_db
from digits.extensions.datasets.classification.build import build
from digits.extensions.datasets.classification.spec import ClassificationSpec
from tests.extensions.datasets.classification.folders import Built, draw_classes, spec_of

SHARDED = WorkerSettings(num_threads=2, shard_above=10, shard_images=20)


def pictures(root: Path) -> Path:
    """Two classes of 60, three files of which are broken."""
    draw_classes(root, {"cat": 60, "dog": 60})
    for name in ("cat/0003.png", "cat/0031.png", "dog/0059.png"):
        (root / name).write_bytes((root / name).read_bytes()[:60])
    return root


def records(folder: Path) -> list[tuple[str, Any, bytes]]:
    """Every record of both databases, by what readers see."""
    return [
        (sample.source, sample.target, sample.image_HWC.tobytes())
        for db in ("train", "val")
        for sample in RecordReader(folder, db)
    ]


def test_shards_are_read_as_the_one_database_that_they_would_have_been(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in")

    whole = Built(tmp_path / "whole", spec_of(root))
    built = Built(tmp_path / "shards", spec_of(root), settings=SHARDED)

    assert [built.facts["dbs"][db]["shards"] for db in ("train", "val")] == [5, 2]
    assert records(built.path) == records(whole.path)
    for name in ("mean.binaryproto", "train.txt", "index/train/labels.npy", "index/train/digests.sha256"):
        assert (built.path / name).read_bytes() == (whole.path / name).read_bytes(), name
    assert built.facts["content_hash"] == whole.facts["content_hash"]
    assert sorted(_rules(built.path)) == sorted(_rules(whole.path))
    for db in ("train", "val"):
        with open_records(whole.path / f"{db}_db") as one, open_records(built.path / f"{db}_db") as many:
            assert list(many.keys()) == list(one.keys())
            assert list(many.records()) == list(one.records())
            assert [many.get(key) for key in one.keys()] == list(one.records())  # noqa: SIM118 - no mapping
            assert many.get(b"00000999_0") is None
        with StoredDb(built.path, db, built.facts) as stored:
            assert not any(verify_db(stored))
    pixels = np.empty((built.facts["dbs"]["train"]["entries"], 8, 8, 3), np.uint8)
    RecordReader(built.path, "train", num_threads=3).decode_all(pixels)
    assert pixels.tobytes() == b"".join(each[2] for each in records(whole.path))[: pixels.size]
    assert not list(built.path.glob("*.parts"))
    log = (built.path / "create_train_db.log").read_text()
    for line in (
        "Processed 90/90",
        f"Category 1 has {whole.facts['dbs']['train']['class_counts'][1]} images.",
        f"{len(pixels)} images written to database",
    ):
        assert line in log


def test_many_threads_read_more_shards_than_are_kept_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shardfile, "_MOST_OPEN", 2)
    built = Built(tmp_path / "job", spec_of(pictures(tmp_path / "in")), settings=SHARDED)

    with open_records(built.path / "train_db") as many:
        expected = dict(zip(many.keys(), many.records(), strict=True))
        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(many.get, sorted(expected, key=lambda key: key[::-1]) * 20))

    assert found == [expected[key] for key in sorted(expected, key=lambda key: key[::-1])] * 20


def _rules(folder: Path) -> list[tuple[str, str, str]]:
    return [(row.db, Path(row.path).name, row.rule) for row in read_refused(folder / "refused.csv")]


def test_the_manifest_has_a_row_for_each_shard_with_what_a_plain_reader_finds_in_it(tmp_path: Path) -> None:
    built = Built(tmp_path / "job", spec_of(pictures(tmp_path / "in")), settings=SHARDED)

    rows, first = read_manifest(built.path / "train_db"), 0
    for number, row in enumerate(rows):
        with (
            lmdb.open(str(built.path / "train_db" / row["file"]), readonly=True, lock=False) as env,
            env.begin() as view,
        ):
            labels = [int(key.partition(b"_")[2]) for key in view.cursor().iternext(values=False)]
        data = (built.path / "train_db" / row["file"] / "data.mdb").read_bytes()
        assert (row["shard"], row["first_key"], row["count"]) == (number, first, len(labels))
        assert row["class_counts"] == {str(label): labels.count(label) for label in sorted(set(labels))}
        assert row["sha256"] == hashlib.sha256(data).hexdigest()
        assert row["count"] + row["refused"] == min(20, 90 - 20 * number)
        first += row["count"]
    assert first == built.facts["dbs"]["train"]["entries"]


@pytest.mark.parametrize("fields", [{"kind": "multi"}, {"kind": "float"}])
def test_several_classes_and_numbers_are_kept_in_shards_too(tmp_path: Path, fields: dict[str, str]) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 30})
    answer = {"multi": "0,1", "float": "0.5 1.5"}[fields["kind"]]
    (tmp_path / "list.txt").write_text("".join(f"cat/{number:04d}.png {answer}\n" for number in range(30)))
    (tmp_path / "labels.txt").write_text("a\nb\n")
    source = {
        "method": "textfile", "use_local_files": True, "use_val": False, "local_train_images": str(tmp_path / "list.txt"),
        "local_labels_file": str(tmp_path / "labels.txt"), "train_folder": str(root), "label_kind": fields["kind"],
    }  # fmt: skip

    whole = Built(tmp_path / "whole", spec_of(source))
    built = Built(tmp_path / "shards", spec_of(source), settings=SHARDED)

    assert built.facts["dbs"]["train"]["shards"] == 2
    samples = [[(each.source, each.target) for each in RecordReader(job.path, "train")] for job in (built, whole)]
    assert samples[0] == samples[1]


def test_shards_of_broken_pictures_alone_are_no_database(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "in" / name).mkdir(parents=True)
        for number in range(20):
            (tmp_path / "in" / name / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n")

    with pytest.raises(DataError, match="Not one of the 30 files for train"):
        Built(tmp_path / "job", spec_of(tmp_path / "in"), settings=SHARDED)

    assert len(list(read_refused(tmp_path / "job" / "refused.csv"))) == 30
    assert not (tmp_path / "job" / "train_db").exists()


def test_what_was_stopped_goes_on_with_the_shards_that_are_not_there(tmp_path: Path) -> None:
    spec = spec_of(pictures(tmp_path / "in"), random_seed=None)
    job = JobFolder(tmp_path / "job")
    job.path.mkdir()
    rows: list[int] = []

    def hear(event: Event, /) -> None:
        if event.type == "progress" and event.task == "create_train_db":
            rows.append(int(event.done))

    with pytest.raises(StoppedError):
        build(spec, job, SHARDED, hear, lambda: max(rows, default=0) >= 40)
    kept = {row["file"]: row["sha256"] for row in read_manifest(job.path / "train_db.tmp")}
    times = {name: (job.path / "train_db.tmp" / name / "data.mdb").stat().st_mtime_ns for name in kept}
    (job.path / "train_db.tmp" / "shard-00001" / "data.mdb").write_bytes(b"torn")
    facts = build(spec, job, SHARDED, hear, lambda: False)

    assert len(kept) >= 2
    files = {name: job.path / "train_db" / name / "data.mdb" for name in kept}
    assert {name: path.stat().st_mtime_ns for name, path in files.items() if name != "shard-00001"} == {
        name: time_ns for name, time_ns in times.items() if name != "shard-00001"
    }
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == kept
    assert facts["dbs"]["train"]["entries"] + facts["dbs"]["val"]["entries"] == 117
    assert len({source for source, _, _ in records(job.path)}) == 117


def _start(folder: Path, spec: ClassificationSpec, seconds: float | None) -> bool:
    """Run a worker and kill it after some time, if that is said; return whether it came to its end."""
    record = JobRecord(
        id=folder.name, kind="dataset", extension="image-classification", title="Shards", name="shards", created=0,
        worker="build", spec=spec.model_dump(),
    )  # fmt: skip
    JobFolder(folder).write(record)
    settings = SHARDED.model_copy(update={"shard_images": 10})
    command = [sys.executable, "-m", "digits.workers.build", str(folder)]
    worker = subprocess.Popen(command, env=os.environ | settings.to_environment(), stderr=subprocess.DEVNULL)
    if seconds is None:
        return worker.wait(120) == 0
    deadline = time.monotonic() + 60
    while not list(folder.glob("*_db.tmp/shard-00000*")) and worker.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(seconds)
    worker.send_signal(signal.SIGKILL)
    worker.wait(60)
    return (folder / "dataset.json").exists()


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize(
    "delays",
    [(0.01,), *(pytest.param((delay, delay / 2), marks=pytest.mark.slow) for delay in np.linspace(0, 0.3, 20))],
)
def test_a_killed_build_ends_with_the_records_of_an_unbroken_one_and_none_twice(
    tmp_path: Path, delays: tuple[float, ...]
) -> None:
    root = pictures(tmp_path / "in")
    spec = spec_of(root)

    for delay in delays:
        _start(tmp_path / "job", spec, delay)
    assert _start(tmp_path / "job", spec, None)

    whole = Built(tmp_path / "whole", spec)
    assert records(tmp_path / "job") == records(whole.path)
    assert sorted(_rules(tmp_path / "job")) == sorted(_rules(whole.path))
    assert not [path for path in (tmp_path / "job").rglob("*") if path.name.endswith((".tmp", ".parts"))]
    *_, (_, last) = read_events(tmp_path / "job" / "events.jsonl")
    assert last.type == "done"


def test_a_large_dataset_in_hdf5_says_that_it_has_no_shards(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 10, "dog": 10})

    built = Built(tmp_path / "job", spec_of(root, backend="hdf5", encoding="none"), settings=SHARDED)

    assert [built.facts["dbs"][db]["shards"] for db in ("train", "val")] == [1, 1]
    assert built.warnings == "HDF5 is made in one piece: a creation that is stopped begins again."
