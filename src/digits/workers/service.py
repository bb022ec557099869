"""A process kept warm that answers questions over HTTP on 127.0.0.1, to those who can read its token.

``ready.json`` in the service's folder (readable by its owner alone) says port and token once it can answer; ``failed.json`` says
in words why it could not start. Bodies and answers are JSON; pictures pass as paths of files below the spool.
An error is answered as ``{"error": {"message", "where", "hint", "rule"}}`` with its status.
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import secrets
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from digits.core import platform
from digits.core.errors import DigitsError, NotFoundError
from digits.core.files import write_json
from digits.workers.job import failure

MAX_BODY_BYTES = 64_000_000  # a list of 100,000 paths is 10 MB
DRAIN_S = 10.0  # for answers in the making when asked to leave
LOOK_S = 0.5

Question = dict[str, Any]
Handler = Callable[[Question], dict[str, Any]]
_log = logging.getLogger(__name__)


def run_service(folder: Path, setup: Callable[[], Mapping[str, Handler]], idle_s: float) -> int:
    """Set up, serve until idle or asked to leave, and return the exit code; a failing ``setup`` is told in ``failed.json``."""
    os.umask(0o077)
    try:
        handlers = setup()
    except Exception as error:
        traceback.print_exc()
        write_json(folder / "failed.json", failure(error).model_dump(include={"message", "where", "hint", "trace"}))
        return 1
    serve(folder, handlers, idle_s)
    return 0


def serve(folder: Path, handlers: Mapping[str, Handler], idle_s: float) -> None:
    """Answer until nobody has asked for ``idle_s`` seconds, SIGTERM comes, or the folder is taken away."""
    server = _Server(handlers)
    leave = threading.Event()
    platform.on_stop(leave.set)
    write_json(
        folder / "ready.json",
        {"port": server.server_address[1], "token": server.token, "pid": os.getpid()},
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    while not leave.wait(LOOK_S):
        if server.idle_s() > idle_s or not (folder / "ready.json").exists():
            break
    server.shutdown()
    deadline = time.monotonic() + DRAIN_S
    while server.num_active and time.monotonic() < deadline:
        time.sleep(0.01)
    server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.handlers = handlers
        self.token = secrets.token_urlsafe(32)
        self.num_active = 0
        self._lock = threading.Lock()
        self._last_s = time.monotonic()

    def idle_s(self) -> float:
        """Return how long ago the last answer was given; 0 while one is in the making."""
        with self._lock:
            return 0.0 if self.num_active else time.monotonic() - self._last_s

    def count(self, step: int) -> None:
        """Count a request that begins (1) or ends (-1)."""
        with self._lock:
            self.num_active += step
            self._last_s = time.monotonic()


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else an answer in two packets waits 40 ms for the other side
    wbufsize = -1
    timeout = 60  # an idle connection gives its thread back
    server: _Server

    def do_POST(self) -> None:
        self.server.count(1)
        try:
            status, answer = self._answer()
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
        except ConnectionError:
            self.close_connection = True  # nobody waits for the answer any more
        finally:
            self.server.count(-1)

    def _answer(self) -> tuple[int, dict[str, Any]]:
        try:
            size = int(self.headers.get("Content-Length", ""))
        except ValueError:
            size = -1
        if not 0 <= size <= MAX_BODY_BYTES:
            self.close_connection = True
            return _error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A question has 0 to {MAX_BODY_BYTES} bytes.")
        body = self.rfile.read(size)
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.server.token.encode()):
            return _error(HTTPStatus.UNAUTHORIZED, "This needs the token of the service.")
        handler = self.server.handlers.get(self.path)
        if handler is None:
            return _error(HTTPStatus.NOT_FOUND, f"There is no {self.path} here.")
        try:
            question = json.loads(body)
        except ValueError:
            return _error(HTTPStatus.BAD_REQUEST, "The question is no JSON.")
        if not isinstance(question, dict):
            return _error(HTTPStatus.BAD_REQUEST, "The question is no JSON object.")
        return _ask(handler, question)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        _log.debug(format, *args)


def _ask(handler: Handler, question: Question) -> tuple[int, dict[str, Any]]:
    try:
        return HTTPStatus.OK, handler(question)
    except DigitsError as error:
        status = HTTPStatus.NOT_FOUND if isinstance(error, NotFoundError) else error.http_status
        return _error(status, error.message, error.where, error.hint, getattr(error, "rule", ""))
    except Exception as error:
        traceback.print_exc()
        said = failure(error)
        return _error(HTTPStatus.INTERNAL_SERVER_ERROR, said.message, said.where, said.hint)


def _error(status: int, message: str, where: str = "", hint: str = "", rule: str = "") -> tuple[int, dict[str, Any]]:
    return status, {"error": {"message": message, "where": where, "hint": hint, "rule": rule}}
