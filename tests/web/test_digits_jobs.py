"""The life of dataset jobs as scripts written for DIGITS see it: real server, runner and workers, over HTTP alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from tests.extensions.datasets.classification.test_remote import Quiet
from tests.web.conftest import draw_pictures
from tests.web.working import working

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CREATE = "/datasets/images/classification"
RUNNING = ("Initialized", "Waiting", "Running")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Run a server and a runner, and give a client with DIGITS' cookie, set by hand as its tests do."""
    with (
        working(tmp_path_factory.mktemp("root"), DIGITS_ALLOW_PRIVATE_ADDRESSES="true") as (_, address),
        httpx.Client(base_url=address, cookies={"username": "digits-testsuite"}, trust_env=False, timeout=60) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw few pictures."""
    return draw_pictures(tmp_path_factory.mktemp("few"))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw what takes a worker some seconds: a few, under many names."""
    root = tmp_path_factory.mktemp("many")
    drawn = draw_pictures(root / "drawn", side=400)
    for path in sorted(drawn.rglob("*.png")):
        folder = root / "many" / path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(400):
            (folder / f"{path.stem}_{number}.png").hardlink_to(path)
    return root / "many"


def create(client: httpx.Client, folder: Path | str, **fields: str) -> str:
    """Make a dataset and return its id."""
    form = {"dataset_name": "bars", "folder_train": str(folder), "resize_width": "12", "resize_height": "12"} | fields
    answer = client.post(f"{CREATE}.json", files={name: (None, value) for name, value in form.items()})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def status(client: httpx.Client, job_id: str) -> str:
    """Return what the status says."""
    return str(json.loads(client.get(f"/datasets/{job_id}/status").text).get("status", "gone"))


def until(client: httpx.Client, job_id: str, *states: str) -> str:
    """Ask for the status until it is one of ``states``, or the job is over."""
    deadline = time.monotonic() + 120
    while (state := status(client, job_id)) not in states and state in RUNNING:
        assert time.monotonic() < deadline, state
        time.sleep(0.1)
    return state


def rows(client: httpx.Client) -> dict[str, list[str]]:
    """Return the ids in the tables of the home page."""
    body: dict[str, Any] = client.get("/completed_jobs.json").json()
    return {name: [row["id"] for row in body[name]] for name in ("running", "datasets")}


def test_a_dataset_is_listed_from_its_first_moment_and_done_in_the_end(client: httpx.Client, pictures: Path) -> None:
    answer = client.post(CREATE, data={"dataset_name": "by page", "folder_train": str(pictures)})
    job_id = answer.headers["location"].rpartition("/")[2]

    assert answer.status_code == 302
    assert job_id in [*rows(client)["running"], *rows(client)["datasets"]]
    assert until(client, job_id) == "Done"
    assert job_id in rows(client)["datasets"]
    assert client.get("/index.json").json()["datasets"][0] == {"id": job_id, "name": "by page", "status": "Done"}
    assert job_id in client.get(answer.headers["location"]).text
    for db in ("train", "train/", "val_db"):
        page = client.get(f"{CREATE}/explore", params={"job_id": job_id, "db": db})
        assert (page.status_code, "Items per page" in page.text) == (200, True)


@pytest.mark.parametrize("state", ["Running", "Waiting"])
def test_a_job_that_runs_and_one_that_waits_are_aborted_and_deleted(
    client: httpx.Client, many: Path, state: str
) -> None:
    ids = [create(client, many, resize_width="400", resize_height="400") for _ in range(2)]
    assert until(client, ids[0], "Running") == "Running"
    job_id, other = ids if state == "Running" else reversed(ids)

    explored = client.get(f"{CREATE}/explore.json", params={"job_id": job_id})
    aborted = client.post(f"/datasets/{job_id}/abort")

    assert (explored.status_code, aborted.status_code, aborted.text) == (403, 200, "Job aborted.")
    assert f"is {state[0]!r}" in explored.json()["error"]["description"]
    assert until(client, job_id) == "Aborted"
    again = client.post(f"/jobs/{job_id}/abort", headers={"Accept": "application/json"})
    assert (again.status_code, again.json()["error"]["description"][:15]) == (403, "Job not aborted")
    assert status(client, other) in RUNNING
    for each in ids:
        assert client.delete(f"/datasets/{each}").text == "Job deleted."
        assert (client.get(f"/datasets/{each}").status_code, status(client, each)) == (404, "gone")


def test_a_list_none_of_whose_pictures_can_be_read_ends_in_an_error_that_says_so(client: httpx.Client) -> None:
    form = {"dataset_name": "lists", "method": "textfile"}
    files = {"textfile_train_images": ("t", b"/nowhere/a.png 0\n"), "textfile_labels_file": ("l", b"a\n")}

    job_id = client.post(f"{CREATE}.json", data=form, files=files).json()["id"]

    assert until(client, job_id) == "Error"
    assert client.get(f"/datasets/{job_id}/refused.json").json()[0]["line"] == 1


def test_an_index_page_serves_as_a_folder(client: httpx.Client, pictures: Path) -> None:
    handler = partial(Quiet, directory=str(pictures))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        Thread(target=served.serve_forever, daemon=True).start()
        job_id = create(client, f"http://127.0.0.1:{served.server_port}/", folder_pct_test="25")
        assert until(client, job_id) == "Done"
        served.shutdown()

    entries = [task["entries"] for task in client.get(f"/datasets/{job_id}.json").json()["CreateDbTasks"]]
    assert entries == [12, 6, 6]
