"""An archive of pictures that came with a test: its pictures, in files of our own naming that go after a day, as a set."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from digits.core.errors import DataError, DigitsError
from digits.data.archive.extract import extract
from digits.data.archive.kinds import HEAD_BYTES as ARCHIVE_HEAD_BYTES
from digits.data.archive.kinds import kind_of_head
from digits.data.archive.members import Member, open_archive
from digits.data.sniff import HEAD_BYTES, is_picture
from digits.store import Job, SnapshotRow
from digits.web.classifying import Chunk, Refused, shown
from digits.web.imagelist import UNLABELLED
from digits.web.reading import CHUNK_BYTES, spool_folder, whole_number
from digits.web.site import settings

MAX_PICTURES = 100_000
MAX_BYTES = 8 << 30
"""Of all pictures together."""
MAX_PICTURE_BYTES = 1 << 30
_HIDDEN = (b".", b"__MACOSX")


@dataclass(frozen=True)
class Unpacked:
    """The pictures of an archive: where each lies, what the archive calls it, and its class id, -1 where its folder names none."""

    paths: Sequence[Path]
    names: Sequence[str]
    truth: Sequence[int]
    refused: Sequence[Refused] = ()

    def __len__(self) -> int:
        return len(self.paths)

    def chunk(self, start: int, stop: int) -> Chunk:
        """See ``PictureSet.chunk``."""
        chunk = Chunk(refused=list(self.refused) if start == 0 else [])
        for place in range(start, min(stop, len(self))):
            chunk.add(place, self.names[place], self.truth[place])
        chunk.question = {"paths": [str(path) for path in self.paths[start:stop]]}
        return chunk

    async def picture(self, request: Request, job: Job, snapshot: SnapshotRow, place: int) -> str:
        """See ``PictureSet.picture``."""
        return await shown(request, job, snapshot, str(self.paths[place]))


def is_archive(request: Request) -> bool:
    """Return whether what came as ``image_list`` is an archive, by its first bytes."""
    upload = request.state.form.file("image_list")
    if upload is None:
        return False
    upload.file.seek(0)
    return kind_of_head(upload.file.read(ARCHIVE_HEAD_BYTES)) is not None


def unpack(request: Request, labels: Sequence[str]) -> Unpacked:
    """Return the pictures of the archive that came as ``image_list``; a picture's class is the folder that it lies in, if the model knows it.

    Raises:
        DigitsError: it holds no picture, or too many.
        DataError: it is damaged.
    """
    folder = spool_folder(settings(request)) / f"archive-{secrets.token_hex(16)}"
    folder.mkdir(mode=0o700)
    place = folder / "archive"
    upload = request.state.form.file("image_list")
    assert upload is not None
    upload.file.seek(0)
    with place.open("xb") as out:
        while piece := upload.file.read(CHUNK_BYTES):
            out.write(piece)
    most = whole_number(request, "num_test_images", 0) or MAX_PICTURES
    try:
        return _unpack(place, folder, {label: number for number, label in enumerate(labels)}, most)
    finally:
        place.unlink(missing_ok=True)
        (folder / "archive.tar").unlink(missing_ok=True)


def _unpack(place: Path, folder: Path, ids: dict[str, int], most: int) -> Unpacked:
    archive = open_archive(place, folder, stop=lambda: False)
    paths: list[Path] = []
    names: list[str] = []
    truth: list[int] = []
    refused: list[Refused] = []
    total = 0
    for member in archive.members():
        if _is_hidden(member):
            continue
        name = member.name.decode("utf-8", "replace")
        try:
            if member.problem is None and not is_picture(archive.read(member.place, min(HEAD_BYTES, member.size))):
                continue  # a list, a text
            if len(paths) == min(most, MAX_PICTURES):
                break
            total += member.size
            if total > MAX_BYTES:
                raise DigitsError(
                    f"The archive's pictures have more than {MAX_BYTES:,} bytes.", hint="Send it in parts."
                )
            path = folder / f"{len(paths):06d}"
            extract(archive, member, path, max_bytes=MAX_PICTURE_BYTES)
        except DataError as error:
            refused.append(Refused(name, error.message))
            continue
        paths.append(path)
        names.append(name)
        truth.append(ids.get(_folder(member), UNLABELLED))
    if not paths:
        raise DigitsError(
            "The archive holds no picture.", hint="Pack the pictures, alone or with a folder for each class."
        )
    return Unpacked(paths, names, truth, refused)


def _is_hidden(member: Member) -> bool:
    return any(part.startswith(_HIDDEN) for part in member.parts)


def _folder(member: Member) -> str:
    return member.parts[-2].decode("utf-8", "replace") if len(member.parts) > 1 else ""
