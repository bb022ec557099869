"""``/datasets/<id>/verify``: is every record of a dataset what was written? The inspector reads them; the web process decodes nothing."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import JobError
from digits.core.states import JobState
from digits.web import services
from digits.web.answers import as_json
from digits.web.reading import argument, number, path_job, read_form

MAX_AGAIN = 40


async def verify(request: Request) -> Response:
    """``POST /datasets/<id>/verify``: ``state`` "running" with ``done`` records so far; "done" with what is damaged.

    Raises:
        JobError: the dataset is not finished.
    """
    await read_form(request)
    dataset = await run_in_threadpool(path_job, request, "dataset")
    if dataset.state is not JobState.DONE:
        raise JobError(f'"{dataset.name}" is {dataset.state}; a finished dataset can be verified.')
    question = {"folder": str(dataset.folder.path), "again": argument(request, "again")[:MAX_AGAIN]}
    return as_json(await services.scan(request, "/verify", question, number(request, "wait")))
