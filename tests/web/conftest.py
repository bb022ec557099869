"""A server with jobs in it, and a small dataset that the real builder made."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from digits.core.events import Done, EventWriter
from digits.core.settings import Settings
from digits.core.states import JobState
from digits.core.work import WorkerSettings
from digits.extensions.datasets.classification.spec import ClassificationSpec
from digits.store import Job, Store
from digits.workers.build import build
from tests.web.fixture_site import fill
from tests.web.scripts import Script
from tests.web.serving import Serving, serving
from tests.web.working import working


@dataclass
class World:
    """A server, and the ids of the jobs of ``fixture_site`` by their short names."""

    site: Serving
    ids: dict[str, str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Run a server with jobs of every kind; tests that share it change none of them."""
    settings = Settings(root=tmp_path_factory.mktemp("root"), max_upload_bytes=5_000_000)
    ids = fill(settings)
    with serving(settings) as site:
        yield World(site, ids)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Run a server without a job; see ``empty``."""
    with serving(Settings(root=tmp_path_factory.mktemp("bare"))) as site:
        yield site


@pytest.fixture
def empty(bare: Serving) -> Serving:
    """Give a server on which nobody is logged in and no job exists: one a module, swept for each test."""
    shutil.rmtree(bare.settings.jobs, ignore_errors=True)
    bare.store.reindex()
    for service in bare.store.services.all():
        bare.store.services.remove(service.id)
    bare.client.cookies.clear()
    return bare


def draw_pictures(folder: Path, *, classes: int = 3, each: int = 8, side: int = 12, channels: int = 1) -> Path:
    """Draw small pictures, a folder a class: class k has a bright bar in column k."""
    rng = np.random.default_rng(5)
    for label in range(classes):
        place = folder / f"class_{label}"
        place.mkdir(parents=True)
        for number in range(each):
            shape = (side, side) if channels == 1 else (side, side, 3)
            image = rng.integers(0, 60, shape, dtype=np.uint8)
            image[:, 3 * label : 3 * label + 3] = 255
            Image.fromarray(image).save(place / f"{number:02d}.png")
    return folder


def submit_dataset(store: Store, pictures: Path, *, name: str = "bars", username: str = "fred", **more: Any) -> Job:
    """Queue a dataset of ``pictures``, as the web does."""
    spec = ClassificationSpec.model_validate(
        {"name": name, "resize_width": 12, "resize_height": 12, "resize_channels": 1,
         "source": {"train": str(pictures), "pct_val": 25}} | more
    )  # fmt: skip
    return store.submit(
        kind="dataset", extension="image-classification", title="Image Classification Dataset", name=name,
        username=username, worker="build", spec=spec.model_dump(mode="json"),
    )  # fmt: skip


def build_dataset(store: Store, pictures: Path, **more: Any) -> Job:
    """Make a dataset with the real builder, in this process, and let it be Done."""
    return build_job(store, submit_dataset(store, pictures, **more))


def build_job(store: Store, job: Job) -> Job:
    """Do the work of a dataset that is queued with the real builder, in this process, and let it be Done."""
    emit = EventWriter(job.folder.events_file)
    record = job.folder.record()
    facts = build(record, job.folder, emit, lambda: False, WorkerSettings())
    emit(Done(facts=facts))
    emit.close()
    return finish(store, job.id, JobState.DONE)


def finish(store: Store, job_id: str, state: JobState) -> Job:
    """Bring a job to ``state``, its events counted."""
    with store.change(job_id) as index:
        index.move(JobState.WAITING)
        if state is not JobState.WAITING:
            index.move(JobState.RUNNING)
        index.index_events()
        index.move(state)
    return store.job(job_id)


def model_of(store: Store, dataset: Job, *, name: str = "net", username: str = "fred") -> Job:
    """Queue a model of ``dataset``."""
    return store.submit(
        kind="model", extension="caffe", title="Image Classification Model", name=name, username=username, worker="train",
        spec={"dataset": dataset.id, "name": name, "framework": "caffe"}, depends_on=dataset.id,
    )  # fmt: skip


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Script]:
    """Run a server and a runner for scripts written for DIGITS: one for all of their tests, which are slow."""
    root = tmp_path_factory.mktemp("scripts")
    with (
        working(root) as (_, address),
        httpx.Client(base_url=address, cookies={"username": "fred"}, trust_env=False, timeout=120) as client,
    ):
        yield Script(client, root)


@pytest.fixture(scope="session")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw three classes of eight pictures."""
    return draw_pictures(tmp_path_factory.mktemp("bars"))


@pytest.fixture(scope="session")
def bars_dataset(script: Script, bars: Path) -> str:
    """Return the id of a dataset of them."""
    return script.dataset(bars, random_seed=1)  # the same split, so the same few steps learn the same


@pytest.fixture(scope="session", params=["caffe", "torch"])
def bars_model(script: Script, bars_dataset: str, request: pytest.FixtureRequest) -> str:
    """Return the id of a model that was trained on it, once by each framework."""
    return script.trained(bars_dataset, request.param)
