"""What came with a request: form fields, JSON, uploaded files, ids; read once, sizes limited, names of the client never used."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from starlette.datastructures import UploadFile
from starlette.requests import Request

from digits.core.errors import DigitsError, NotFoundError
from digits.web.site import settings, store

if TYPE_CHECKING:
    from digits.core.settings import Settings
    from digits.store import Job

MAX_FIELDS = 20_000  # job_ids[] of a whole page of jobs
MAX_FILES = 1_000
MAX_FIELD_BYTES = 8_000_000  # a pasted network of 1,000,000 characters, four bytes each, and some room
MAX_JSON_BYTES = 8_000_000
CHUNK_BYTES = 1 << 20


@dataclass
class Form:
    """The body of a request: text fields and files by name, in their order; ``json`` where the body was a JSON object."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[UploadFile]] = field(default_factory=dict)
    json: dict[str, Any] | None = None

    def text(self, name: str, default: str = "") -> str:
        """Return the first value of ``name``."""
        values = self.fields.get(name)
        return values[0] if values else default

    def all(self, name: str) -> list[str]:
        """Return every value of ``name``."""
        return self.fields.get(name, [])

    def file(self, name: str) -> UploadFile | None:
        """Return the file of ``name``, or None where none was chosen (browsers send an empty one without a name)."""
        files = self.files.get(name)
        return files[0] if files and (files[0].filename or files[0].size) else None


async def read_form(request: Request) -> Form:
    """Return the request's body, read at most once.

    Raises:
        DigitsError: the body is no form and no JSON object, or a value holds a NUL.
    """
    known: Form | None = getattr(request.state, "form", None)
    if known is not None:
        return known
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    form = await _read_json(request) if kind == "application/json" else await _read_fields(request)
    if any("\0" in text for name, values in form.fields.items() for text in (name, *values)):
        raise DigitsError("A field holds a NUL character.", hint="Send text without it.")
    request.state.form = form
    return form


async def _read_fields(request: Request) -> Form:
    form = Form()
    data = await request.form(max_files=MAX_FILES, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES)
    for name, value in data.multi_items():
        if isinstance(value, UploadFile):
            form.files.setdefault(name, []).append(value)
        else:
            form.fields.setdefault(name, []).append(value)
    return form


async def _read_json(request: Request) -> Form:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            raise DigitsError(f"The JSON body is larger than {MAX_JSON_BYTES:,} bytes.")
    try:
        value = json.loads(bytes(body) or b"{}")
    except (ValueError, RecursionError) as error:
        raise DigitsError(f"The body is no JSON: {error}.") from error
    if not isinstance(value, dict):
        raise DigitsError("The body is no JSON object.", hint="Send an object of field names and values.")
    scalars = {
        name: [_as_text(each) for each in (given if isinstance(given, list) else [given])]
        for name, given in value.items()
        if not isinstance(given, dict)
    }
    return Form(scalars, {}, value)


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def argument(request: Request, name: str, default: str = "") -> str:
    """Return ``name`` from the query, or from the form where it was read."""
    form: Form | None = getattr(request.state, "form", None)
    given = request.query_params.get(name)
    if given is None and form is not None:
        given = form.text(name, default)
    return default if given is None else given


def whole_number(request: Request, name: str, default: int, *, least: int = 0, most: int = 1_000_000_000) -> int:
    """Return the whole number ``name`` of query or form.

    Raises:
        DigitsError: it is none, or out of its bounds.
    """
    text = argument(request, name).strip()
    if not text:
        return default
    try:
        value = int(text[:20])
    except ValueError:
        raise DigitsError(f"{name} is not a whole number: {text[:40]!r}.") from None
    if not least <= value <= most:
        raise DigitsError(f"{name} must be between {least:,} and {most:,}.")
    return value


def number(request: Request, name: str) -> float | None:
    """Return the finite number ``name`` of query or form, None where it is not given.

    Raises:
        DigitsError: it is no number.
    """
    text = argument(request, name).strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DigitsError(f"{name} is not a number: {text[:40]!r}.")
    return value


TRAINED = ("model", "pretrained_model")
"""Kinds of jobs whose folder holds a network with weights."""


def path_job(request: Request, *kinds: str) -> Job:
    """Return the job that the path names.

    Raises:
        NotFoundError: there is none, or it is of none of ``kinds``, if any are given.
    """
    return job_named(request, str(request.path_params["job_id"]), *kinds)


def asked_job(request: Request, *kinds: str) -> Job:
    """Return the job that ``job_id`` names in query or form.

    Raises:
        DigitsError: it is not given.
        NotFoundError: there is none, or it is of another kind.
    """
    job_id = argument(request, "job_id")
    if not job_id:
        raise DigitsError("job_id is a required field")
    return job_named(request, job_id, *kinds)


def job_named(request: Request, job_id: str, *kinds: str) -> Job:
    """Return the job ``job_id``.

    Raises:
        NotFoundError: there is none, or it is of none of ``kinds``, if any are given.
    """
    job = store(request).job(job_id)
    if kinds and job.kind not in kinds:
        raise NotFoundError("Job not found")
    return job


def spool_folder(settings: Settings) -> Path:
    """Return the folder where files between the web and its services lie, made if need be."""
    folder = settings.root / "spool"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@asynccontextmanager
async def spooled(request: Request, upload: UploadFile) -> AsyncIterator[Path]:
    """Copy ``upload`` to a file of our own naming, which goes when the block ends."""
    path = spool_folder(settings(request)) / f"upload-{secrets.token_hex(16)}"

    def copy() -> None:
        with path.open("xb") as out:
            upload.file.seek(0)
            while chunk := upload.file.read(CHUNK_BYTES):
                out.write(chunk)

    try:
        await to_thread.run_sync(copy)
        yield path
    finally:
        path.unlink(missing_ok=True)
