"""Errors as DIGITS answers them: one JSON shape, one page with the same texts, and never a bare 500 for what a user sent."""

from __future__ import annotations

import logging
import traceback
from http import HTTPStatus

from markupsafe import escape
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from digits.core.errors import DigitsError

log = logging.getLogger(__name__)

# The names that werkzeug gave, which DIGITS' clients read in "type".
TYPES = {
    400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed", 409: "Conflict",
    413: "RequestEntityTooLarge", 421: "MisdirectedRequest", 500: "InternalServerError", 503: "ServiceUnavailable",
}  # fmt: skip


def phrase(status: int) -> str:
    """Return "404: Not Found"."""
    try:
        return f"{status}: {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def describe(error: Exception) -> tuple[int, dict[str, object]]:
    """Return the status and DIGITS' ``error`` object for ``error``; our own errors add code, where and hint."""
    if isinstance(error, DigitsError):
        facts = {"code": error.code, "where": error.where, "hint": error.hint}
        return error.http_status, {
            "message": phrase(error.http_status),
            "type": TYPES.get(error.http_status, type(error).__name__),
            "description": _words(error),
            **{name: text for name, text in facts.items() if text},
        }
    if isinstance(error, HTTPException):
        status = error.status_code
        kind = TYPES.get(status, type(error).__name__)
        return status, {"message": phrase(status), "type": kind, "description": str(error.detail)}
    return 500, {"message": str(error) or type(error).__name__, "type": type(error).__name__}


def _words(error: DigitsError) -> str:
    """Return place, fact and remedy as sentences; a fact alone stays as it is, because DIGITS' clients compare it."""
    place = f"{error.where}: " if error.where else ""
    stop = "." if error.hint and error.message[-1:] not in ".!?" else ""
    return f"{place}{error.message}{stop} {error.hint}".strip()


def error_answer(request: Request, error: Exception) -> Response:
    """Return the answer to ``error``, as JSON or as a page, by what the request prefers."""
    from digits.web.answers import as_json, takes_json

    status, facts = describe(error)
    if status >= 500:
        known = isinstance(error, DigitsError)  # it says what happened; a trace would add nothing
        log.error("%s %r: %r", request.method, request.url.path, str(error), exc_info=None if known else error)
    if request.app.state.settings.debug:
        facts["trace"] = traceback.format_exception(error)
    response = as_json({"error": facts}, status=status) if takes_json(request) else _page(request, status, facts)
    if isinstance(error, HTTPException):
        for name, value in (error.headers or {}).items():
            response.headers[name] = value
    return response


def _page(request: Request, status: int, facts: dict[str, object]) -> Response:
    from digits.web.answers import render

    try:
        empty = dict.fromkeys(("description", "code", "where", "hint", "trace"), "")
        return render(request, "error.html", status=status, error=empty | facts)
    except Exception:
        # The page about an error must come even when the store or the template is what failed.
        log.exception("The error page failed")
        text = escape(facts.get("description") or facts["message"])
        return HTMLResponse(f"<!doctype html><title>{status}</title><h1>{status}</h1><p>{text}</p>", status)
