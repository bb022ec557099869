"""Files sent in pieces to the real application, through a connection that breaks."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from digits.client import Client
from digits.client.uploads import PIECE_BYTES
from digits.core.settings import Settings
from digits.store.uploads import Uploads
from tests.web.serving import Serving, serving


@dataclass
class Breaking:
    """A way to the application that breaks at some of the pieces."""

    site: Serving
    address: str = ""
    lost: dict[int, str] = field(default_factory=dict)
    """By number of the piece: "piece" (it does not arrive) or "answer" (it does, and nobody hears of it)."""
    pieces: int = 0

    def kept(self, upload_id: str) -> bytes:
        """What has come of an upload."""
        return Uploads(self.site.settings).find(upload_id, username="ana").data.read_bytes()


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Breaking]:
    with serving(Settings(root=tmp_path / "root", min_free_disk_bytes=0)) as site:
        found = Breaking(site)

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                found.pieces += self.command == "PUT"
                lost = found.lost.pop(found.pieces, "") if self.command == "PUT" else ""
                if lost == "piece":
                    return
                headers = {name: self.headers[name] for name in ("Cookie", "Content-Type") if name in self.headers}
                url = f"http://127.0.0.1:{site.port}{self.path}"
                answer = httpx.request(self.command, url, content=body, headers=headers, trust_env=False)
                if lost == "answer":
                    return
                self.send_response(answer.status_code)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_POST = do_PUT

            def log_message(self, *args: object) -> None:
                pass

        proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        found.address = f"http://127.0.0.1:{proxy.server_port}"
        threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
        yield found
        proxy.shutdown()
        proxy.server_close()


def test_a_file_arrives_whole_although_a_piece_and_an_answer_are_lost(way: Breaking, tmp_path: Path) -> None:
    data = bytes(range(251)) * (2 * PIECE_BYTES // 251 + 1)
    (tmp_path / "pictures.tar").write_bytes(data)
    way.lost = {2: "piece", 4: "answer"}
    told: list[tuple[int, int]] = []

    with Client(way.address, username="ana") as client:
        sent = client.uploads.send(tmp_path / "pictures.tar", lambda done, total: told.append((done, total)))

    assert way.kept(sent) == data
    assert told == [(PIECE_BYTES, len(data)), (2 * PIECE_BYTES, len(data)), (len(data), len(data))]


def test_a_folder_goes_as_one_archive_with_its_paths(way: Breaking, tmp_path: Path) -> None:
    (tmp_path / "zoo" / "кошка").mkdir(parents=True)
    (tmp_path / "zoo" / "кошка" / ("long " * 30 + ".png")).write_bytes(b"picture")

    with Client(way.address, username="ana") as client:
        sent = client.uploads.send(tmp_path / "zoo")

    with tarfile.open(fileobj=io.BytesIO(way.kept(sent))) as tar:
        files = {each.name: tar.extractfile(each).read() for each in tar if each.isfile()}  # type: ignore[union-attr]  # all are files
    assert files == {f"zoo/кошка/{'long ' * 30}.png": b"picture"}
