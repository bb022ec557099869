"""Netron's page and files below ``/netron/``."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from digits.web import netron
from digits.web.answers import tag_of, tagged, unchanged
from digits.web.site import link


def page(request: Request) -> Response:
    """``GET /netron/?url=<path on this server>``: Netron with that file open; it asks no other host for anything."""
    made = netron.page()
    response = tagged(request, HTMLResponse(made.text))
    response.headers["Content-Security-Policy"] = (
        made.policy
    )  # with a 304 too: the browser takes its headers for the kept page
    response.set_cookie("consent", "1", path=link(request, "/netron/"), samesite="strict")
    return response


def asset(request: Request) -> Response:
    """``GET /netron/<name>``: one of its scripts, tables or pictures."""
    path = netron.asset(request.path_params["name"])
    stat = path.stat()
    tag = tag_of(path.name, stat.st_size, stat.st_mtime_ns)
    headers = {"ETag": tag, "Cache-Control": "no-cache"}  # scripts of two versions must never meet
    return unchanged(request, tag) or FileResponse(path, media_type=netron.MEDIA_TYPES[path.suffix], headers=headers)
