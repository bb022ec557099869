"""The lists of all jobs as JSON: ``/index.json``, ``/completed_jobs.json`` and one row of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import digits
from digits.store import Job
from digits.web import jobjson
from digits.web.answers import as_json, tagged
from digits.web.reading import path_job
from digits.web.site import server_name, settings, store


def _running_first(jobs: Sequence[Job]) -> list[Job]:
    return sorted(jobs, key=lambda job: not job.is_running)  # stable: newest first within both


def index(request: Request) -> Response:
    """``GET /index.json``: all datasets and models, running first, newest first."""
    jobs = _running_first(store(request).jobs(kind=("dataset", "model")))
    datasets = {job.id: job for job in jobs if job.kind == "dataset"}
    newest = store(request).newest_snapshots()
    body = {
        "version": digits.__version__,
        "jobs_dir": str(settings(request).jobs),
        "server_name": server_name(settings(request)),
        "datasets": [jobjson.created(job) for job in datasets.values()],
        "models": [
            jobjson.model(job, datasets.get(job.depends_on), newest.get(job.id)) for job in jobs if job.kind == "model"
        ],
    }
    return tagged(request, as_json(body))


def completed_jobs(request: Request) -> Response:
    """``GET /completed_jobs.json``: the rows of the home page; a job is in them from the moment it exists."""
    jobs = store(request).jobs(kind=("dataset", "model", "pretrained_model"))
    refs = store(request).refs(job.id for job in jobs if job.kind == "dataset")
    body: dict[str, list[Any]] = {"running": [], "datasets": [], "models": [], "pretrained_models": []}
    fields: set[str] = set()
    for job in jobs:
        row = jobjson.table_row(store(request), job)
        if job.kind == "dataset":
            row["refs"] = refs[job.id]
        fields.update(name for name in row if name.endswith((") last", ") min", ") max")))
        body["running" if job.is_running else f"{job.kind}s"].append(row)
    return tagged(request, as_json(body | {"model_output_fields": sorted(fields)}))


def table_data(request: Request) -> Response:
    """``GET /jobs/<id>/table_data.json``: one row."""
    job = path_job(request)
    row = jobjson.table_row(store(request), job)
    if job.kind == "dataset":
        row["refs"] = store(request).refs([job.id])[job.id]
    return tagged(request, as_json({"job": row}))
