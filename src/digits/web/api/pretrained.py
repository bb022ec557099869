"""``/pretrained_models``: kept models that were trained elsewhere, or here before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path, PurePath

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.modelinfo import InfoError
from digits.core.pretrainedspec import PretrainedForm
from digits.store.uploads import Uploads
from digits.web import formfiles, jobjson, pretrained
from digits.web.answers import as_json, redirect, wants_json
from digits.web.dispatch import handler
from digits.web.errors import describe
from digits.web.fields import form_view
from digits.web.forms import parse
from digits.web.reading import argument, path_job, read_form, spooled
from digits.web.site import settings, store
from digits.web.snapshots import asked_epoch, choose

LIST = "/?tab=3"


async def create(request: Request) -> Response:
    """``POST /pretrained_models/new``: weights, definition and labels become a pretrained model; a bad form is shown again."""
    form = await read_form(request)
    fields = form.fields | await formfiles.receive(request, PretrainedForm, form)
    parsed = parse(PretrainedForm, fields)
    problems = {
        name: ["Missing job name"] if name == "job_name" and not form.text(name).strip() else texts
        for name, texts in parsed.problems.items()
    }
    files = formfiles.FormFiles.of(request)
    if parsed.spec is not None:
        found, wrong = files.found(parsed.spec)
        names = {name: each.name for name, each in files.chosen(form_view(PretrainedForm, fields)).items()}
        problems = wrong or await run_in_threadpool(pretrained.check, parsed.spec, found, names, settings(request))
    if parsed.spec is None or problems:
        if wants_json(request):
            return as_json({"errors": problems}, status=HTTPStatus.BAD_REQUEST)
        view = form_view(PretrainedForm, fields, problems, submitted=True)
        page = handler("pages", "pretrained:form_page")
        return await run_in_threadpool(page, request, view, status=HTTPStatus.BAD_REQUEST)
    job = await run_in_threadpool(pretrained.of_form, store(request), files, parsed.spec)
    return as_json(jobjson.created(job)) if wants_json(request) else redirect(request, LIST)


async def upload_archive(request: Request) -> Response:
    """``POST /pretrained_models/upload_archive``: a downloaded model comes back; ``status`` is "success", or what is wrong."""
    form = await read_form(request)
    try:
        async with _archive(request) as (path, name):
            if path is None:
                raise InfoError("Incorrect Archive Type", hint="Send a file as `archive`.")
            job = await run_in_threadpool(pretrained.of_archive, store(request), path, request.state.user, name=name)
    except InfoError as error:
        if form.text("from_page"):
            page = handler("pages", "pretrained:form_page")
            return await run_in_threadpool(
                page, request, form_view(PretrainedForm), archive_problem=str(error), status=HTTPStatus.BAD_REQUEST
            )
        return as_json({"status": error.message} | {"error": describe(error)[1]}, status=HTTPStatus.BAD_REQUEST)
    if form.text("from_page"):
        return redirect(request, LIST)
    return as_json({"status": "success"} | jobjson.created(job) | {"status": "success"})


@asynccontextmanager
async def _archive(request: Request) -> AsyncIterator[tuple[Path | None, str]]:
    """Give the archive that came with the form, or in pieces before it; and its name."""
    sent, upload_id = request.state.form.file("archive"), argument(request, "archive_upload")
    if sent is not None:
        async with spooled(request, sent) as path:
            yield path, PurePath(sent.filename or "").name
    elif upload_id:
        uploads = Uploads(settings(request))
        upload = uploads.find(upload_id.removeprefix("upload:"), username=request.state.user)
        if not upload.is_whole:
            raise InfoError("Incorrect Archive Type", hint=f"Only {upload.have:,} of {upload.size:,} bytes have come.")
        yield upload.data, PurePath(upload.name).name
        uploads.drop(upload)
    else:
        yield None, ""


async def of_model(request: Request) -> Response:
    """``GET, POST /models/<id>/to_pretrained``: keep a snapshot as a pretrained model."""
    await read_form(request)
    job = await run_in_threadpool(path_job, request, "model")
    _, epoch = await run_in_threadpool(asked_epoch, request, job)
    snapshot = choose(await run_in_threadpool(store(request).snapshots, job.id), epoch)
    made = await run_in_threadpool(pretrained.of_model, store(request), job, snapshot, request.state.user)
    return as_json(jobjson.created(made)) if wants_json(request) else redirect(request, LIST)


def show(request: Request) -> Response:
    """``GET /pretrained_models/<id>.json``."""
    job = path_job(request, "pretrained_model")
    snapshots = store(request).snapshots(job.id)
    body = jobjson.model(job, None, snapshots[-1] if snapshots else None)
    return as_json(body | {"directory": str(job.folder.path), "labels": job.facts.get("labels", [])})
