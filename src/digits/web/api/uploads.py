"""Big uploads: in pieces, each of which says where it belongs; after a broken connection the sender asks how much has come."""

from __future__ import annotations

import tempfile
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.store.uploads import Upload, UploadPlaceError, Uploads
from digits.web.answers import as_json, plain
from digits.web.errors import describe
from digits.web.reading import argument, read_form, whole_number
from digits.web.site import settings

_IN_MEMORY = 1 << 23
_MAX_SIZE = 1 << 50


async def begin(request: Request) -> Response:
    """``POST /uploads``: a new upload."""
    await read_form(request)
    size = whole_number(request, "size", -1, least=0, most=_MAX_SIZE)
    upload = await run_in_threadpool(
        Uploads(settings(request)).begin,
        name=argument(request, "name") or "upload", username=request.state.user, size=None if size < 0 else size,
    )  # fmt: skip
    return as_json(state(upload))


def show(request: Request) -> Response:
    """``GET /uploads/ID``: how much has come."""
    return as_json(state(_asked(request)))


async def put(request: Request) -> Response:
    """``PUT /uploads/ID?offset=N``: a piece, the body as it is; 409 with the right place where N is another."""
    upload = await run_in_threadpool(_asked, request)
    offset = whole_number(request, "offset", 0, most=_MAX_SIZE)
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as piece:
        async for chunk in request.stream():
            piece.write(chunk)
        piece.seek(0)
        try:
            await run_in_threadpool(Uploads(settings(request)).put, upload, offset, piece)
        except UploadPlaceError as error:
            return as_json({"error": describe(error)[1]} | state(upload), status=error.http_status)
    return as_json(state(upload))


def drop(request: Request) -> Response:
    """``DELETE /uploads/ID``: not wanted any more."""
    Uploads(settings(request)).drop(_asked(request))
    return plain("Upload deleted.")


def _asked(request: Request) -> Upload:
    return Uploads(settings(request)).find(str(request.path_params["upload_id"]), username=request.state.user)


def state(upload: Upload) -> dict[str, Any]:
    """Return an upload as JSON."""
    return {"upload_id": upload.id, "name": upload.name, "size": upload.size, "offset": upload.have,
            "complete": upload.is_whole}  # fmt: skip
