"""The trained model as one file in a format that other programs read."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from digits.core.errors import DigitsError, NotFoundError
from digits.core.extensions import FrameworkExtension, extension
from digits.web.exporting import exported, first_bytes, then_remove
from digits.web.reading import TRAINED, path_job
from digits.web.site import store
from digits.web.snapshots import asked_epoch, choose


async def export(request: Request) -> Response:
    """``GET /models/<id>/export/<format>?epoch=``: a file that is written now, of the newest snapshot where no epoch is given."""
    name = str(request.path_params["format"])
    job = await run_in_threadpool(path_job, request, *TRAINED)
    framework: FrameworkExtension = extension("frameworks", job.extension)
    if name not in framework.exports:
        known = ", ".join(framework.exports) or "none"
        raise DigitsError(f"The model has no export format {name[:40]!r}.", hint=f"Its formats: {known}.")
    _, epoch = await run_in_threadpool(asked_epoch, request, job)
    try:
        snapshot = choose(await run_in_threadpool(store(request).snapshots, job.id), epoch)
    except DigitsError as error:
        raise NotFoundError(error.message, hint=error.hint) from error
    file = await exported(request, job, snapshot, name)
    suffix = file.name.partition(".")[2]
    size = file.stat().st_size
    headers = {
        "Content-Length": str(size),
        "Content-Disposition": f'attachment; filename="{job.id}_epoch_{snapshot.epoch:g}.{suffix}"',
    }
    chunks = then_remove(first_bytes(file, size), file)
    return StreamingResponse(chunks, headers=headers, media_type="application/octet-stream")
