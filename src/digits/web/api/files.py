"""Files below the jobs folder, and the server's paths for those who type one."""

from __future__ import annotations

import os
import re
from heapq import nsmallest
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from digits.core.errors import DigitsError, NotFoundError
from digits.core.jobfolder import JOB_ID
from digits.web import jobjson
from digits.web.answers import json_as_html
from digits.web.exporting import exported, first_bytes, then_remove
from digits.web.paths import is_allowed
from digits.web.site import settings, store
from digits.web.snapshots import FILE_NAME

# What a browser may show by itself; everything else is a download, whatever its content.
INLINE = {
    ".txt": "text/plain; charset=utf-8", ".log": "text/plain; charset=utf-8", ".prototxt": "text/plain; charset=utf-8",
    ".py": "text/plain; charset=utf-8", ".jsonl": "text/plain; charset=utf-8", ".json": "application/json", ".png": "image/png", ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}  # fmt: skip
GROWING = frozenset({".log", ".txt", ".jsonl", ".csv"})  # a worker may append while they are sent
MAX_SUGGESTIONS = 200
MAX_ENTRIES = 100_000


async def file(request: Request) -> Response:
    """``GET /files/<job id>/<path>``: a job's file; a snapshot also under the name that DIGITS gave it."""
    asked: str = request.path_params["path"]
    job_id, _, inner = asked.partition("/")
    if not JOB_ID.fullmatch(job_id):
        raise NotFoundError("There is no such file.")
    job = await run_in_threadpool(store(request).job, job_id)
    named = FILE_NAME.fullmatch(inner)
    if named:
        rows = await run_in_threadpool(store(request).snapshots, job_id)
        snapshot = next((row for row in rows if jobjson.snapshot_name(row, job.framework) == inner), None)
        if snapshot is None:
            raise NotFoundError("There is no such file.")
        weights = await exported(request, job, snapshot)
        size = weights.stat().st_size
        headers = {"Content-Length": str(size), "Content-Disposition": f'attachment; filename="{inner}"'}
        return StreamingResponse(
            then_remove(first_bytes(weights, size), weights), headers=headers, media_type="application/octet-stream"
        )
    return await run_in_threadpool(_below, job.folder.path, inner)


def _below(folder: Path, inner: str) -> Response:
    """Answer the file ``inner`` of ``folder``, if it lies there once every link is followed."""
    try:
        path = (folder / inner).resolve(strict=True)
        hidden = any(part.startswith(".") for part in Path(inner).parts)
        if hidden or not path.is_relative_to(folder.resolve(strict=True)) or not path.is_file():
            raise NotFoundError("There is no such file.")
        size = path.stat().st_size
    except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL, a loop of links
        raise NotFoundError("There is no such file.") from error
    kind = INLINE.get(path.suffix.lower())
    disposition = "inline" if kind else "attachment"
    if path.suffix.lower() not in GROWING:
        return FileResponse(
            path,
            media_type=kind or "application/octet-stream",
            filename=path.name,
            content_disposition_type=disposition,
        )
    headers = {"Content-Length": str(size), "Content-Disposition": f'{disposition}; filename="{_ascii(path.name)}"'}
    return StreamingResponse(first_bytes(path, size), headers=headers, media_type=kind or "text/csv; charset=utf-8")


def _ascii(name: str) -> str:
    return re.sub(r'[^\x20-\x7e]|["\\]', "_", name)


def autocomplete(request: Request) -> Response:
    """``GET /autocomplete/path``: the server's paths that begin with ``query``, sorted."""
    query = request.query_params.get("query")
    if query is None:
        raise DigitsError("query is a required field")
    if not query.startswith("/"):
        query = "/" + query
    return json_as_html({"suggestions": _suggestions(query, settings(request).data_roots)})


def _suggestions(query: str, roots: tuple[Path, ...]) -> list[str]:
    folder, _, beginning = query.rpartition("/")
    try:
        with os.scandir(folder or "/") as entries:
            names = [
                entry.name
                for _, entry in zip(range(MAX_ENTRIES), entries, strict=False)
                if entry.name.startswith(beginning) and (beginning.startswith(".") or not entry.name.startswith("."))
            ]
    except (OSError, ValueError):
        return []
    paths = (f"{folder}/{name}" for name in nsmallest(MAX_SUGGESTIONS, names))
    return [path for path in paths if not roots or is_allowed(Path(path), roots, parents=True)]
