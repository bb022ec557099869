"""A model as JSON; a training that goes on; a snapshot that goes."""

from __future__ import annotations

import math

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import DigitsError, NotFoundError
from digits.store import Job
from digits.web import advised, jobjson
from digits.web.answers import as_json, plain, tagged
from digits.web.auth import require_owner
from digits.web.reading import path_job, read_form, whole_number
from digits.web.site import store

MAX_EPOCHS = 1_000_000


def show(request: Request) -> Response:
    """``GET /models/<id>.json``."""
    job = path_job(request, "model")
    dataset = dataset_of(request, job)
    body = jobjson.model_verbose(job, dataset, store(request).snapshots(job.id))
    steps = advised.steps_of(request, advised.training_of(request, job, dataset), job, dataset)
    return tagged(request, as_json(body | {"advice": advised.as_json(steps)}))


async def resume(request: Request) -> Response:
    """``POST /models/<id>/resume``: the same job goes on; ``train_epochs`` is its new end, counted from its beginning.

    Raises:
        JobError: it cannot go on; the words say why.
    """
    await read_form(request)
    job = await run_in_threadpool(path_job, request, "model")
    require_owner(request.state.user, job)
    epochs = whole_number(request, "train_epochs", 0, least=1, most=MAX_EPOCHS) or None
    job = await run_in_threadpool(store(request).resume, job.id, epochs=epochs, by=request.state.user)
    return as_json(jobjson.created(job))


async def drop_snapshot(request: Request) -> Response:
    """``DELETE /models/<id>/snapshots/<epoch>``: one snapshot of a training that is over."""
    job = await run_in_threadpool(path_job, request, "model")
    require_owner(request.state.user, job)
    try:
        epoch = float(request.path_params["epoch"])
    except ValueError:
        epoch = math.nan
    if not math.isfinite(epoch):
        raise DigitsError("Invalid epoch", hint="Epochs are numbers: 3, 3.4.")
    await run_in_threadpool(store(request).drop_snapshot, job.id, epoch)
    return plain("Snapshot deleted.")


def dataset_of(request: Request, job: Job) -> Job | None:
    """Return the dataset that a model is made of, None where it has gone."""
    try:
        return store(request).job(job.depends_on)
    except NotFoundError:
        return None
