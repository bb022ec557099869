"""Asking a model's inference worker about pictures: which model, which pictures, and the answers gathered chunk by chunk."""

from __future__ import annotations

import time
from array import array
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Protocol

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from digits.core.errors import DigitsError
from digits.data.addresses import is_address
from digits.store import Job, SnapshotRow
from digits.web import services
from digits.web.answers import NO_STORE, to_json
from digits.web.fetch import fetched
from digits.web.paths import require_allowed
from digits.web.reading import TRAINED, argument, asked_job, read_form, spool_folder, spooled
from digits.web.site import settings, store
from digits.web.snapshots import asked_epoch, choose
from digits.web.tally import TOP, Best, Tally

CHUNK = 256
"""Pictures asked for at a time: enough to keep the worker busy, few enough that it can serve others in between."""
MAX_REFUSED = 1000


@dataclass(frozen=True)
class Refused:
    """A picture that could not be used, and why."""

    path: str
    reason: str


@dataclass
class Chunk:
    """Some pictures of a set, as the worker is asked about them; ``places`` are their numbers in the set."""

    places: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    truth: list[int] = field(default_factory=list)
    """Class ids of the model, -1 where it is not known."""
    question: dict[str, Any] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)

    def add(self, place: int, name: str, truth: int) -> None:
        """Add a picture that may be asked about."""
        self.places.append(place)
        self.names.append(name)
        self.truth.append(truth)


class PictureSet(Protocol):
    """Pictures that a model is tested with; see ``digits.web.testsets``."""

    def __len__(self) -> int:
        """Return how many there are."""

    def chunk(self, start: int, stop: int) -> Chunk:
        """Return some of them."""

    async def picture(self, request: Request, job: Job, snapshot: SnapshotRow, place: int) -> str:
        """Return the address of one to be seen, "" where it cannot be read any more."""


@dataclass
class Answers:
    """What a worker said about a set; ``refused`` are the pictures it could not read (the first 1,000)."""

    tally: Tally
    best: Best
    places: array[int] = field(default_factory=lambda: array("q"))
    """Of each picture in ``tally``: its number in the set."""
    refused: list[Refused] = field(default_factory=list)
    num_refused: int = 0
    are_numbers: bool = False
    seconds: float = 0.0

    def refuse(self, refused: Refused) -> None:
        """Note a picture that could not be used."""
        self.num_refused += 1
        if len(self.refused) < MAX_REFUSED:
            self.refused.append(refused)


def asked_model(request: Request) -> tuple[Job, SnapshotRow]:
    """Return the model and the snapshot that the request names.

    Raises:
        DigitsError: no model is named, or it has no such snapshot.
        NotFoundError: there is no such model.
    """
    job = asked_job(request, *TRAINED)
    _, epoch = asked_epoch(request, job)
    return job, choose(store(request).snapshots(job.id), epoch)


