from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from digits.core.platform import find_processes, kill_tree
from digits.core.settings import Settings
from digits.store import Store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path / "root", min_free_disk_bytes=0, cpu_slots=2, stop_grace_s=10)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """A store; whatever process still works on one of its jobs at the end is killed."""
    store = Store(settings)
    yield store
    for folder in settings.jobs.glob("*"):
        for pid in find_processes(str(folder)):
            kill_tree(psutil.Process(pid))
    store.close()
