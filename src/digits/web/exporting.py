"""A snapshot as a file for others: written by the inspector when somebody asks, because that needs torch, and removed once it was sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from starlette.requests import Request

from digits.store import Job, SnapshotRow
from digits.web import services

CHUNK_BYTES = 1 << 18


async def exported(request: Request, job: Job, snapshot: SnapshotRow, name: str = "") -> Path:
    """Return a file of ``snapshot`` in the spool, which the caller removes: in the format ``name``, else the framework's own of weights.

    Raises:
        ServiceError: no inspector can be had.
        RefusedByServiceError: the snapshot cannot be read, or the format cannot carry the network.
    """
    body = {"framework": job.extension, "folder": str(job.folder.path), "epoch": snapshot.epoch, "format": name}
    answer = await services.call(request, "inspect", "/export", body)
    return Path(answer["file"])


def then_remove(chunks: Iterable[bytes], path: Path | None) -> Iterator[bytes]:
    """Yield ``chunks``, and remove ``path`` when they are sent or nobody wants them any more."""
    try:
        yield from chunks
    finally:
        if path is not None:
            path.unlink(missing_ok=True)


def first_bytes(path: Path, size: int) -> Iterator[bytes]:
    """Yield exactly ``size`` bytes: a log that grows meanwhile must not pass the length that was announced."""
    with path.open("rb") as file:
        while size > 0 and (chunk := file.read(min(CHUNK_BYTES, size))):
            size -= len(chunk)
            yield chunk
