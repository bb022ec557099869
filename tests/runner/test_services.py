"""Services: started when asked for, kept warm, evicted, taken over, ended with the runner."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from digits.core.errors import NotFoundError
from digits.core.events import Snapshot
from digits.core.platform import process_start
from digits.core.settings import Settings
from digits.runner.services import Services
from digits.store import Job, Service, Store
from digits.store.ledger import Ledger
from tests.runner.standin import StandInExecutor
from tests.runner.standing import wait_for
from tests.store.jobs import model, say


@pytest.fixture
def keeper(store: Store) -> Iterator[Services]:
    keeper = Services(store, StandInExecutor())
    yield keeper
    keeper.stop_all()


def _model(store: Store, *epochs: float) -> Job:
    job = model(store)
    say(job, *(Snapshot(epoch=epoch, step=int(epoch), file=f"snapshots/epoch_{epoch:g}", bytes=1) for epoch in epochs))
    Ledger(store).index_events([job.id])
    return job


def _until(keeper: Services, true: Callable[[], Any]) -> Any:
    def look() -> Any:
        keeper.tick(())
        return true()

    return wait_for(look)


def _ready(keeper: Services, store: Store, job: Job | None = None, epoch: float | None = None) -> Service:
    asked = store.ask_service("infer", job.id, epoch) if job else store.ask_service("inspect")
    service: Service = _until(keeper, lambda: (now := store.service(asked.id)).state == "ready" and now)
    return service


def _pid(service: Service) -> int:
    headers = {"Authorization": f"Bearer {service.token}"}
    return int(httpx.post(f"http://{service.address}/pid", json={}, headers=headers).json()["pid"])


def test_a_service_that_is_asked_for_is_started_and_answers(store: Store, keeper: Services) -> None:
    job = _model(store, 1, 2)

    service = _ready(keeper, store, job)

    headers = {"Authorization": f"Bearer {service.token}"}
    answer = httpx.post(f"http://{service.address}/pid", json={}, headers=headers).json()
    assert service.handle is not None
    assert answer["pid"] == service.handle.pid
    assert answer["arguments"] == [str(job.folder.path), "--epoch", "2.0", "--service", str(keeper.folder / service.id)]
    assert not job.folder.output_log.exists()
    assert store.ask_service("infer", job.id).id == service.id


def test_one_that_cannot_start_failed_with_its_own_words_and_asking_again_tries_again(
    store: Store, keeper: Services
) -> None:
    job = _model(store, 13)

    first = store.ask_service("infer", job.id)
    failed = _until(keeper, lambda: (now := store.service(first.id)).state == "failed" and now)

    assert str(failed.error) == "epoch_13: The snapshot is damaged. Take another."
    assert store.ask_service("infer", job.id).id != first.id


def test_the_one_used_longest_ago_makes_room(store: Store, keeper: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digits.store.services.TOUCH_S", 0.0)
    job = _model(store, 1, 2, 3)
    first, second = _ready(keeper, store, job, 1), _ready(keeper, store, job, 2)
    inspector = _ready(keeper, store)
    store.ask_service("infer", job.id, 1)

    third = _ready(keeper, store, job, 3)

    with pytest.raises(NotFoundError):
        store.service(second.id)
    assert second.handle is not None
    _until(keeper, lambda: process_start(second.handle.pid) is None)  # type: ignore[union-attr]  # asserted above
    for service in (first, third, inspector):
        assert service.handle is not None
        assert _pid(service) == service.handle.pid


def test_an_idle_one_is_forgotten_and_started_again_when_asked_for(
    store: Store, keeper: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_IDLE_S", "0.2")
    service = _ready(keeper, store)

    _until(keeper, lambda: store.services.all() == [])

    assert not (keeper.folder / service.id).exists()
    monkeypatch.delenv("STANDIN_IDLE_S")
    assert _ready(keeper, store).id != service.id


def test_one_that_was_killed_failed_in_words_and_is_replaced(store: Store, keeper: Services) -> None:
    service = _ready(keeper, store)
    assert service.handle is not None

    os.kill(service.handle.pid, signal.SIGKILL)
    failed = _until(keeper, lambda: (now := store.service(service.id)).state == "failed" and now)

    assert str(failed.error) == "It ended by itself."
    assert _ready(keeper, store).id != service.id


def test_the_next_runner_takes_services_over_and_ends_what_no_row_knows(store: Store, keeper: Services) -> None:
    kept, lost = _ready(keeper, store), _ready(keeper, store, _model(store, 1))
    store.services.remove(lost.id)  # as if the runner was killed before it wrote the row
    assert lost.handle is not None

    following = Services(store, StandInExecutor())
    following.take_over()
    following.tick(())

    assert store.service(kept.id).state == "ready"
    assert kept.handle is not None
    assert _pid(kept) == kept.handle.pid
    wait_for(lambda: process_start(lost.handle.pid) is None)  # type: ignore[union-attr]  # asserted above
    assert not (keeper.folder / lost.id).exists()


def test_the_service_of_a_deleted_model_ends(store: Store, keeper: Services) -> None:
    job = _model(store, 1)
    service = _ready(keeper, store, job)

    store.delete(job.id)

    _until(keeper, lambda: store.services.all() == [])
    assert service.handle is not None
    _until(keeper, lambda: process_start(service.handle.pid) is None)  # type: ignore[union-attr]  # asserted above


def test_services_end_with_their_runner(store: Store, keeper: Services) -> None:
    service = _ready(keeper, store)

    keeper.stop_all()

    assert service.handle is not None
    assert process_start(service.handle.pid) is None
    assert store.services.all() == []
    assert list(keeper.folder.iterdir()) == []


def test_being_asked_for_shows_in_the_order_of_use(store: Store, keeper: Services, settings: Settings) -> None:
    del keeper, settings
    job = _model(store, 1, 2)
    first, second = store.ask_service("infer", job.id, 1), store.ask_service("infer", job.id, 2)
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE services SET last_used = last_used - 100")
    time.sleep(0.001)

    store.ask_service("infer", job.id, 1)

    assert [service.id for service in store.services.all()] == [second.id, first.id]
