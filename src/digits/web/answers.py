"""How an answer is made: a page from a template, JSON, DIGITS' JSON-as-HTML, plain text; and when nothing has changed, 304.

Every handler answers through one of these, so that a surrogate in a file name or a NaN in a loss is the
same harmless thing everywhere.
"""

from __future__ import annotations

import hashlib
import json
import math
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from digits.web.site import Site, link

NO_STORE = {"Cache-Control": "no-store"}


def wants_json(request: Request) -> bool:
    """Whether to answer JSON: the path ends in ``.json``, or Accept strictly prefers it to HTML (DIGITS' rule)."""
    if request.url.path.endswith(".json"):
        return True
    accept = request.headers.get("accept", "*/*")
    return _quality(accept, "application/json") > _quality(accept, "text/html")


def takes_json(request: Request) -> bool:
    """Whether an error is told as JSON: to those who want it, and where JSON is all there is unless HTML is strictly preferred."""
    accept = request.headers.get("accept", "*/*")
    json_alone = getattr(request.state, "json_alone", False)
    return wants_json(request) or (json_alone and _quality(accept, "application/json") >= _quality(accept, "text/html"))


def _quality(accept: str, media_type: str) -> float:
    """Return the q value that ``accept`` gives to ``media_type``; the most exact range wins."""
    family = media_type.split("/")[0] + "/*"
    best: tuple[int, float] = (-1, 0.0)
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name not in (media_type, family, "*/*"):
            continue
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        exactness = {media_type: 2, family: 1}.get(name, 0)
        best = max(best, (exactness, quality))
    return best[1]


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Return the page that ``template`` makes of ``context``.

    Every template also sees ``site`` (see ``digits.web.site.Site``), ``user`` ("" where nobody is logged in),
    ``url("/path")`` (with the proxy's prefix) and ``request``.
    """
    site = Site(request)
    text = request.app.state.templates.get_template(template).render(
        {"site": site, "user": site.user, "url": site.url, "request": request} | context
    )
    return HTMLResponse(text.encode("utf-8", "replace"), status_code=status, headers=NO_STORE)


def to_json(value: Any, *, indent: int | None = None) -> bytes:
    """Return ``value`` as JSON of ASCII alone, in the order of its keys; NaN and infinity, which JSON lacks, become null."""
    try:
        text = json.dumps(value, allow_nan=False, indent=indent, default=str)
    except ValueError:
        text = json.dumps(_finite(value), allow_nan=False, indent=indent, default=str)
    return text.encode()


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def as_json(value: Any, *, status: int = 200) -> Response:
    """Return ``value`` as ``application/json``."""
    return Response(to_json(value), status, NO_STORE, "application/json")


def json_text(text: str) -> Response:
    """Return JSON that is text already."""
    return Response(text, HTTPStatus.OK, NO_STORE, "application/json")


def json_as_html(value: Any, *, status: int = 200) -> Response:
    """Return ``value`` as JSON under the name ``text/html``, as DIGITS' clients know it; "<" is escaped so that it stays data."""
    body = to_json(value).replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")
    return Response(body, status, NO_STORE, "text/html; charset=utf-8")


def plain(text: str, *, status: int = 200) -> PlainTextResponse:
    """Return one line of text, as DIGITS answers actions."""
    return PlainTextResponse(text.encode("utf-8", "replace"), status, NO_STORE)


def redirect(request: Request, path: str) -> RedirectResponse:
    """Return a 302 to a path of ours."""
    return RedirectResponse(link(request, path), HTTPStatus.FOUND)


def tag_of(*parts: object) -> str:
    """Return the ETag that names ``parts``: equal parts, equal tag."""
    return f'"{hashlib.blake2b(repr(parts).encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()}"'


def unchanged(request: Request, tag: str) -> Response | None:
    """Return a 304 if the client has ``tag`` already, so that the caller need not make the answer."""
    known = request.headers.get("if-none-match", "")
    if tag in (part.strip().removeprefix("W/") for part in known.split(",")):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag, "Cache-Control": "no-cache"})
    return None


def tagged(request: Request, response: Response, tag: str = "") -> Response:
    """Return ``response`` with an ETag (that of its body where none is given), or a 304 if the client has it already."""
    tag = tag or tag_of(response.body)
    same = unchanged(request, tag)
    if same is not None:
        return same
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "no-cache"
    return response
