"""A model as JSON."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import NotFoundError
from digits.store import Job
from digits.web import jobjson
from digits.web.answers import as_json, tagged
from digits.web.reading import path_job
from digits.web.site import store


def show(request: Request) -> Response:
    """``GET /models/<id>.json``."""
    job = path_job(request, "model")
    snapshots = store(request).snapshots(job.id)
    return tagged(request, as_json(jobjson.model_verbose(job, dataset_of(request, job), snapshots)))


def dataset_of(request: Request, job: Job) -> Job | None:
    """Return the dataset that a model is made of, None where it has gone."""
    try:
        return store(request).job(job.depends_on)
    except NotFoundError:
        return None
