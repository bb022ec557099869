"""Every file of the corpus gives the result that it is said to give, whichever way it comes in; no worker dies or takes much memory."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from digits.core.errors import DataError
from digits.core.events import read_events
from digits.core.jobfolder import JobFolder, JobRecord
from digits.core.work import VARIABLE, WorkerSettings
from digits.data.recordreader import RecordReader
from digits.data.refused import Refused, read_refused
from digits.extensions.datasets.classification.sources.textfile.lines import label_names
from tests.corpus.cases import Case
from tests.corpus.lists import LABELS, LINES, LISTS, Line, ListFile
from tests.corpus.make import CLASSES, members, write_folder, write_list, write_tar, write_zip
from tests.corpus.names import in_a_list, in_a_zip
from tests.data.corpus import picture
from tests.extensions.datasets.classification.folders import Built, spec_of

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="names of any bytes, pipes and ru_maxrss in KiB are Linux's"
)

MOST_KIB = 1_000_000


@dataclass(frozen=True)
class Result:
    """What a worker made."""

    folder: Path
    exit_code: int
    peak_kib: int

    @property
    def refused(self) -> list[Refused]:
        return list(read_refused(self.folder / "refused.csv"))

    @property
    def taken(self) -> dict[bytes, list[Any]]:
        """Class ids by the path of each record."""
        found: dict[bytes, list[Any]] = {}
        for sample in RecordReader(self.folder, "train"):
            found.setdefault(os.fsencode(sample.source), []).append(sample.target)
        return found

    @property
    def notes(self) -> Counter[str]:
        """How often each thing was done to a picture."""
        said = (event.message for _, event in read_events(JobFolder(self.folder).events_file) if event.type == "warned")
        found = (re.fullmatch(r"([\d,]+) of the pictures for train: (.+)\.", text) for text in said)
        return Counter({each[2]: int(each[1].replace(",", "")) for each in found if each})


def work(folder: Path, source: dict[str, Any]) -> Result:
    """Build a dataset in a worker's process, and measure that."""
    spec = spec_of(source, random_seed=1)
    record = JobRecord(
        id=folder.name, kind="dataset", extension="image-classification", title="Corpus", name="corpus", created=0,
        worker="build", spec=spec.model_dump(),
    )  # fmt: skip
    JobFolder(folder).write(record)
    environment = os.environ | WorkerSettings(num_threads=2).to_environment()
    assert VARIABLE in environment
    log = os.open(folder / "output.log", os.O_CREAT | os.O_WRONLY)
    command = [sys.executable, "-m", "digits.workers.build", str(folder)]
    worker = os.posix_spawn(
        sys.executable, command, environment,
        file_actions=[(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)],
    )  # fmt: skip
    os.close(log)
    _, status, usage = os.wait4(worker, 0)
    return Result(folder, os.waitstatus_to_exitcode(status), usage.ru_maxrss)


def check(result: Result, files: dict[bytes, tuple[Case, bytes]], others: dict[bytes, str], prefix: bytes) -> None:
    """Hold what was made against what is said of each file."""
    assert result.exit_code == 0, (result.folder / "output.log").read_text()
    rules = {path: case.rule for path, (case, _) in files.items()} | others
    refused = {os.fsencode(row.path).removeprefix(prefix): row for row in result.refused}
    found = {path: refused[path].rule if path in refused else "" for path in rules}
    assert {path: (rule, rules[path]) for path, rule in found.items() if rule != rules[path]} == {}
    assert set(refused) <= set(rules)
    assert all(row.reason for row in refused.values())
    taken = {path.removeprefix(prefix): ids for path, ids in result.taken.items()}
    expected = {path: [CLASSES.index(path.strip(b"/").split(b"/")[0])] for path, rule in rules.items() if not rule}
    assert taken == expected
    assert result.notes == Counter(case.note for case, _ in files.values() if case.note and not case.rule)
    for sample in RecordReader(result.folder, "train"):
        case, _ = files.get(os.fsencode(sample.source).removeprefix(prefix), (None, b""))
        if case is not None and case.colour is not None:
            found = sample.image_HWC.reshape(-1, 3).mean(axis=0)
            assert abs(found - case.colour).max() <= 4, (case.title, found)
    assert result.peak_kib < MOST_KIB


def test_each_file_of_the_corpus_gives_its_stated_result_by_folder_list_and_archive(tmp_path: Path) -> None:
    files = members()
    assert len(files) >= 120
    root = tmp_path / "corpus"
    others = write_folder(root, files)
    inside = os.fsencode(root) + b"/"

    check(work(tmp_path / "by-folder", {"train": str(root), "pct_val": 0}), files, others, inside)

    listed = {path: each for path, each in files.items() if in_a_list(path.split(b"/", 1)[1])}
    write_list(tmp_path / "list.txt", ((path, CLASSES.index(path.split(b"/")[0])) for path in listed))
    (tmp_path / "labels.txt").write_bytes(b"\n".join(CLASSES))
    by_list = {
        "method": "textfile", "use_local_files": True, "local_train_images": str(tmp_path / "list.txt"), "use_val": False,
        "train_folder": str(root), "local_labels_file": str(tmp_path / "labels.txt"),
    }  # fmt: skip
    check(work(tmp_path / "by-list", by_list), listed, {}, inside)

    odd = write_tar(tmp_path / "corpus.tar", files)
    check(work(tmp_path / "by-tar", _archive(tmp_path / "corpus.tar")), files, odd, b"")
    packed = {path: each for path, each in files.items() if in_a_zip(path)}
    odd = write_zip(tmp_path / "corpus.zip", packed)
    check(work(tmp_path / "by-zip", _archive(tmp_path / "corpus.zip")), packed, odd, b"")
    assert not list(tmp_path.parent.rglob("out.png"))


