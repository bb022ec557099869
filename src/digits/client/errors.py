"""What can go wrong between a client and a server, and the server's own words read back."""

from __future__ import annotations

import json
from typing import Any

import httpx

from digits.core.errors import DigitsError


class NoServerError(DigitsError):
    """Nothing answers at the address."""

    code = "no-server"
    http_status = 503


class RefusedError(DigitsError):
    """The server refused, in its own words; ``problems`` are a form's, by flat field name."""

    code = "refused"

    def __init__(self, message: str, *, status: int, hint: str = "", problems: dict[str, list[str]]) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.problems = problems


def refused(answer: httpx.Response) -> RefusedError:
    """Return the error that ``answer`` (status 400 or above) stands for."""
    try:
        body: Any = json.loads(answer.text)
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    problems = body.get("errors")
    if isinstance(problems, dict) and problems:
        found = {str(name): [str(text) for text in _list(texts)] for name, texts in problems.items()}
        lines = [f"{name}: {' '.join(texts)}" if name else " ".join(texts) for name, texts in found.items()]
        return RefusedError(" ".join(lines), status=answer.status_code, problems=found)
    error = body.get("error")
    if isinstance(error, dict):
        words = error.get("description") or error.get("message") or ""
        return RefusedError(str(words), status=answer.status_code, problems={})
    first = answer.text.strip().splitlines()[:1] or [""]
    plain = answer.headers.get("content-type", "").startswith("text/plain")
    words = first[0] if plain and first[0] else f"The server answered {answer.status_code}."
    return RefusedError(words, status=answer.status_code, problems={})


def _list(texts: Any) -> list[Any]:
    return texts if isinstance(texts, list) else [texts]
