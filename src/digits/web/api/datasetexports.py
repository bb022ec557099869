"""``POST /datasets/<id>/export``: write a dataset as files that other programs read."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import SpecError
from digits.core.exportspec import ExportSpec
from digits.web import datasetexports, jobjson
from digits.web.answers import as_json, redirect, wants_json
from digits.web.forms import parse
from digits.web.pages.datasets import show_refused
from digits.web.reading import path_job, read_form
from digits.web.site import settings, store


async def start(request: Request) -> Response:
    """``POST /datasets/<id>/export``: ``format``, ``path`` and ``overwrite``; answers the job that writes.

    Raises:
        JobError: the dataset is not finished.
        SpecError: a field is wrong.
    """
    form = await read_form(request)
    dataset = await run_in_threadpool(path_job, request, "dataset")
    parsed = parse(ExportSpec, form.fields)
    try:
        if parsed.spec is None:
            raise SpecError({name: list(texts) for name, texts in parsed.problems.items()})
        own = settings(request)
        job = await run_in_threadpool(
            datasetexports.start, store(request), own, dataset, parsed.spec, request.state.user
        )
    except SpecError as error:
        if not wants_json(request):
            return await run_in_threadpool(show_refused, request, "export", error)
        return as_json({"errors": error.problems}, status=400)
    return (
        as_json(jobjson.created(job)) if wants_json(request) else redirect(request, f"/datasets/{dataset.id}#exports")
    )
