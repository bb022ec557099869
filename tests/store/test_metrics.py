from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from digits.core.jobfolder import JobFolder
from digits.core.metrics import MetricsWriter, series_file
from digits.store import metrics


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path)


def _write(folder: JobFolder, name: str, values: list[float]) -> None:
    writer = MetricsWriter(folder.metrics)
    for step, value in enumerate(values, start=1):
        writer.append(name, step=step, epoch=step / 100, value=value)
    writer.close()


def test_a_short_series_comes_point_by_point(folder: JobFolder) -> None:
    _write(folder, "loss/train", [3.0, 1.0, 2.0])

    found = metrics.read(folder)

    times = found["loss/train"].pop("time")
    assert times == sorted(times)
    assert found == {
        "loss/train": {
            "epoch": [0.01, 0.02, 0.03],
            "step": [1, 2, 3],
            "min": [3, 1, 2],
            "max": [3, 1, 2],
            "last": [3, 1, 2],
        }
    }


def test_a_long_series_comes_in_buckets_that_hide_no_peak(folder: JobFolder) -> None:
    values = np.random.default_rng(0).normal(size=5003)
    values[1234] = 99
    _write(folder, "a", values.tolist())

    found = metrics.read(folder, points_=50)["a"]

    ends = [len(values) * bucket // 50 for bucket in range(1, 51)]
    groups = np.split(values, ends[:-1])
    assert found["min"] == [group.min() for group in groups]
    assert found["max"] == [group.max() for group in groups]
    assert found["last"] == [group[-1] for group in groups]
    assert found["step"] == ends
    assert max(found["max"]) == 99


def test_no_more_than_two_thousand_buckets_are_sent(folder: JobFolder) -> None:
    _write(folder, "a", [0.0] * 2500)

    assert len(metrics.read(folder, points_=10**9)["a"]["step"]) == 2000


def test_a_range_of_epochs_and_what_came_after_a_step(folder: JobFolder) -> None:
    _write(folder, "a", [float(step) for step in range(1, 11)])

    assert metrics.read(folder, from_=0.03, to=0.05)["a"]["step"] == [3, 4, 5]
    assert metrics.read(folder, after=8)["a"]["step"] == [9, 10]
    assert metrics.read(folder, after=10)["a"]["step"] == []
    assert metrics.read(folder, from_=0.08, to=0.02)["a"]["step"] == []


def test_what_is_no_number_hides_no_neighbour_and_is_none_in_json(folder: JobFolder) -> None:
    _write(folder, "a", [1.0, math.nan, 3.0, math.inf, math.nan, math.nan])

    found = metrics.read(folder, points_=3)["a"]

    assert found["min"] == [1.0, 3.0, None]
    assert found["max"] == [1.0, None, None]


def test_a_point_that_is_still_being_written_is_not_there_yet(folder: JobFolder) -> None:
    _write(folder, "a", [1.0, 2.0])
    with series_file(folder.metrics, "a").open("ab") as file:
        file.write(b"half a rec")

    assert metrics.read(folder)["a"]["last"] == [1.0, 2.0]


def test_unknown_series_and_jobs_without_curves_give_nothing(folder: JobFolder) -> None:
    assert metrics.read(folder) == {}
    _write(folder, "a", [1.0])
    assert metrics.read(folder, ["../../etc/passwd"]) == {}


def test_csv_has_every_point_to_the_last_digit(folder: JobFolder) -> None:
    _write(folder, 'odd, "name"', [0.1 + 0.2])

    head, line = metrics.csv_lines(folder)

    assert head == "series,step,epoch,time,value\n"
    assert line.startswith('"odd, ""name""",1,0.01,')
    assert float(line.rsplit(",", 1)[1]) == 0.1 + 0.2


def test_the_version_changes_with_each_point(folder: JobFolder) -> None:
    _write(folder, "a", [1.0])
    before = metrics.version(folder)
    same = metrics.version(folder)

    _write(folder, "a", [1.0])

    assert before == same
    assert metrics.version(folder) != before
