"""Pictures of datasets: how a picture would be stored, and one that is stored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import escape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from digits.core.errors import DataError, DigitsError, NotFoundError
from digits.web import browse, recordparts, services
from digits.web.answers import as_json, wants_json
from digits.web.paths import require_allowed
from digits.web.png import from_planes, png
from digits.web.reading import argument, path_job, read_form, whole_number
from digits.web.site import settings

if TYPE_CHECKING:
    from digits.store import Job

MODES = ("crop", "squash", "fill", "half_crop")
BACKENDS = ("lmdb", "hdf5")
MAX_SIDE = 4096
A_DAY_S = 86_400


async def resize_example(request: Request) -> Response:
    """``POST /datasets/images/resize-example``: a picture in one mode as DIGITS answers it, or with ``.json`` in all four."""
    await read_form(request)
    if wants_json(request):
        return as_json(await _example(request))
    try:
        mode = argument(request, "resize_mode") or "squash"
        if mode not in MODES:
            raise DigitsError(f"There is no resize mode {mode[:40]!r}.")
        made = (await _example(request))["modes"][mode]
        width, height = _side(request, "width"), _side(request, "height")
        return HTMLResponse(_as_digits(made, width, height))
    except DigitsError as error:
        return HTMLResponse(str(escape(f"{type(error).__name__}: {error}")))  # DIGITS answers every error here with 200


def _as_digits(made: Mapping[str, Any], width: int, height: int) -> str:
    size = f"width:{width}px;height:{height}px"
    return (
        f'<img src="{escape(made["image"])}" width="{width}" height="{height}" style="{size}" /><br>'
        f"<i>Image size: {_kilobytes(int(made['bytes']))}</i>"
    )


def _kilobytes(num_bytes: int) -> str:
    return f"{num_bytes} B" if num_bytes < 1024 else f"{num_bytes / 1024:.1f} KB"


async def _example(request: Request) -> dict[str, Any]:
    path = argument(request, "image_path")
    if path:
        require_allowed(Path(path), settings(request))
    body = {
        "path": path or None,
        "width": _side(request, "width"),
        "height": _side(request, "height"),
        "channels": whole_number(request, "channels", 3, least=0, most=4),
        "encoding": argument(request, "encoding") or "png",
        "backend": argument(request, "backend") or "lmdb",
    }
    if body["backend"] not in BACKENDS:
        raise DigitsError(f"There is no backend {argument(request, 'backend')[:40]!r}.")
    if look := argument(request, "look"):
        mode = argument(request, "resize_mode") or "squash"
        body |= {
            "look": look,
            "sample": whole_number(request, "sample", 0),
            "mode": mode if mode in MODES else "squash",
        }
    return await services.call(request, "inspect", "/resize-example", body)


def _side(request: Request, name: str) -> int:
    return whole_number(request, name, 256, least=1, most=MAX_SIDE)


async def stored(request: Request) -> Response:
    """``GET /datasets/<id>/picture/<db>/<index>?beside=``: one record's picture; its address never means another."""
    return await run_in_threadpool(_stored, request)


async def mask(request: Request) -> Response:
    """``GET /datasets/<id>/mask/<db>/<index>``: one record's label: a mask in the dataset's palette, or a picture."""
    return await run_in_threadpool(_mask, request)


def _stored(request: Request) -> Response:
    job, db, row = _asked_record(request)
    is_beside = argument(request, "beside") not in ("", "false")
    return _for_good((recordparts.both if is_beside else stored_picture)(job, db, row))


def _mask(request: Request) -> Response:
    job, db, row = _asked_record(request)
    return _for_good(recordparts.stored_label(job, db, row))


def _asked_record(request: Request) -> tuple[Job, str, int]:
    job = path_job(request, "dataset")
    text = str(request.path_params["index"])
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise NotFoundError("There is no such record.")
    return job, str(request.path_params["db"]), int(text)


def _for_good(data: bytes) -> Response:
    headers = {"Cache-Control": f"private, max-age={A_DAY_S}, immutable"}
    return Response(data, headers=headers, media_type=media_type_of(data))


def stored_picture(job: Job, db: str, row: int) -> bytes:
    """Return the picture of record ``row`` of a dataset's database as a PNG or JPEG.

    Raises:
        NotFoundError: there is no such database or record.
    """
    db = browse.database_name(job, db)
    key = browse.key_of(job, db, row)
    try:
        return _in_hdf5(job, db, row) if job.facts.get("backend") == "hdf5" else _in_lmdb(job, db, key)
    except DataError as error:
        raise NotFoundError(error.message, where=error.where) from error


def media_type_of(picture: bytes) -> str:
    """Return the media type of a stored picture."""
    return "image/png" if picture.startswith(b"\x89PNG") else "image/jpeg"


def _in_lmdb(job: Job, db: str, key: bytes) -> bytes:
    """Return a record's picture as the file that is stored, or as a PNG."""
    from digits.data.records import read_datum
    from digits.data.shardfile import open_records

    with open_records(job.folder.path / f"{db}_db", job.facts.get("target_kind", "class")) as records:
        record = records.get(key)
    if record is None:
        raise NotFoundError("There is no such record.")
    datum = read_datum(record)
    if datum.encoded:
        return bytes(datum.data)
    return from_planes(bytes(datum.data), width=datum.width, height=datum.height, channels=datum.channels)


def _in_hdf5(job: Job, db: str, row: int) -> bytes:
    """Return a record's picture as a PNG."""
    from digits.data.hdf5 import Hdf5File

    file = Hdf5File(job.folder.path / f"{db}_db")
    try:
        image_HWC = file.pictures(row, 1)[0]
    finally:
        file.close()
    height, width, channels = image_HWC.shape
    shown = 3 if channels >= 3 else 1
    return png(image_HWC[:, :, :shown].tobytes(), width=width, height=height, channels=shown)
