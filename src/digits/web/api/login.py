"""Login by name, and logout."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from digits.core.errors import DigitsError
from digits.web import auth
from digits.web.answers import render, wants_json
from digits.web.reading import argument, read_form
from digits.web.site import link, settings


async def login(request: Request) -> Response:
    """``POST /login``: remember the name, and go on to where one wanted to; a bad name shows the form again."""
    form = await read_form(request)
    name = form.text("username") or request.query_params.get("username", "")
    try:
        auth.check_name(name)
    except DigitsError as error:
        if wants_json(request):
            raise
        return render(request, "login.html", next=argument(request, "next"), username=name, problem=error.message)
    response = _onward(request)
    auth.remember(response, name, path=settings(request).url_prefix, secure=request.url.scheme == "https")
    return response


async def logout(request: Request) -> Response:
    """``GET, POST /logout``: forget the name."""
    await read_form(request)
    response = _onward(request)
    auth.forget(response, path=settings(request).url_prefix)
    return response


def _onward(request: Request) -> RedirectResponse:
    """Return the way to ``next``, else to the page one came from, else home; never to another server."""
    home = link(request, "/")
    target = argument(request, "next")
    if not target:
        came = urlsplit(request.headers.get("referer", ""))
        same = came.netloc == request.headers.get("host") and not came.path.endswith(("/login", "/logout"))
        target = came.path + (f"?{came.query}" if came.query else "") if same else home
    safe = auth.local_path(target)
    return RedirectResponse(home if safe == "/" else safe, HTTPStatus.FOUND)
