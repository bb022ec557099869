"""All that a network answers about many pictures, asked chunk by chunk and sent on as it comes: memory stays flat for any number."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request

from digits.core.errors import DigitsError, NotFoundError
from digits.store import Job, SnapshotRow
from digits.web.answers import to_json
from digits.web.classifying import PictureSet, infer
from digits.web.looks import Look
from digits.web.reading import argument

CHUNK = 64
_NO = ("", "0", "false", "no", "off")
Result = Mapping[str, Any]
"""``name`` (a path, or a record's key), ``ok``, and ``outputs`` (lists by output's name) or ``error`` (``message``, ``hint``)."""


@dataclass(frozen=True)
class Asked:
    """What is asked of which snapshot."""

    request: Request
    job: Job
    snapshot: SnapshotRow

    @property
    def whole(self) -> bool:
        """Whether pictures stay in their own size (``dont_resize``)."""
        return argument(self.request, "dont_resize").strip().lower() not in _NO

    async def _infer(self, path: str, body: Mapping[str, Any]) -> list[Result]:
        answer = await infer(self.request, self.job, self.snapshot, path, {"whole": self.whole} | dict(body))
        results: list[Result] = answer["results"]
        return results

    async def of_set(self, pictures: PictureSet) -> AsyncIterator[Result]:
        """Yield what the network answers about each picture, in their order; one that may not be read is refused."""
        for start in range(0, len(pictures), CHUNK):
            at, stop = start, min(start + CHUNK, len(pictures))
            while at < stop:  # an answer may end early
                chunk = pictures.chunk(at, stop)
                found = await self._infer("/outputs", chunk.question) if chunk.names else []
                for name, result in zip(chunk.names, found, strict=False):
                    yield {**result, "name": name}
                for each in chunk.refused if at == start else ():
                    yield {"name": each.path, "ok": False, "error": {"message": each.reason}}
                at = stop if len(found) == len(chunk.names) else chunk.places[len(found)]

    async def of_path(self, path: Path, name: str) -> Result:
        """Return what the network answers about one picture.

        Raises:
            DigitsError: it cannot be used.
        """
        return {**await self.of_question({"paths": [str(path)]}, name), "name": name}

    async def of_question(self, question: Mapping[str, Any], name: str = "") -> Result:
        """Return what the network answers about the one picture of a question; ``name``: what its owner knows it by.

        Raises:
            DigitsError: it cannot be used, or is not there.
        """
        if "db_path" in question:
            question = {"db_path": question["db_path"], "first": question["first"], "most": 1}
        path = "/outputs_db" if "db_path" in question else "/outputs"
        results = await self._infer(path, question)
        if not results:
            raise NotFoundError("There is no such picture.")
        result = results[0]
        if not result["ok"]:
            raise DigitsError(result["error"]["message"], where=name, hint=result["error"].get("hint") or "")
        return result

    async def of_look(self, look: Look) -> AsyncIterator[Result]:
        """Yield what the network answers about the pictures of a look, by the keys that they would have as records."""
        for start in range(0, len(look.paths), CHUNK):
            at, stop = start, min(start + CHUNK, len(look.paths))
            while at < stop:  # an answer may end early
                found = await self._infer("/outputs", look.question(at, stop - at))
                for place, result in enumerate(found, at):
                    yield {**result, "name": f"{place:09d}"}
                at += len(found)

    async def of_records(self, db_path: str) -> AsyncIterator[Result]:
        """Yield what the network answers about each record of an LMDB.

        Raises:
            RefusedByServiceError: there is none.
        """
        after = ""
        while results := await self._infer("/outputs_db", {"db_path": db_path, "after": after, "most": CHUNK}):
            for result in results:
                yield result
            after = results[-1]["name"]


async def as_text(results: AsyncIterator[Result], first: Result | None) -> AsyncIterator[bytes]:
    """Yield the pieces of DIGITS' JSON, ``{"outputs": {name: {output: list}}}``; what could not be read stands under "refused".

    The status line has gone by then: an error on the way ends the JSON with a key "error".
    """
    refused: list[dict[str, str]] = []
    yield b'{"outputs": {'
    comma = b""
    trouble: DigitsError | None = None
    try:
        result = first
        while result is not None:
            if result["ok"]:
                yield comma + to_json(result["name"]) + b": " + to_json(result["outputs"])
                comma = b", "
            else:
                refused.append({"path": result["name"], "reason": _reason(result)})
            result = await anext(results, None)
    except DigitsError as error:
        trouble = error
    yield b"}" + (b', "refused": ' + to_json(refused) if refused else b"")
    yield b"}" if trouble is None else b', "error": ' + to_json({"message": str(trouble)}) + b"}"


def _reason(result: Result) -> str:
    error = result["error"]
    return f"{error['message']} {error.get('hint') or ''}".strip()
