"""All outputs of a model: as nested lists, or on a page as a view shows them. For one picture, a list, an LMDB on the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from digits.core.errors import DigitsError, NotFoundError
from digits.web import looks, views
from digits.web.answers import NO_STORE, as_json, render, wants_json
from digits.web.classifying import PictureSet, asked_model, one_picture
from digits.web.extensioninputs import filled, form_of
from digits.web.fields import form_view
from digits.web.inferring import Asked, Result, as_text
from digits.web.inside import layers_of, visualizations, wants_layers
from digits.web.looks import Look
from digits.web.paths import require_allowed
from digits.web.reading import TRAINED, argument, job_named, read_form, spooled, whole_number
from digits.web.site import settings, store
from digits.web.snapshots import choose
from digits.web.testsets import Records, asked_set

_MEDIA = {"js": "text/javascript", "css": "text/css"}


async def one(request: Request) -> Response:
    """``infer_one``: every output for one picture; with ``show_visualizations`` its layers too. A page shows them in a view."""
    asked = await _asked(request)
    if argument(request, "dataset_id").strip():
        return await _one_record(request, asked)
    async with one_picture(request) as (path, name):
        if not wants_json(request):
            return await _page(request, asked, await _of_file(request, asked, path, name))
        result = await asked.of_path(path, name)
        layers = await layers_of(request, asked.job, asked.snapshot, str(path)) if wants_layers(request) else None
    return as_json({"outputs": result["outputs"]} | (visualizations(request, layers) if layers else {}))


async def many(request: Request) -> Response:
    """``infer_many``: every output for each picture of a list or of a dataset's database."""
    asked = await _asked(request)
    pictures = await run_in_threadpool(asked_set, request)
    if not wants_json(request):
        return await _page(request, asked, await run_in_threadpool(_of_set, request, asked, pictures))
    return await _answer(asked.of_set(pictures))


async def db(request: Request) -> Response:
    """``infer_db``: every output for each record of an LMDB on the server, in the order of its keys."""
    asked = await _asked(request)
    db_path = argument(request, "db_path").strip()
    if not db_path:
        raise DigitsError("db_path is a required field")
    await run_in_threadpool(require_allowed, Path(db_path), settings(request))
    if not wants_json(request):
        return await _page(request, asked, await run_in_threadpool(_look, request, asked, db_path=db_path))
    return await _answer(asked.of_records(db_path))


async def extension(request: Request) -> Response:
    """``infer_extension``: every output for what the form of the dataset's kind brings, or for one picture where it has none; by the keys of records."""
    asked = await _asked(request)
    form, facts = await run_in_threadpool(form_of, request, asked.job)
    if form is not None:
        kept = await run_in_threadpool(lambda: filled(request, form, facts, _look(request, asked)))
        return await (_answer(asked.of_look(kept)) if wants_json(request) else _page(request, asked, kept))
    async with one_picture(request) as (path, name):
        if not wants_json(request):
            return await _page(request, asked, await _of_file(request, asked, path, name))
        result = await asked.of_path(path, name)
    return as_json({"outputs": {f"{0:09d}": result["outputs"]}})


async def look(request: Request) -> Response:
    """``GET /models/looks/<look>``: pictures that were asked about before, in any view, from number ``place`` on; as JSON the outputs of that one."""
    kept = await run_in_threadpool(looks.find, request, str(request.path_params["look"]))
    job = job_named(request, kept.job_id, *TRAINED)
    asked = Asked(request, job, choose(store(request).snapshots(job.id), kept.epoch))
    if not wants_json(request):
        return await views.page(request, asked.job, asked.snapshot, kept)
    result = await asked.of_question(kept.question(whole_number(request, "place", 0), 1))
    return as_json({"outputs": result["outputs"]})


def view_config(request: Request) -> Response:
    """``GET /models/view-config/<view>``: the settings of a way to show outputs, as a fragment.

    Raises:
        NotFoundError: there is no such view.
    """
    try:
        view = views.named(str(request.path_params["extension"]))
    except DigitsError as error:
        raise NotFoundError(error.message, hint=error.hint) from error
    return render(request, "models/_view_fields.html", form=form_view(view.spec))


def view_file(request: Request) -> Response:
    """``GET /extension-static/view/<view>/<file>``: the script or the style sheet of a view.

    Raises:
        NotFoundError: there is none.
    """
    file = str(request.path_params["file"])
    data = views.static_file(str(request.path_params["extension"]), file)
    return Response(data, headers={"Cache-Control": "no-cache"}, media_type=_MEDIA.get(file.rpartition(".")[2]))


async def _asked(request: Request) -> Asked:
    await read_form(request)
    job, snapshot = await run_in_threadpool(asked_model, request)
    views.asked_fields(request, views.asked_view(request, job))
    return Asked(request, job, snapshot)


async def _answer(results: AsyncIterator[Result]) -> Response:
    first = await anext(results, None)  # an error of the first chunk still has its status
    return StreamingResponse(as_text(results, first), headers=NO_STORE, media_type="application/json")


async def _one_record(request: Request, asked: Asked) -> Response:
    """Answer for one ``record`` of a dataset's database."""
    pictures = await run_in_threadpool(asked_set, request)
    place = whole_number(request, "record", 0)
    if not isinstance(pictures, Records) or place >= len(pictures):
        raise NotFoundError("There is no such record.")
    kept = await run_in_threadpool(_of_records, request, asked, pictures, place, 1)
    if not wants_json(request):
        return await _page(request, asked, kept)
    return as_json({"outputs": (await asked.of_question(kept.question(0, 1)))["outputs"]})


async def _page(request: Request, asked: Asked, look: Look) -> Response:
    await run_in_threadpool(looks.keep, request, look)
    return await views.page(request, asked.job, asked.snapshot, look)


def _look(request: Request, asked: Asked, **pictures: Any) -> Look:
    return looks.begin(request, Look("", asked.job.id, asked.snapshot.epoch, asked.whole, **pictures))


async def _of_file(request: Request, asked: Asked, path: Path, name: str) -> Look:
    """Return the look of one picture; files that came with the form go with it."""
    look = await run_in_threadpool(_look, request, asked)
    folder = looks.folder_of(request, look.name)
    label = argument(request, "label_path").strip()
    if label:
        await run_in_threadpool(require_allowed, Path(label), settings(request))
    upload = request.state.form.file("label_file")
    if upload is not None:
        async with spooled(request, upload) as sent:
            label = str(await run_in_threadpool(sent.rename, folder / "label"))
    if path.parent == folder.parent:
        path = await run_in_threadpool(path.rename, folder / "picture")
    return replace(look, paths=[str(path)], titles=[name], label_path=label)


def _of_set(request: Request, asked: Asked, pictures: PictureSet) -> Look:
    if isinstance(pictures, Records):
        return _of_records(request, asked, pictures, 0, len(pictures))
    chunk = pictures.chunk(0, len(pictures))
    refused = [[each.path, each.reason] for each in chunk.refused]
    return _look(request, asked, paths=chunk.question["paths"], titles=list(chunk.names), refused=refused)


def _of_records(request: Request, asked: Asked, pictures: Records, first: int, count: int) -> Look:
    records = {"folder": str(pictures.dataset.folder.path), "db": pictures.db, "first": first, "count": count}
    titles = [PurePath(pictures.name(first)).name] if count == 1 else []
    return _look(request, asked, records=records, dataset_id=pictures.dataset.id, titles=titles)