async def infer(
    request: Request, job: Job, snapshot: SnapshotRow, path: str, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the model's worker answers; see ``digits.web.services.call``."""
    return await services.call(request, "infer", path, body, job_id=job.id, epoch=snapshot.epoch)


@asynccontextmanager
async def one_picture(request: Request) -> AsyncIterator[tuple[Path, str]]:
    """Give the file of the picture that came with the request, and the name its owner knows it by.

    Raises:
        DigitsError: there is none, or it may not be read.
    """
    form = await read_form(request)
    upload = form.file("image_file")
    if upload is not None:
        async with spooled(request, upload) as path:
            yield path, PurePath(upload.filename or "picture").name
        return
    named = argument(request, "image_path")
    if not named:
        raise DigitsError("must provide image_path or image_file")
    if is_address(named):
        async with fetched(request, named) as path:
            yield path, named
        return
    require_allowed(Path(named), settings(request))
    yield Path(named), named


def labels_of(job: Job) -> list[str]:
    """Return the names of a model's classes, in order of their ids.

    Raises:
        DigitsError: the model has no list of them.
    """
    try:
        text = (job.folder.path / "labels.txt").read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise DigitsError("The model has no labels.txt.", where=str(job.folder.path)) from error
    return text.removesuffix("\n").split("\n")


async def classify(
    request: Request, job: Job, snapshot: SnapshotRow, pictures: PictureSet, *, best_of: int = 0
) -> Answers:
    """Return the answers to a set; a picture that cannot be read costs its own row. ``best_of``: keep so many a class."""
    labels = await run_in_threadpool(labels_of, job)
    answers = Answers(Tally(labels), Best(len(labels), best_of))
    begun = time.monotonic()
    more = {"all_scores": True} if best_of else {}
    async for chunk, found in _asked(request, job, snapshot, pictures, more):
        answers.are_numbers = are_numbers(found)
        await run_in_threadpool(_take, request, answers, chunk, found)
    answers.seconds = time.monotonic() - begun
    return answers


async def _asked(
    request: Request, job: Job, snapshot: SnapshotRow, pictures: PictureSet, more: Mapping[str, Any]
) -> AsyncIterator[tuple[Chunk, dict[str, Any]]]:
    """Yield a set chunk by chunk with what the worker says to each."""
    for start in range(0, len(pictures), CHUNK):
        chunk = await run_in_threadpool(pictures.chunk, start, start + CHUNK)
        body = {**chunk.question, "top": TOP, **more}
        yield chunk, await infer(request, job, snapshot, "/classify", body) if chunk.names else {"results": []}


async def as_stream(request: Request, job: Job, snapshot: SnapshotRow, pictures: PictureSet) -> Response:
    """Return DIGITS' JSON of a list, sent as the answers come: no proxy waits for a long one, and none of it is kept in memory.

    What fails before the first answer has its own status; what fails later cuts the JSON off, so that nobody takes it for whole.
    """
    pieces = _pieces(request, job, snapshot, pictures)
    first = await anext(pieces, b"")

    async def body() -> AsyncIterator[bytes]:
        yield b'{"classifications": {' + first
        async for piece in pieces:
            yield b", " + piece
        yield b"}}"

    return StreamingResponse(body(), headers=NO_STORE, media_type="application/json")


async def _pieces(request: Request, job: Job, snapshot: SnapshotRow, pictures: PictureSet) -> AsyncIterator[bytes]:
    """Yield ``"path": [[label, percent], ...], ...`` of one chunk after another."""
    async for chunk, found in _asked(request, job, snapshot, pictures, {}):
        digits, factor = (9, 1) if are_numbers(found) else (2, 100)
        rows = {
            name: [[str(label), round(factor * value, digits)] for _, label, value in each["top"]]
            for name, each in zip(chunk.names, found["results"], strict=True)
            if each["ok"]
        }
        if rows:
            yield to_json(rows)[1:-1]


def _take(request: Request, answers: Answers, chunk: Chunk, found: Mapping[str, Any]) -> None:
    for refused in chunk.refused:
        answers.refuse(refused)
    paths, truth, tops = [], [], []
    for place, path, label, result in zip(chunk.places, chunk.names, chunk.truth, found["results"], strict=True):
        if result["ok"]:
            answers.places.append(place)
            paths.append(path)
            truth.append(label)
            tops.append(result["top"])
        else:
            error = result["error"]
            answers.refuse(Refused(path, f"{error['message']} {error.get('hint') or ''}".strip()))
    answers.tally.add(paths, truth, tops)
    if found.get("scores_file"):
        scores_file = Path(found["scores_file"])
        assert scores_file.parent == spool_folder(settings(request)), scores_file
        try:
            answers.best.add(np.load(scores_file, allow_pickle=False)[:, : len(answers.tally.labels)])
        finally:
            scores_file.unlink(missing_ok=True)


def percent(top: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return DIGITS' form of answers: [label, percent with two decimals], best first."""
    return [[str(label), round(100 * share, 2)] for _, label, share in top[:TOP]]


def are_numbers(answer: Mapping[str, Any]) -> bool:
    """Whether a worker's answers are the numbers of a regression, and no probabilities."""
    return bool(answer.get("target_kind") == "vector")


async def shown(request: Request, job: Job, snapshot: SnapshotRow, path: str) -> str:
    """Return a picture as the network sees it, as a data address; "" where it cannot be read any more."""
    try:
        found = await infer(request, job, snapshot, "/picture", {"path": path})
    except services.RefusedByServiceError:
        return ""
    return "data:image/png;base64," + str(found["png_base64"])
