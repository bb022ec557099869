from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from digits.core.settings import Settings
from digits.store import Store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path / "root", min_free_disk_bytes=0)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = Store(settings)
    yield store
    store.close()
