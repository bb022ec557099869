"""A classifier made fully convolutional: the table of its factors, the proof of its equality, and the way into the form of a model."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.extensions import installed
from digits.web import jobjson, services
from digits.web.answers import render
from digits.web.api.fcn import convert, question_of
from digits.web.networkview import lines_around
from digits.web.reading import TRAINED, argument, path_job
from digits.web.site import store
from digits.web.snapshots import asked_epoch, choose

SKIPS = {
    "none": "None: enlarged in one step",
    "16s": "16s: with scores of the map at 1/16",
    "8s": "8s: with those at 1/16 and 1/8",
}


async def show(request: Request) -> Response:
    """``GET /models/<id>/to_fcn``: what the model becomes with the skip and the classes that are asked for, or why it cannot."""
    job = await run_in_threadpool(path_job, request, *TRAINED)
    question = await run_in_threadpool(question_of, request, job)
    found, error, lines = None, None, []
    try:
        found = await convert(request, question)
    except services.RefusedByServiceError as refused:
        error, lines = refused, lines_around(str(question["text"]), refused.where)
    snapshots = await run_in_threadpool(lambda: store(request).snapshots(job.id))
    weights = ""
    if snapshots:
        _, epoch = await run_in_threadpool(asked_epoch, request, job)
        weights = str(job.folder.path / jobjson.snapshot_name(choose(snapshots, epoch), job.framework))
    forms = [each.model_form for each in installed("datasets").values() if each.target_kind == "mask"]
    return render(
        request,
        "models/fcn.html",
        job=job,
        found=found,
        error=error,
        lines=lines,
        skips=list(SKIPS.items()),
        skip=argument(request, "skip") or "none",
        num_classes=argument(request, "num_classes"),
        weights=weights,
        framework=question["framework"],
        forms=forms[:1],
    )
