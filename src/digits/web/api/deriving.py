"""``POST /datasets/<id>/extend`` and ``/relabel``: a new dataset made of one, which itself stays as it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import SpecError
from digits.core.extensions import DatasetExtension
from digits.store import Job
from digits.web import deriving, formfiles, jobjson
from digits.web.answers import as_json, redirect, wants_json
from digits.web.api.create import check_dataset, submit_dataset
from digits.web.forms import parse
from digits.web.pages.datasets import show_refused
from digits.web.reading import path_job, read_form
from digits.web.site import store


async def extend(request: Request) -> Response:
    """``POST /datasets/<id>/extend``: more pictures from a source, other datasets (``merge``), other names of classes (``rename``).

    Raises:
        JobError: the dataset is not finished.
        SpecError: a field is wrong.
    """
    return await _answered(request, _extended, "extend")


async def relabel(request: Request) -> Response:
    """``POST /datasets/<id>/relabel``: ``changes``, a JSON list of ``{db, key, label}``; label null leaves the record out.

    Raises:
        JobError: the dataset is not finished.
        SpecError: a change does not fit.
    """
    return await _answered(request, _relabelled, "")


async def _answered(request: Request, make: Callable[[Request], Awaitable[Job]], form_name: str) -> Response:
    """Answer with the job that ``make`` makes; a page gets its form ``form_name`` back where that is refused."""
    try:
        job = await make(request)
    except SpecError as error:
        if not wants_json(request):
            if not form_name:
                raise
            return await run_in_threadpool(show_refused, request, form_name, error)
        return as_json({"errors": error.problems}, status=400)
    return as_json(jobjson.created(job)) if wants_json(request) else redirect(request, f"/datasets/{job.id}")


async def _extended(request: Request) -> Job:
    form = await read_form(request)
    dataset = await run_in_threadpool(path_job, request, "dataset")
    kind = deriving.kind_of(dataset)
    files = await formfiles.receive(request, kind.spec, form)
    fields = await run_in_threadpool(deriving.derived_fields, store(request), dataset, kind, form)
    if fields["method"] == [deriving.NOTHING_MORE] and not fields["rename"][0] and "," not in fields["base"][0]:
        raise SpecError({"form": ["Name more pictures, datasets to merge, or classes to rename."]})
    return await run_in_threadpool(_submitted, request, kind, fields | files)


async def _relabelled(request: Request) -> Job:
    form = await read_form(request)
    dataset = await run_in_threadpool(path_job, request, "dataset")
    kind = deriving.kind_of(dataset)
    fields = await run_in_threadpool(deriving.relabel_fields, request, dataset, kind, form)
    return await run_in_threadpool(_submitted, request, kind, fields)


def _submitted(request: Request, kind: DatasetExtension, fields: dict[str, list[str]]) -> Job:
    parsed = parse(kind.spec, fields)
    problems = parsed.problems if parsed.spec is None else check_dataset(request, kind, parsed.spec)
    if parsed.spec is None or problems:
        raise SpecError({name or "form": list(texts) for name, texts in problems.items()})
    return submit_dataset(request, kind, parsed.spec)
