"""Classifiers made fully convolutional: of a model or of a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.jobfolder import SNAPSHOT_WEIGHTS
from digits.store import Job
from digits.web import networkview, services
from digits.web.answers import as_json
from digits.web.reading import TRAINED, argument, path_job, read_form, whole_number
from digits.web.site import store
from digits.web.snapshots import asked_epoch, choose

DEFAULT_CLASSES = 10
"""Of a classifier whose text leaves their number open; its scores do not stay."""
MAX_CLASSES = 10_000


async def of_text(request: Request) -> Response:
    """``POST /models/to-fcn``: a definition, at the sizes that the request or its dataset gives; checked with random weights."""
    await read_form(request)
    question = await networkview.question(request)
    return as_json(await convert(request, question | {"num_classes": DEFAULT_CLASSES}))


async def of_model(request: Request) -> Response:
    """``POST /models/<id>/to_fcn``: a model's definition, checked with the weights of a snapshot."""
    job = await run_in_threadpool(path_job, request, *TRAINED)
    await read_form(request)
    return as_json(await convert(request, await run_in_threadpool(question_of, request, job)))


def question_of(request: Request, job: Job) -> dict[str, Any]:
    """Return what the inspector is asked about a model: its network, its sizes, and the weights of the snapshot that is asked for.

    A model without a snapshot yet is checked with random weights.

    Raises:
        DigitsError: there is no such snapshot.
    """
    _, epoch = asked_epoch(request, job)
    snapshots = store(request).snapshots(job.id)
    weights = (
        job.folder.path / choose(snapshots, epoch).file / SNAPSHOT_WEIGHTS if snapshots or epoch is not None else ""
    )
    return networkview.question_of(request, job) | {"weights": str(weights)}


async def convert(request: Request, question: Mapping[str, Any]) -> dict[str, Any]:
    """Let the inspector make a network fully convolutional, with the skip and the classes that the request asks for.

    Raises:
        RefusedByServiceError: it cannot be made so; ``where`` is its line.
    """
    asked = {
        "skip": argument(request, "skip") or "none",
        "score_classes": whole_number(request, "num_classes", 0, most=MAX_CLASSES) or None,
    }
    return await services.call(request, "inspect", "/to-fcn", {**question, **asked})
