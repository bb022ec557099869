"""The lists of all jobs as JSON: ``/index.json``, ``/completed_jobs.json`` and one row of it."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response

import digits
from digits.core.errors import DigitsError
from digits.store import ListedJob
from digits.web import jobjson
from digits.web.answers import as_json, json_text, tag_of, tagged, unchanged
from digits.web.pages.hometable import KINDS, asked_list
from digits.web.site import server_name, settings, store


def index(request: Request) -> Response:
    """``GET /index.json``: all datasets and models, running first, newest first."""
    tag = _tag(request)
    known = unchanged(request, tag)
    if known is not None:
        return known
    jobs = sorted(store(request).lists.all(), key=lambda job: not job.is_running)  # stable: newest first within both
    datasets = {job.id: job for job in store(request).jobs(kind="dataset")}
    newest = store(request).newest_snapshots()
    body = {
        "version": digits.__version__,
        "jobs_dir": str(settings(request).jobs),
        "server_name": server_name(settings(request)),
        "datasets": [jobjson.created(job) for job in jobs if job.kind == "dataset"],
        "models": [
            jobjson.model(job, datasets.get(job.depends_on), newest.get(job.id)) for job in jobs if job.kind == "model"
        ],
    }
    return tagged(request, as_json(body), tag)


def completed_jobs(request: Request) -> Response:
    """``GET /completed_jobs.json``: the rows of the home page; a job is in them from the moment it exists."""
    tag = _tag(request)
    known = unchanged(request, tag)
    if known is not None:
        return known
    lists = store(request).lists
    refs = lists.refs()
    rows: dict[str, list[str]] = {"running": [], "datasets": [], "models": [], "pretrained_models": []}
    for job in lists.all():
        row = jobjson.table_row(job, refs=refs.get(job.id, 0), sparkline=_sparkline(request, job))
        rows["running" if job.is_running else f"{job.kind}s"].append(row)
    parts = [f'"{name}": [{", ".join(each)}]' for name, each in rows.items()]
    fields = sorted(name for series in lists.series() for name in jobjson.output_columns(series))
    parts.append(f'"model_output_fields": {json.dumps(fields)}')
    return tagged(request, json_text(f"{{{', '.join(parts)}}}"), tag)


def table_data(request: Request) -> Response:
    """``GET /jobs/<id>/table_data.json``: one row."""
    lists = store(request).lists
    job = lists.job(str(request.path_params["job_id"]))
    refs = lists.refs([job.id]).get(job.id, 0)
    row = jobjson.table_row(job, refs=refs, sparkline=_sparkline(request, job))
    return tagged(request, json_text(f'{{"job": {row}}}'))


def job_ids(request: Request) -> Response:
    """``GET /jobs/ids.json?tab=&q=``: the ids of all jobs of a table of the home page that the filter finds."""
    tab = request.query_params.get("tab", "2")
    if tab not in KINDS:
        raise DigitsError("tab is 1 (datasets), 2 (models) or 3 (pretrained models).")
    return tagged(request, as_json({"job_ids": store(request).lists.ids(asked_list(request, tab))}))


def _sparkline(request: Request, job: ListedJob) -> str:
    """Return the small picture of a model's loss as JSON; of those on their way only the started ones have files to look into."""
    if job.kind != "model" or not job.is_running:
        return job.spark
    return json.dumps(store(request).sparkline(job.id)) if job.started else ""


def _tag(request: Request) -> str:
    """Return the tag of a list of all jobs: it is the same as long as nothing was written."""
    return tag_of(digits.__version__, store(request).database.changes(), str(request.url))
