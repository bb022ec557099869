"""A dataset as JSON: itself, its records, the pictures it left out; and its summary beside the model form."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from digits.core.errors import DigitsError
from digits.core.tables import harmless
from digits.web import browse, jobjson
from digits.web.answers import as_json, render, tagged
from digits.web.auth import require_owner
from digits.web.boxes import stored_boxes
from digits.web.pages.datasetfacts import floor_of
from digits.web.reading import argument, asked_job, path_job, read_form, whole_number
from digits.web.site import link, store

MAX_REFUSED = 10_000


def show(request: Request) -> Response:
    """``GET /datasets/<id>.json``."""
    job = path_job(request, "dataset")
    return tagged(request, as_json(jobjson.dataset(job, store(request).tasks(job.id))))


async def resume(request: Request) -> Response:
    """``POST /datasets/<id>/resume``: the same job goes on; shards that are whole are not made again.

    Raises:
        JobError: it cannot go on; the words say why.
    """
    await read_form(request)
    job = await run_in_threadpool(path_job, request, "dataset")
    require_owner(request.state.user, job)
    job = await run_in_threadpool(store(request).resume, job.id, by=request.state.user)
    return as_json(jobjson.created(job))


def summary(request: Request) -> Response:
    """``GET /datasets/summary``: a fragment of a few lines."""
    job = asked_job(request, "dataset")
    return tagged(
        request,
        render(request, "datasets/_summary.html", job=job, shape=jobjson.picture_shape(job), floor=floor_of(job)),
    )


def explore(request: Request) -> Response:
    """``GET /datasets/<kind>/explore.json``: a page of records."""
    page = asked_page(request)
    items: list[dict[str, Any]] = [
        {"key": item.key, "label": item.label, "path": item.path, "url": link(request, item.url)} for item in page.items
    ]
    boxed = stored_boxes(asked_job(request, "dataset"), page.db, [item.index for item in page.items])
    for item, each in zip(items, boxed, strict=False):
        item["boxes"] = [box.as_json() for box in each.boxes]
    body = {"total": page.total, "page": page.page, "size": page.size, "items": items, "counts": page.counts}
    return tagged(request, as_json(body | {"db": page.db, "labels": page.labels}))


def asked_page(request: Request) -> browse.Browse:
    """Return the page of records that the query asks for (``job_id, db, page, size, label, search``).

    Raises:
        DigitsError: something in it does not do.
        NotFoundError: there is no such dataset.
    """
    job = asked_job(request, "dataset")
    label = argument(request, "label").strip()
    search = argument(request, "search")
    if len(search) > 1000:
        raise DigitsError("search has at most 1,000 characters.")
    return browse.browse(
        job,
        argument(request, "db") or "train",
        whole_number(request, "page", 0),
        whole_number(request, "size", 25, least=1, most=browse.MAX_SIZE),
        whole_number(request, "label", 0) if label else None,
        search,
    )


def refused(request: Request) -> Response:
    """``GET /datasets/<id>/refused``: the first 10,000 rows; ``refused.csv`` has all."""
    from digits.data.refused import read_refused

    job = path_job(request, "dataset")
    rows = [asdict(row) for row in islice(read_refused(job.folder.path / "refused.csv"), MAX_REFUSED)]
    return tagged(request, as_json(rows))


def refused_csv(request: Request) -> Response:
    """``GET /datasets/<id>/refused.csv``: every row, as a table that spreadsheets open without running anything."""
    job = path_job(request, "dataset")

    def lines() -> Iterator[str]:
        from digits.data.refused import COLUMNS, read_refused

        yield _line(COLUMNS)
        for row in read_refused(job.folder.path / "refused.csv"):
            yield _line(tuple(asdict(row).values()))

    return StreamingResponse(
        (line.encode("utf-8", "replace") for line in lines()),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{job.id}_refused.csv"'},
    )


def _line(values: tuple[object, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(harmless(value) for value in values)
    return out.getvalue()
