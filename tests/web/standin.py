"""A service that answers as told, over the real protocol: for what a real one does only when it breaks.

The real inference worker and inspector are asked in ``test_tutorial``.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from digits.store import Store

Answer = Callable[[str, dict[str, Any]], tuple[int, dict[str, Any]]]
TOKEN = "token-of-the-stand-in"


@contextmanager
def service(store: Store, kind: str, answer: Answer, *, job_id: str = "", epoch: float = 0.0) -> Iterator[list[Any]]:
    """Stand in for a service of ``kind`` until the block ends; gives the list of (path, question) that it was asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                status, body = 401, {"error": {"message": "This needs the token of the service."}}
            else:
                asked.append((self.path, question))
                status, body = answer(self.path, question)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    row = store.ask_service(kind, job_id, epoch or None)  # type: ignore[arg-type]  # a Literal
    store.services.set(row.id, "ready", address=f"127.0.0.1:{server.server_address[1]}", token=TOKEN)
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
