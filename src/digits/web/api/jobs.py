"""What people do to jobs of any kind: rename, group, abort, delete, clone; and what a job's state and events are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import DigitsError, JobError, NotFoundError
from digits.core.extensions import extension
from digits.store import Job
from digits.web import jobjson, modelkinds
from digits.web.answers import as_json, json_as_html, plain, redirect, tagged
from digits.web.auth import may_change, require_owner
from digits.web.reading import argument, path_job, read_form, whole_number
from digits.web.site import store

MAX_NAME_CHARACTERS = 500
MAX_NOTES_CHARACTERS = 100_000
MAX_PRIORITY = 1_000_000
PAGES = {"dataset": "datasets", "model": "models", "pretrained_model": "pretrained_models", "evaluation": "evaluations"}


def show(request: Request) -> Response:
    """``GET /jobs/<id>``: to the job's own page."""
    job = path_job(request)
    if job.kind == "health":
        return redirect(request, f"/datasets/{job.parent}/health")
    if job.kind not in PAGES:
        raise DigitsError("Invalid job type")
    return redirect(request, f"/{PAGES[job.kind]}/{job.id}")


def status(request: Request) -> Response:
    """``GET /jobs/<id>/status``: an unknown job is no error here (DIGITS' clients wait for one that way)."""
    try:
        job = path_job(request)
    except NotFoundError:
        return json_as_html({"error": "Job not found."})
    return json_as_html(jobjson.status(job))


def events(request: Request) -> Response:
    """``GET /jobs/<id>/events``: what the worker said since ``after``."""
    job = path_job(request)
    after = whole_number(request, "after", 0, most=2**53)
    following, found = store(request).events(job.id, after)
    return tagged(request, as_json({"next": following, "events": found}))


async def edit(request: Request) -> Response:
    """``PUT /jobs/<id>``: rename, or change the notes."""
    form = await read_form(request)
    job = await run_in_threadpool(path_job, request)
    require_owner(request.state.user, job)
    name = form.text("job_name").strip() if "job_name" in form.fields else None
    notes = form.text("job_notes").replace("\r\n", "\n") if "job_notes" in form.fields else None
    if name == "":
        raise DigitsError("name cannot be blank")
    if len(name or "") > MAX_NAME_CHARACTERS or len(notes or "") > MAX_NOTES_CHARACTERS:
        raise DigitsError(f"A name has at most {MAX_NAME_CHARACTERS:,} characters, notes {MAX_NOTES_CHARACTERS:,}.")
    await run_in_threadpool(store(request).edit, job.id, name=name, notes=notes)
    return plain(f"{job.title} updated.")


async def group(request: Request) -> Response:
    """``GET, POST /group``: put jobs into a group; a blank name takes them out of any."""
    ids = await _job_ids(request)
    form = await read_form(request)
    name = (form.text("group_name") or request.query_params.get("group_name", "")).strip()
    if len(name) > MAX_NAME_CHARACTERS:
        raise DigitsError(f"A group name has at most {MAX_NAME_CHARACTERS:,} characters.")
    return await _each(request, ids, lambda job: store(request).edit(job.id, group=name), "regrouped")


async def priority(request: Request) -> Response:
    """``POST /jobs/<id>/priority``: say which of the waiting jobs starts first."""
    await read_form(request)
    job = await run_in_threadpool(path_job, request)
    require_owner(request.state.user, job)
    if not argument(request, "priority").strip():
        raise DigitsError("priority is a required field")
    wanted = whole_number(request, "priority", 0, least=-MAX_PRIORITY, most=MAX_PRIORITY)
    job = await run_in_threadpool(store(request).prioritize, job.id, wanted)
    return as_json(jobjson.created(job) | {"priority": job.priority, "queue_place": job.queue_place})


async def abort(request: Request) -> Response:
    """``POST /jobs/<id>/abort``."""
    job = await run_in_threadpool(path_job, request)
    require_owner(request.state.user, job)
    await run_in_threadpool(store(request).abort, job.id)
    return plain("Job aborted.")


async def abort_many(request: Request) -> Response:
    """``POST /abort_jobs``."""
    return await _each(request, await _job_ids(request), lambda job: store(request).abort(job.id), "aborted")


async def delete(request: Request) -> Response:
    """``DELETE /jobs/<id>``: the job with its folder; not a dataset that models depend on."""
    job = await run_in_threadpool(path_job, request)
    require_owner(request.state.user, job)
    await run_in_threadpool(store(request).delete, job.id)
    return plain("Job deleted.")


async def delete_many(request: Request) -> Response:
    """``DELETE /jobs``."""
    return await _each(request, await _job_ids(request), lambda job: store(request).delete(job.id), "deleted")


def clone(request: Request) -> Response:
    """``GET, POST /clone/<id>``: to the form that makes such a job again."""
    job = path_job(request)
    if job.kind == "dataset":
        kind = extension("datasets", job.extension)
        return redirect(request, f"/datasets/{kind.route}/new?clone={quote(job.id)}")
    if job.kind == "model":
        return redirect(request, f"{modelkinds.form(store(request).job(job.depends_on))}?clone={quote(job.id)}")
    if job.kind == "pretrained_model":
        return redirect(request, f"/pretrained_models/new?clone={quote(job.id)}")
    raise DigitsError("Invalid job type")


async def _job_ids(request: Request) -> list[str]:
    form = await read_form(request)
    given = [*request.query_params.getlist("job_ids[]"), *form.all("job_ids[]"), *form.all("job_ids")]
    if not given:
        raise DigitsError("job_ids[] is a required field")
    return list(dict.fromkeys(given))


async def _each(request: Request, ids: Iterable[str], act: Callable[[Job], object], done: str) -> Response:
    """Do ``act`` to each job; what was done stays done where others fail, and the answer counts those."""
    user = request.state.user

    def work() -> list[str]:
        counts: Counter[str] = Counter()
        reasons: list[str] = []
        jobs: list[Job] = []
        for job_id in ids:
            try:
                jobs.append(store(request).job(job_id))
            except NotFoundError:
                counts["not found"] += 1
        jobs.sort(key=lambda job: job.kind == "dataset")  # models first: a dataset goes only after those made of it
        for job in jobs:
            if not may_change(user, job):
                counts[f"not permitted to be {done}"] += 1
                continue
            try:
                act(job)
            except JobError as error:
                reasons.append(error.message.rstrip(".") + f" ({job.name}).")
            except NotFoundError:  # went meanwhile
                counts["not found"] += 1
        return [f"{count} job{'s' if count != 1 else ''} {what}." for what, count in counts.items()] + reasons

    problems = await run_in_threadpool(work)
    if problems:
        raise DigitsError(" ".join(problems))
    return plain(f"Jobs {done}.")