@pytest.mark.slow
def test_the_largest_pictures_that_are_taken_fit_into_memory_side_by_side(tmp_path: Path) -> None:
    """Each has 64 million pixels; whether it is taken or refused as too slow, its neighbours are."""
    side = 8_000
    makes: dict[str, tuple[str, str, dict[str, Any]]] = {
        "grey.png": ("L", "PNG", {}), "colour.png": ("RGB", "PNG", {}), "clear.png": ("RGBA", "PNG", {}),
        "palette.gif": ("P", "GIF", {}), "plain.jpg": ("RGB", "JPEG", {}), "bits.png": ("1", "PNG", {}),
        "progressive.jpg": ("RGB", "JPEG", {"progressive": True}), "inks.jpg": ("CMYK", "JPEG", {}),
        "deep.png": ("I;16", "PNG", {}), "packed.tif": ("RGB", "TIFF", {"compression": "tiff_deflate"}), "plain.bmp": ("L", "BMP", {}),
    }  # fmt: skip
    root = tmp_path / "in"
    for place in ("cat", "dog"):
        (root / place).mkdir(parents=True)
        (root / place / "small.png").write_bytes(picture("PNG"))
        (root / place / "another.png").write_bytes(picture("PNG"))
    for number, (name, (mode, kind, options)) in enumerate(makes.items()):
        Image.new(mode, (side, side)).save(root / ("cat", "dog")[number % 2] / name, kind, **options)

    result = work(tmp_path / "job", {"train": str(root), "pct_val": 0})

    assert result.exit_code == 0, (tmp_path / "job" / "output.log").read_text()
    assert {row.rule for row in result.refused} <= {"IMG_SLOW", "IMG_TOO_LARGE"}
    assert len(result.taken) + len(result.refused) == len(makes) + 4
    assert not {Path(row.path).name for row in result.refused} & {"small.png", "another.png"}
    assert result.peak_kib < MOST_KIB


def _archive(path: Path) -> dict[str, Any]:
    return {"method": "archive", "path": str(path), "pct_val": 0}


def _list_source(folder: Path, labels: bytes) -> dict[str, Any]:
    for name in ("a.png", "b b.png"):
        (folder / name).write_bytes(picture("PNG"))
    (folder / "labels.txt").write_bytes(labels)
    return {
        "method": "textfile", "use_local_files": True, "local_train_images": str(folder / "list.txt"), "use_val": False,
        "local_labels_file": str(folder / "labels.txt"), "shuffle": 0,
    }  # fmt: skip


def test_each_line_of_a_list_gives_its_stated_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    source = _list_source(tmp_path, b"zero\none\ntwo\nthree\n")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "list.txt").write_bytes(b"\n".join(line.text for line in LINES))

    result = work(tmp_path / "job", source)

    assert result.exit_code == 0, (tmp_path / "job" / "output.log").read_text()
    assert {row.line: row.rule for row in result.refused} == {
        number: line.rule for number, line in enumerate(LINES, start=1) if line.rule
    }
    expected = [(_place(tmp_path, line), line.label) for line in LINES if not line.rule and line.text.strip()]
    found = [(os.fsencode(sample.source), sample.target) for sample in RecordReader(tmp_path / "job", "train")]
    assert found == expected
    assert result.peak_kib < MOST_KIB


def _place(folder: Path, line: Line) -> bytes:
    return os.path.join(os.fsencode(folder), line.path.replace(b"~", os.fsencode(folder)))


@pytest.mark.parametrize("case", LISTS, ids=lambda case: case.title)
def test_each_list_gives_its_stated_result(tmp_path: Path, case: ListFile) -> None:
    source = _list_source(tmp_path, b"cat\ndog\n")
    (tmp_path / "list.txt").write_bytes(case.data)
    job = tmp_path / "job"

    if case.rule:
        with pytest.raises(DataError) as caught:
            Built(job, spec_of(source))
        assert (caught.value.rule, bool(caught.value.hint)) == (case.rule, True)
    else:
        Built(job, spec_of(source))
        found = [(Path(sample.source).name, sample.target) for sample in RecordReader(job, "train")]
        assert found == case.taken
    assert {row.line: row.rule for row in read_refused(job / "refused.csv")} == case.refused


@pytest.mark.parametrize(("data", "expected"), LABELS, ids=[str(data)[:20] for data, _ in LABELS])
def test_each_file_of_names_gives_its_classes_or_the_rule(
    tmp_path: Path, data: bytes, expected: list[str] | str
) -> None:
    (tmp_path / "labels.txt").write_bytes(data)

    if isinstance(expected, list):
        assert label_names(tmp_path / "labels.txt") == expected
    else:
        with pytest.raises(DataError) as caught:
            label_names(tmp_path / "labels.txt")
        assert caught.value.rule == expected
