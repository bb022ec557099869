from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from digits.core.files import read_json

SCRIPT = """
import sys, time
from pathlib import Path
from digits.core.errors import DataError, NotFoundError
from digits.workers.service import run_service

def refuse(question):
    raise DataError("It is broken.", where="x.png", hint="Take another.", rule="IMG_TRUNCATED")

def lost(question):
    raise NotFoundError("No such snapshot.")

def slow(question):
    time.sleep(question["seconds"])
    return {"slept": question["seconds"]}

def setup():
    if sys.argv[3:]:
        raise DataError("The weights are damaged.", where="weights.safetensors", hint="Train again.")
    return {"/echo": lambda question: {"heard": question}, "/refuse": refuse, "/lost": lost, "/slow": slow,
            "/bug": lambda question: 1 / 0}

sys.exit(run_service(Path(sys.argv[1]), setup, float(sys.argv[2])))
"""


class Running:
    """A service in a process of its own, and a client that knows its token."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder), *arguments], stderr=subprocess.PIPE)

    def client(self) -> httpx.Client:
        while not (self.folder / "ready.json").exists():
            assert self.process.poll() is None
            time.sleep(0.02)
        ready = read_json(self.folder / "ready.json")
        assert ready["pid"] == self.process.pid
        headers = {"Authorization": f"Bearer {ready['token']}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{ready['port']}", headers=headers, timeout=60)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    service = Running(tmp_path_factory.mktemp("service"), "600")
    yield service
    service.process.kill()
    service.process.communicate()


@pytest.fixture(scope="module")
def client(service: Running) -> Iterator[httpx.Client]:
    with service.client() as client:
        yield client


def test_a_question_is_answered_on_a_kept_connection(client: httpx.Client) -> None:
    for number in range(3):
        answer = client.post("/echo", json={"n": number, "name": "naïve"})

        assert (answer.status_code, answer.json()) == (200, {"heard": {"n": number, "name": "naïve"}})


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer"}, {"Authorization": "Bearer guess"}, {"Authorization": "Bearer é"}]
)
def test_without_the_token_nothing_is_answered(client: httpx.Client, header: dict[str, str]) -> None:
    headers = {name.encode(): value.encode() for name, value in header.items()}

    answer = httpx.post(f"{client.base_url}/echo", json={}, headers=list(headers.items()))

    assert answer.status_code == 401
    assert "token" in answer.json()["error"]["message"]


def test_the_token_is_for_its_owner_alone(service: Running) -> None:
    if sys.platform != "win32":
        assert (service.folder / "ready.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        (
            "/refuse",
            400,
            {"message": "It is broken.", "where": "x.png", "hint": "Take another.", "rule": "IMG_TRUNCATED"},
        ),
        ("/lost", 404, {"message": "No such snapshot.", "where": "", "hint": "", "rule": ""}),
        ("/bug", 500, {"message": "ZeroDivisionError: division by zero", "where": "", "hint": "", "rule": ""}),
        ("/nothing", 404, {"message": "There is no /nothing here.", "where": "", "hint": "", "rule": ""}),
    ],
)
def test_errors_have_one_shape(client: httpx.Client, path: str, status: int, error: dict[str, Any]) -> None:
    answer = client.post(path, json={})

    assert (answer.status_code, answer.json()) == (status, {"error": error})
    assert client.post("/echo", json={}).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff"])
def test_what_is_no_json_object_is_refused(client: httpx.Client, body: bytes) -> None:
    assert client.post("/echo", content=body).status_code == 400


def test_a_body_that_is_too_long_is_refused_unread(client: httpx.Client) -> None:
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=60) as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n")

        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_questions_are_answered_side_by_side(client: httpx.Client) -> None:
    slow = threading.Thread(target=client.post, args=("/slow",), kwargs={"json": {"seconds": 1.5}})
    slow.start()

    answer = client.post("/echo", json={})

    assert slow.is_alive()
    assert answer.status_code == 200
    slow.join()


def test_one_that_cannot_be_set_up_says_why_in_words(tmp_path: Path) -> None:
    service = Running(tmp_path, "600", "broken")
    service.process.communicate(timeout=60)

    assert service.process.returncode == 1
    said = json.loads((tmp_path / "failed.json").read_text())
    assert (said["message"], said["where"], said["hint"]) == (
        "The weights are damaged.",
        "weights.safetensors",
        "Train again.",
    )
    assert not (tmp_path / "ready.json").exists()


def test_an_idle_one_leaves(tmp_path: Path) -> None:
    service = Running(tmp_path, "0.2")

    assert service.process.wait(60) == 0
    service.process.communicate()


def test_one_whose_folder_was_taken_away_leaves(tmp_path: Path) -> None:
    service = Running(tmp_path, "600")
    service.client().close()

    (tmp_path / "ready.json").unlink()

    assert service.process.wait(60) == 0
    service.process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_asked_to_leave_it_finishes_the_answer_in_the_making(tmp_path: Path) -> None:
    service = Running(tmp_path, "600")
    answers: list[httpx.Response] = []
    with service.client() as client:
        asking = threading.Thread(target=lambda: answers.append(client.post("/slow", json={"seconds": 1})))
        asking.start()
        time.sleep(0.5)

        os.kill(service.process.pid, 15)

        asking.join()
    assert answers[0].json() == {"slept": 1}
    assert service.process.wait(60) == 0
    service.process.communicate()
