"""Sending files to a server in pieces, going on where a broken connection left off."""

from __future__ import annotations

import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from digits.client.errors import NoServerError, RefusedError
from digits.core.errors import DigitsError

if TYPE_CHECKING:
    from digits.client.client import Client

PIECE_BYTES = 8 << 20
WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Before each next try of a piece."""
_ELSEWHERE = 409

Tell = Callable[[int, int], None]
"""Told how many bytes of how many have gone; of 0 where that is not known."""


def untold(done: int, total: int, /) -> None:
    """Tell nobody."""


class Uploads:
    """``/uploads``: files on their way to a form."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def send(self, path: Path, tell: Tell = untold) -> str:
        """Send a file, or a folder as one tar archive with its relative paths, and return the upload's id.

        Raises:
            DigitsError: it cannot be read.
            NoServerError: nothing answers for long.
            RefusedError: the server does not want it.
        """
        try:
            if path.is_dir():
                return self._send_folder(path, tell)
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                pieces = _Pieces(self._client, path.name, size, lambda done: tell(done, size))
                while block := file.read(PIECE_BYTES):
                    pieces.write(block)
                return pieces.finish()
        except OSError as error:
            raise DigitsError(
                f"It cannot be read: {error.strerror or error}.", where=str(error.filename or path)
            ) from error

    def _send_folder(self, folder: Path, tell: Tell) -> str:
        pieces = _Pieces(self._client, f"{folder.resolve().name}.tar", None, lambda done: tell(done, 0))
        with tarfile.open(fileobj=pieces, mode="w|", format=tarfile.PAX_FORMAT, dereference=True) as tar:  # type: ignore[call-overload]  # it calls write alone
            tar.add(folder, folder.resolve().name)
        return pieces.finish()

    def drop(self, upload_id: str) -> None:
        """Let the server forget an upload."""
        self._client.request("DELETE", f"/uploads/{upload_id}")


class _Pieces:
    """Gathers what is written to it into pieces, and sends each."""

    def __init__(self, client: Client, name: str, size: int | None, tell: Callable[[int], None]) -> None:
        self._client, self._tell = client, tell
        self._gathered = bytearray()
        self._sent = 0
        form = {"name": name} | ({"size": size} if size is not None else {})
        self._id = str(client.parsed(client.request("POST", "/uploads", form=form))["upload_id"])

    def write(self, data: bytes, /) -> int:
        """Take some more, as a file does."""
        self._gathered += data
        while len(self._gathered) >= PIECE_BYTES:
            self._put(PIECE_BYTES)
        return len(data)

    def finish(self) -> str:
        """Send what is left, and return the upload's id."""
        if self._gathered:
            self._put(len(self._gathered))
        return self._id

    def _put(self, length: int) -> None:
        piece = bytes(self._gathered[:length])
        end = self._sent + length
        for wait_s in (*WAITS_S, None):
            try:
                query = {"offset": self._sent}
                self._client.request("PUT", f"/uploads/{self._id}", query=query, content=piece)
                break
            except NoServerError:
                if wait_s is None:
                    raise
                time.sleep(wait_s)
            except RefusedError as error:
                # A piece that arrived although its answer did not is known already: it came whole or not at all.
                if error.status != _ELSEWHERE or self._have() != end:
                    raise
                break
        self._sent = end
        del self._gathered[:length]
        self._tell(self._sent)

    def _have(self) -> int:
        return int(self._client.parsed(self._client.request("GET", f"/uploads/{self._id}"))["offset"])
