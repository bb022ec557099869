"""``/models/<id>/evaluations`` and ``/evaluations/<id>``: start an evaluation, and what it found, as JSON."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import SpecError
from digits.core.evaluationspec import EvaluationSpec
from digits.web import evaluations, jobjson
from digits.web.answers import as_json, redirect, tagged, wants_json
from digits.web.forms import parse
from digits.web.reading import path_job, read_form
from digits.web.site import store
from digits.web.snapshots import without_best


async def start(request: Request) -> Response:
    """``POST /models/<id>/evaluations``: let a snapshot of the model answer a whole database.

    Raises:
        DigitsError: the model has no such snapshot.
        SpecError: there is no such database, or it is not one for the model.
    """
    form = await read_form(request)
    model = await run_in_threadpool(path_job, request, "model")
    # A negative epoch is DIGITS' word for the newest.
    fields = {name: texts for name, texts in form.fields.items() if (name, texts) != ("snapshot_epoch", ["-1"])}
    asked = await run_in_threadpool(without_best, store(request), fields, "snapshot_epoch", model.id)
    parsed = parse(EvaluationSpec, asked)
    try:
        if parsed.spec is None:
            raise SpecError({name: list(texts) for name, texts in parsed.problems.items()})
        job = await run_in_threadpool(evaluations.start, store(request), model, parsed.spec, request.state.user)
    except SpecError as error:
        if not wants_json(request):
            raise
        return as_json({"errors": error.problems}, status=400)
    return as_json(jobjson.created(job)) if wants_json(request) else redirect(request, f"/evaluations/{job.id}")


def listed(request: Request) -> Response:
    """``GET /models/<id>/evaluations``: those of a model, newest first, with their metrics."""
    model = path_job(request, "model")
    short = ("id", "name", "status", "model_id", "dataset_id", "db", "snapshot_epoch", "count", "metrics")
    rows = [evaluations.as_json(job) for job in evaluations.of_model(store(request), model.id)]
    return tagged(request, as_json({"evaluations": [{name: row[name] for name in short} for row in rows]}))


def show(request: Request) -> Response:
    """``GET /evaluations/<id>``: state, metrics, rates of the classes and the confusion."""
    return tagged(request, as_json(evaluations.as_json(path_job(request, "evaluation"))))
