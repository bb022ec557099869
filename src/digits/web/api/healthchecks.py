"""``/datasets/<id>/health``: start a check, and what the newest found, as JSON."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import SpecError
from digits.core.healthspec import LISTS, HealthSpec
from digits.web import healthchecks, jobjson
from digits.web.answers import as_json, redirect, tagged, wants_json
from digits.web.forms import parse
from digits.web.reading import path_job, read_form
from digits.web.site import store
from digits.web.snapshots import without_best


async def start(request: Request) -> Response:
    """``POST /datasets/<id>/health``: queue a check; with ``model`` its predictions are held against the labels.

    Raises:
        JobError: there is nothing to check, or a check is under way.
    """
    form = await read_form(request)
    dataset = await run_in_threadpool(path_job, request, "dataset")
    fields = await run_in_threadpool(without_best, store(request), form.fields, "snapshot_epoch", form.text("model"))
    parsed = parse(HealthSpec, fields)
    try:
        if parsed.spec is None:
            raise SpecError({name: list(texts) for name, texts in parsed.problems.items()})
        job = await run_in_threadpool(healthchecks.start, store(request), dataset, parsed.spec, request.state.user)
    except SpecError as error:
        if not wants_json(request):
            raise
        return as_json({"errors": error.problems}, status=400)
    return as_json(jobjson.created(job)) if wants_json(request) else redirect(request, f"/datasets/{dataset.id}/health")


def show(request: Request) -> Response:
    """``GET /datasets/<id>/health``: ``status`` is the newest check's (null before the first); lists of the newest that is done."""
    dataset = path_job(request, "dataset")
    jobs = healthchecks.checks(store(request), dataset.id)
    done = healthchecks.newest_done(jobs)
    nothing: dict[str, Any] = {name: [] for name in LISTS} | {"imbalance": {}, "counts": {}}
    found = healthchecks.findings(done) or nothing
    newest = jobs[0] if jobs else None
    state = {
        "status": newest.state.value if newest else None,
        "id": newest.id if newest else None,
        "progress": round(newest.progress * 100, 2) if newest else 0,
        "error": newest.error.message if newest and newest.error else None,
        "found_by": done.id if done else None,
    }
    return tagged(request, as_json(state | found))
