"""From a row of the table to its handler: login, the choice between page and JSON, and errors, once for every URL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from importlib import import_module
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from digits.core.errors import DigitsError, LoginError
from digits.web import auth
from digits.web.answers import redirect, wants_json
from digits.web.errors import error_answer
from digits.web.reading import read_form
from digits.web.security import SAFE_METHODS, check_click

if TYPE_CHECKING:
    from digits.web.routes import Route

Endpoint = Callable[[Request], Awaitable[Response]]


def handler(package: str, reference: str) -> Callable[..., Any]:
    """Return the function that "module:function" names below ``digits.web.<package>``."""
    module, _, name = reference.partition(":")
    function: Callable[..., Any] = getattr(import_module(f"digits.web.{package}.{module}"), name)
    return function


def endpoint(route: Route) -> Endpoint:
    """Return what FastAPI calls for ``route``; the handler's module is imported at the first call, which keeps the start short."""

    async def answer(request: Request) -> Response:
        try:
            if "\0" in request.url.path or "\0" in request.url.query or "%00" in request.url.query:
                raise DigitsError("The address holds a NUL character.")
            if route.changes and request.method in SAFE_METHODS:  # of the others the Guard has seen the origin
                check_click(request.headers)
            request.state.extension = route.extension
            request.state.json_alone = route.answer == "json" and not route.page
            request.state.user = await _user(request, route)
            return await _call(request, route)
        except LoginError as error:
            if route.login == "page" and not wants_json(request):
                return _to_login(request)
            return error_answer(request, error)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        except Exception as error:
            return error_answer(request, error)
        finally:
            await request.close()

    return answer


async def _user(request: Request, route: Route) -> str:
    if not route.login:
        return ""
    if request.method not in ("GET", "HEAD"):
        await read_form(request)  # DIGITS takes the name from a form field too
    return auth.require_user(request)


async def _call(request: Request, route: Route) -> Response:
    json = bool(route.api) and (not route.page or wants_json(request))
    call = handler("api", route.api) if json else handler("pages", route.page)
    response = await call(request) if iscoroutinefunction(call) else await run_in_threadpool(call, request)
    assert isinstance(response, Response), f"{call} answered {type(response)}"
    return response


def _to_login(request: Request) -> Response:
    path = request.url.path
    target = path + (f"?{request.url.query}" if request.url.query else "")
    return redirect(request, f"/login?next={quote(target, safe='')}")
