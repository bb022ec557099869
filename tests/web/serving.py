"""A real server in a thread, on a free port, and a client that talks HTTP to it."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn

from digits.core.settings import Settings
from digits.store import Store
from digits.web.app import create_app


@dataclass
class Serving:
    """A server that runs."""

    settings: Settings
    port: int
    client: httpx.Client
    store: Store

    @property
    def address(self) -> str:
        """What browsers call its origin."""
        return f"http://127.0.0.1:{self.port}"

    def login(self, name: str) -> None:
        """Let the client go on as ``name``."""
        answer = self.client.post("/login", data={"username": name})
        assert answer.status_code == 302, answer.text

    def json(self, path: str, **query: Any) -> Any:
        """Return the JSON of a GET that must succeed."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def raw(
        self, method: str, target: str, *, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request whose target is not tidied up on the way, as attackers do."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, target, skip_host=True)
            given = {"Host": f"127.0.0.1:{self.port}", "Content-Length": str(len(body))} | (headers or {})
            for name, value in given.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()


@contextmanager
def serving(settings: Settings) -> Iterator[Serving]:
    """Run the application until the block ends."""
    config = uvicorn.Config(create_app(settings), host="127.0.0.1", port=0, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    store = Store(settings)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
            yield Serving(settings, port, client, store)
    finally:
        store.close()
        server.should_exit = True
        thread.join(10)
