from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from digits.core.errors import DataError
from digits.core.work import StopCheck, StoppedError
from digits.workers import scans
from digits.workers.scans import Progress, Scans


def test_a_quick_look_is_done_at_once_and_kept_for_those_who_ask_again() -> None:
    looks: list[int] = []
    asked = Scans()

    def look(progress: Progress, stop: StopCheck) -> dict[str, Any]:
        looks.append(1)
        return {"count": 3}

    assert asked.ask("a", look) == {"state": "done", "count": 3}
    assert asked.ask("a", look) == {"state": "done", "count": 3}
    assert asked.ask("b", look) == {"state": "done", "count": 3}
    assert len(looks) == 2


def test_a_long_look_says_how_far_it_is_then_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "WAIT_S", 0.05)
    go, asked = threading.Event(), Scans()

    def look(progress: Progress, stop: StopCheck) -> dict[str, Any]:
        progress(17)
        go.wait()
        return {"count": 99}

    first, second = asked.ask("a", look), asked.ask("a", look)
    go.set()
    while (last := asked.ask("a", look))["state"] == "running":
        pass

    assert first == second == {"state": "running", "done": 17}
    assert last == {"state": "done", "count": 99}


def test_an_error_is_told_and_the_next_one_looks_again() -> None:
    answers: Iterator[DataError | dict[str, Any]] = iter([DataError("The folder cannot be listed."), {"count": 1}])
    asked = Scans()

    def look(progress: Progress, stop: StopCheck) -> dict[str, Any]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(DataError, match="cannot be listed"):
        asked.ask("a", look)
    assert asked.ask("a", look) == {"state": "done", "count": 1}


def test_a_look_that_nobody_asks_about_any_more_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "WAIT_S", 0.01)
    monkeypatch.setattr(scans, "FORSAKEN_S", 0.05)
    stopped = threading.Event()

    def look(progress: Progress, stop: StopCheck) -> dict[str, Any]:
        while not stop():
            pass
        stopped.set()
        raise StoppedError

    Scans().ask("a", look)

    assert stopped.wait(60)


def test_what_was_seen_a_minute_ago_is_looked_at_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "KEEP_S", 0.0)
    counts = iter([1, 2])
    asked = Scans()

    def look(progress: Progress, stop: StopCheck) -> dict[str, Any]:
        return {"count": next(counts)}

    assert [asked.ask("a", look)["count"], asked.ask("a", look)["count"]] == [1, 2]
