"""All outputs of a model as nested lists: for one picture, a list, an LMDB on the server. No name is needed for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from digits.core.errors import DigitsError, NotFoundError
from digits.core.extensions import installed
from digits.web.answers import NO_STORE, as_json, render, wants_json
from digits.web.classifying import asked_model, one_picture
from digits.web.inferring import Asked, Result, as_text
from digits.web.inside import layers_of, visualizations, wants_layers
from digits.web.paths import require_allowed
from digits.web.reading import argument, read_form
from digits.web.site import settings
from digits.web.testsets import asked_set

RAW = "all-raw-data"
SHOWN = 100
SHOWN_VALUES = 100
"""Of an output, on the page."""


async def one(request: Request) -> Response:
    """``infer_one``: every output for one picture; with ``show_visualizations`` its layers too."""
    asked = await _asked(request)
    async with one_picture(request) as (path, name):
        result = await asked.of_path(path, name)
        layers = await layers_of(request, asked.job, asked.snapshot, str(path)) if wants_layers(request) else None
    if wants_json(request):
        return as_json({"outputs": result["outputs"]} | (visualizations(request, layers) if layers else {}))
    return _page(request, asked, [result], more=False)


async def many(request: Request) -> Response:
    """``infer_many``: every output for each picture of a list or of a dataset's database."""
    asked = await _asked(request)
    return await _answer(request, asked, asked.of_set(await run_in_threadpool(asked_set, request)))


async def db(request: Request) -> Response:
    """``infer_db``: every output for each record of an LMDB on the server, in the order of its keys."""
    asked = await _asked(request)
    db_path = argument(request, "db_path").strip()
    if not db_path:
        raise DigitsError("db_path is a required field")
    await run_in_threadpool(require_allowed, Path(db_path), settings(request))
    return await _answer(request, asked, asked.of_records(db_path))


async def extension(request: Request) -> Response:
    """``infer_extension``: every output for what the form of the dataset's kind brings: here one picture, under the key of a first record."""
    asked = await _asked(request)
    async with one_picture(request) as (path, name):
        result = await asked.of_path(path, name)
    if wants_json(request):
        return as_json({"outputs": {f"{0:09d}": result["outputs"]}})
    return _page(request, asked, [result], more=False)


def view_config(request: Request) -> Response:
    """``GET /models/view-config/<view>``: the settings of a way to show outputs, as a fragment.

    Raises:
        NotFoundError: there is no such view.
    """
    try:
        _require_view(str(request.path_params["extension"]))
    except DigitsError as error:
        raise NotFoundError(error.message, hint=error.hint) from error
    return HTMLResponse('<p class="muted">All raw data has no settings.</p>')


def _require_view(view: str) -> None:
    known = {RAW, *installed("views")}
    if view not in known:
        raise DigitsError(f"There is no view {view[:60]!r}.", hint=f"Installed: {', '.join(sorted(known))}.")


async def _asked(request: Request) -> Asked:
    await read_form(request)
    _require_view(argument(request, "view_extension_id").strip() or RAW)
    return Asked(request, *await run_in_threadpool(asked_model, request))


async def _answer(request: Request, asked: Asked, results: AsyncIterator[Result]) -> Response:
    first = await anext(results, None)  # an error of the first chunk still has its status
    if wants_json(request):
        return StreamingResponse(as_text(results, first), headers=NO_STORE, media_type="application/json")
    rows = [] if first is None else [first]
    while len(rows) < SHOWN and (result := await anext(results, None)) is not None:
        rows.append(result)
    return _page(request, asked, rows, more=len(rows) == SHOWN)


def _page(request: Request, asked: Asked, rows: list[Result], *, more: bool) -> Response:
    return render(
        request,
        "models/outputs.html",
        job=asked.job,
        snapshot=asked.snapshot,
        rows=[(row["name"], _cells(row) if row["ok"] else [], row.get("error")) for row in rows],
        more=more,
    )


def _cells(row: Result) -> list[tuple[str, str, str]]:
    """Return (output, its shape, its first values) of each output."""
    return [(name, " × ".join(map(str, _shape(value))), _values(value)) for name, value in row["outputs"].items()]


def _shape(value: object) -> list[int]:
    return [len(value), *(_shape(value[0]) if value else [])] if isinstance(value, list) else []


def _values(value: object) -> str:
    flat = list(_flat(value, SHOWN_VALUES + 1))
    words = ", ".join("NaN" if each is None else f"{each:.6g}" for each in flat[:SHOWN_VALUES])
    return words + (", …" if len(flat) > SHOWN_VALUES else "")


def _flat(value: object, most: int) -> list[float | None]:
    if not isinstance(value, list):
        return [value if isinstance(value, (int, float)) else None]
    found: list[float | None] = []
    for each in value:
        found += _flat(each, most - len(found))
        if len(found) >= most:
            break
    return found
