"""A look at what a training's augmentation makes of the pictures of a dataset."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import DigitsError, NotFoundError
from digits.core.trainspec import TrainSpec
from digits.web import services
from digits.web.answers import as_json
from digits.web.forms import parse_part
from digits.web.reading import Form, read_form, whole_number
from digits.web.site import store


async def preview(request: Request) -> Response:
    """``POST /models/augmentation-preview``: pictures of a dataset, each as it is and in versions that a training might see."""
    form = await read_form(request)
    spec, problems = parse_part(TrainSpec, "augmentation", form.fields)
    if spec is None:
        return as_json({"errors": problems}, status=HTTPStatus.BAD_REQUEST)
    dataset = await run_in_threadpool(_dataset, request, form)
    question = dataset | {
        "augmentation": spec.model_dump(mode="json"),
        "crop_px": whole_number(request, "crop_size", 0),
        "seed": whole_number(request, "seed", 0),
    }
    return as_json(await services.call(request, "inspect", "/augmentation", question))


def _dataset(request: Request, form: Form) -> dict[str, Any]:
    job = store(request).job(form.text("dataset", ""))
    if job.kind != "dataset":
        raise NotFoundError("Unknown dataset job_id")
    if not job.facts.get("dbs", {}).get("train", {}).get("entries"):
        raise DigitsError("The dataset has no training pictures yet.")
    return {"extension": job.extension, "folder": str(job.folder.path)}
