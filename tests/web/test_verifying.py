"""A finished dataset held against what was written, over HTTP; the inspector's own answer, in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from digits.client import Client
from digits.core.work import WorkerSettings
from digits.data.contenthash import DIGESTS
from digits.workers.inspect import Inspector
from tests.web.conftest import build_dataset, draw_pictures, submit_dataset
from tests.web.serving import Serving
from tests.web.standin import service


@pytest.fixture
def inspector() -> Any:
    """Answer as the inspector does."""
    own = Inspector(WorkerSettings())
    return lambda _path, question: (200, own.verify(question))


def test_every_record_is_held_against_what_was_written(empty: Serving, tmp_path: Path, inspector: Any) -> None:
    dataset = build_dataset(empty.store, draw_pictures(tmp_path / "pictures"))
    digests = dataset.folder.path / "index" / "train" / DIGESTS
    empty.login("fred")

    with service(empty.store, "inspect", inspector) as asked, Client(empty.address, username="fred") as client:
        whole = client.dataset.verify(dataset.id)
        data = bytearray(digests.read_bytes())
        data[32 * 2] ^= 1  # of the third record
        digests.write_bytes(data)
        damaged = client.dataset.verify(dataset.id)

    assert {path for path, _ in asked} == {"/verify"}
    assert (whole.records, whole.index_whole, whole.damaged_count) == (24, True, 0)
    assert whole.content_hash == dataset.facts["content_hash"]
    assert [(each.db, each.key[:8], each.reason) for each in damaged.damaged] == [
        ("train", "00000002", "The picture is not the one that was written.")
    ]
    assert not damaged.index_whole


def test_only_a_finished_dataset_is_verified_and_only_by_somebody_with_a_name(empty: Serving, tmp_path: Path) -> None:
    dataset = submit_dataset(empty.store, draw_pictures(tmp_path / "pictures"))

    nobody = empty.client.post(f"/datasets/{dataset.id}/verify.json")
    empty.login("fred")
    unfinished = empty.client.post(f"/datasets/{dataset.id}/verify.json")

    assert nobody.status_code == 401
    assert unfinished.status_code == 403
    assert "a finished dataset can be verified" in unfinished.text
