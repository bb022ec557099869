"""Files on their way in: sent in pieces, gone on with after a broken connection, and taken by the job that is made of them.

<root>/uploads/<id>/
  about.json   what the sender said of it          data   what has come so far
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from digits.core.errors import DigitsError, NotFoundError, SetupError
from digits.core.files import read_json, sync_folder, write_json
from digits.core.settings import Settings

UPLOAD_ID = re.compile(r"[0-9a-f]{32}")
KEPT_S = 24 * 3600.0
"""An upload that nobody went on with or took for this long is removed."""
_MAX_NAME = 500


class UploadPlaceError(DigitsError):
    """A piece begins where the upload does not end; ``have`` says how much has come."""

    code = "upload-place"
    http_status = 409

    def __init__(self, have: int) -> None:
        super().__init__(f"{have:,} bytes have come so far.", hint=f"Go on with offset={have}.")
        self.have = have


@dataclass(frozen=True)
class Upload:
    """One file, whole or on its way."""

    id: str
    folder: Path
    name: str
    """What the sender called it: to be shown, never to be used as a path."""
    size: int | None
    """Bytes when whole, where the sender said so."""
    username: str

    @property
    def data(self) -> Path:
        """Where its bytes lie."""
        return self.folder / "data"

    @property
    def have(self) -> int:
        """Bytes that have come."""
        return self.data.stat().st_size

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return self.size is None or self.have == self.size


class Uploads:
    """All uploads of a server; any number of processes may use one folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.root / "uploads"

    def begin(self, *, name: str, username: str, size: int | None = None) -> Upload:
        """Return a new, empty upload.

        Raises:
            SetupError: the disk has no room for it.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sweep()
        self._check_room(size or 0)
        folder = self._folder / secrets.token_hex(16)
        folder.mkdir(mode=0o700)
        (folder / "data").touch()
        write_json(folder / "about.json", {"name": name[:_MAX_NAME], "size": size, "username": username})
        return self.find(folder.name, username=username)

    def find(self, upload_id: str, *, username: str) -> Upload:
        """Return an upload of ``username``.

        Raises:
            NotFoundError: there is none of that id, or it is somebody else's.
        """
        folder = self._folder / upload_id
        if UPLOAD_ID.fullmatch(upload_id):
            try:
                about = read_json(folder / "about.json")
            except (OSError, ValueError):
                about = None
            if about and about["username"] == username:
                return Upload(upload_id, folder, about["name"], about["size"], username)
        raise NotFoundError("Upload not found", hint="It may have been left for a day, and removed. Send it again.")

    def put(self, upload: Upload, offset: int, piece: IO[bytes]) -> Upload:
        """Add a piece at ``offset``, which is where the upload ends, and return the upload.

        Raises:
            UploadPlaceError: the upload ends elsewhere.
            DigitsError: there would be more than was announced.
            SetupError: the disk is full.
        """
        with upload.data.open("r+b") as out:
            have = out.seek(0, os.SEEK_END)
            if have != offset:
                raise UploadPlaceError(have)
            try:
                while block := piece.read(1 << 20):
                    if upload.size is not None and have + len(block) > upload.size:
                        raise DigitsError(f"More than the {upload.size:,} bytes that were announced.")
                    self._check_room(len(block))
                    have += out.write(block)
            except BaseException:
                out.truncate(offset)  # a piece comes whole or not at all
                raise
            out.flush()
            os.fsync(out.fileno())
        return upload

    def take(self, upload: Upload, place: Path) -> None:
        """Move a whole upload to ``place``; it is none afterwards.

        Raises:
            DigitsError: a part of it is missing.
        """
        if not upload.is_whole:
            raise DigitsError(
                f"Of {upload.name!r} only {upload.have:,} of {upload.size:,} bytes have come.",
                hint="Send the rest first.",
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(upload.data, place)
        sync_folder(place.parent)
        self.drop(upload)

    def drop(self, upload: Upload) -> None:
        """Remove an upload."""
        shutil.rmtree(upload.folder, ignore_errors=True)

    def _check_room(self, size: int) -> None:
        free = shutil.disk_usage(self._folder).free
        if free - size < self._settings.min_free_disk_bytes:
            raise SetupError(
                f"The disk has {free:,} bytes left, too few for {size:,} more.",
                hint="Make room on the server, or give a path there instead of an upload.",
            )

    def _sweep(self) -> None:
        """Remove what was left."""
        for folder in self._folders():
            try:
                if time.time() - (folder / "data").stat().st_mtime > KEPT_S:
                    shutil.rmtree(folder, ignore_errors=True)
            except OSError:
                continue

    def _folders(self) -> Iterator[Path]:
        return (folder for folder in self._folder.iterdir() if UPLOAD_ID.fullmatch(folder.name))
