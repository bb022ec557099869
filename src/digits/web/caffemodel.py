"""A snapshot as Caffe's own file: converted by the inspector when somebody asks, because snapshots are kept as safetensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from starlette.requests import Request

from digits.store import Job, SnapshotRow
from digits.web import services


async def caffemodel(request: Request, job: Job, snapshot: SnapshotRow) -> Path:
    """Return a ``.caffemodel`` file of ``snapshot`` in the spool; the caller removes it.

    Raises:
        ServiceError: no inspector can be had.
        RefusedByServiceError: the snapshot cannot be read.
    """
    body = {"folder": str(job.folder.path), "epoch": snapshot.epoch}
    answer = await services.call(request, "inspect", "/caffemodel", body)
    return Path(answer["file"])


def then_remove(chunks: Iterable[bytes], path: Path) -> Iterator[bytes]:
    """Yield ``chunks``, and remove ``path`` when they are sent or nobody wants them any more."""
    try:
        yield from chunks
    finally:
        path.unlink(missing_ok=True)
