"""What killed processes left in the spool goes, and nothing that may still be wanted."""

from __future__ import annotations

import os
import time
from pathlib import Path

from digits.core.settings import Settings
from digits.runner.loop import Runner
from digits.runner.spool import KEPT_S, clean


def put(path: Path, age_s: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_a_runner_that_starts_removes_what_is_older_than_a_day(settings: Settings) -> None:
    old = put(settings.root / "spool" / "upload-0123", KEPT_S + 60)
    fresh = put(settings.root / "spool" / "upload-4567", KEPT_S - 60)
    runner = Runner(settings)

    runner.take_over()
    runner.store.close()

    assert not old.exists()
    assert fresh.exists()


def test_links_and_folders_go_themselves_and_not_what_they_point_to(tmp_path: Path) -> None:
    spool, outside = tmp_path / "spool", put(tmp_path / "kept" / "file", KEPT_S + 60)
    put(spool / "export-1" / "weights", KEPT_S + 60)
    (spool / "link").symlink_to(outside.parent)

    assert clean(spool, now=time.time() + 2 * KEPT_S) == 2

    assert list(spool.iterdir()) == []
    assert outside.exists()


def test_a_root_without_a_spool_is_clean(tmp_path: Path) -> None:
    assert clean(tmp_path / "spool") == 0
