"""The client against a real HTTP server that answers as asked: what it sends, and what it makes of the answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from digits.client import Client, NoServerError, RefusedError
from digits.client.client import user_name
from digits.core.errors import NotFoundError


@dataclass
class Answering:
    """A server with set answers that remembers the requests."""

    address: str = ""
    answers: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def json(self, path: str, value: object, *, status: int = 200, kind: str = "application/json") -> None:
        self.answers[path] = (status, kind, json.dumps(value))


@pytest.fixture
def server() -> Iterator[Answering]:
    told = Answering()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            told.requests.append((self.command, self.path, dict(self.headers), body))
            status, kind, text = told.answers.get(self.path.partition("?")[0], (404, "text/plain", "Not found"))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_DELETE = do_GET

        def log_message(self, *args: object) -> None:
            pass

    real = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.address = f"http://127.0.0.1:{real.server_port}"
    threading.Thread(target=real.serve_forever, args=(0.01,), daemon=True).start()
    yield told
    real.shutdown()
    real.server_close()


IDS = ("20261124-101010-aaaa", "20261124-101010-bbbb", "20261123-000000-cccc")


def listing(server: Answering) -> None:
    rows = [
        {"id": each, "name": "n", "status": "Done", "type": "dataset", "submitted": index}
        for index, each in enumerate(IDS)
    ]
    server.json("/completed_jobs.json", {"running": [], "datasets": rows, "models": [], "pretrained_models": []})


def test_fields_go_as_a_form_with_booleans_as_digits_reads_them(server: Answering) -> None:
    server.json("/datasets/images/classification.json", {"id": IDS[0], "name": "n", "status": "Initialized", "more": 1})

    with Client(server.address, username="fred") as client:
        made = client.dataset.create(
            {"resize_width": 28, "has_val_folder": False, "shuffle": True, "random_seed": None}
        )

    method, _, headers, body = server.requests[0]
    assert (method, body) == ("POST", b"resize_width=28&has_val_folder=false&shuffle=true")
    assert "username=fred" in headers["Cookie"]
    assert made.as_json()["more"] == 1


def test_a_prefix_must_mean_one_job(server: Answering) -> None:
    listing(server)
    with Client(server.address) as client:
        assert client.find("20261123") == IDS[2]
        with pytest.raises(NotFoundError, match=f"2 jobs' ids begin with '20261124': {IDS[0]}, {IDS[1]}"):
            client.find("20261124")
        with pytest.raises(NotFoundError, match="No job's id begins with ''"):
            client.find("")


def test_lists_are_newest_first(server: Answering) -> None:
    listing(server)

    with Client(server.address) as client:
        assert [row.id for row in client.dataset.ls()] == [IDS[2], IDS[1], IDS[0]]
        assert client.model.ls() == []


def test_problems_of_a_form_come_back_by_field(server: Answering) -> None:
    server.json("/models/images/classification.json", {"errors": {"train_epochs": ["Must be at least 1."]}}, status=400)

    with (
        Client(server.address) as client,
        pytest.raises(RefusedError, match="train_epochs: Must be at least 1") as caught,
    ):
        client.model.create({"train_epochs": 0})

    assert caught.value.problems == {"train_epochs": ["Must be at least 1."]}


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (
            "application/json",
            '{"error": {"message": "404: Not Found", "description": "Job not found"}}',
            "Job not found",
        ),
        ("text/plain; charset=utf-8", "Job not aborted\n", "Job not aborted"),
        ("text/html", "<h1>Bad gateway</h1>", "The server answered 502."),
        ("application/json", "[1]", "The server answered 502."),
        ("application/json", '{"error": null}', "The server answered 502."),
    ],
)
def test_a_refusal_is_in_the_servers_words_where_it_has_any(
    server: Answering, kind: str, text: str, words: str
) -> None:
    server.answers[f"/jobs/{IDS[0]}/abort"] = (502, kind, text)

    with Client(server.address) as client, pytest.raises(RefusedError) as caught:
        client.job.abort(IDS[0])

    assert str(caught.value) == words
    assert caught.value.status == 502


def test_digits_status_of_an_unknown_job_is_an_error_though_it_is_answered_200(server: Answering) -> None:
    server.json(f"/jobs/{IDS[0]}/status", {"error": "Job not found."}, kind="text/html")

    with Client(server.address) as client, pytest.raises(NotFoundError, match="Job not found"):
        client.job.status(IDS[0])


def test_a_page_where_json_should_be_is_said(server: Answering) -> None:
    server.answers["/completed_jobs.json"] = (200, "text/html", "<html>some router</html>")

    with Client(server.address) as client, pytest.raises(RefusedError, match="is this an OpenDIGITS server"):
        client.listing()


def test_nobody_at_the_address_is_said_with_what_starts_a_server() -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(NoServerError, match="`digits-devserver` starts one"):
        client.index()


def test_a_file_here_is_sent_and_another_path_is_left_to_the_server(server: Answering, tmp_path: Path) -> None:
    server.json("/models/images/classification/classify_one.json", {"predictions": [["7", 99.5], ["1", 0.5]]})
    (tmp_path / "p.png").write_bytes(b"PNG bytes")

    with Client(server.address) as client:
        sent = client.model.classify(IDS[0], tmp_path / "p.png", epoch=2.5)
        client.model.classify(IDS[0], "/on/the/server.png")

    assert sent.predictions[0] == ("7", 99.5)
    assert b"PNG bytes" in server.requests[0][3]
    assert b'name="snapshot_epoch"\r\n\r\n2.5' in server.requests[0][3]
    assert b"image_path=%2Fon%2Fthe%2Fserver.png" in server.requests[1][3]


def test_a_sweep_is_several_jobs(server: Answering) -> None:
    jobs = [{"id": each, "name": "n", "status": "Initialized"} for each in IDS[:2]]
    server.json("/models/images/classification.json", {"jobs": jobs})

    with Client(server.address) as client:
        assert [each.id for each in client.model.create({"learning_rate": "0.1,0.01"})] == list(IDS[:2])


@pytest.mark.parametrize(
    ("given", "fit"), [("Fred", "fred"), ("0x Änna_b", "x--nna_b"), ("42", "digits"), ("a.b-c", "a.b-c")]
)
def test_the_name_on_this_machine_is_made_fit_for_digits_rule(
    monkeypatch: pytest.MonkeyPatch, given: str, fit: str
) -> None:
    monkeypatch.setenv("DIGITS_USERNAME", given)

    assert user_name() == fit


def test_a_priority_may_be_below_zero(server: Answering) -> None:
    answer = {"id": IDS[0], "name": "n", "status": "Waiting", "priority": -2, "queue_place": 4}
    server.json(f"/jobs/{IDS[0]}/priority", answer)

    queued = Client(server.address).job.priority(IDS[0], -2)

    assert (queued.priority, queued.queue_place) == (-2, 4)
    assert server.requests[-1][3] == b"priority=-2"
