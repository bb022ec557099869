"""The web application: ``uvicorn --factory digits.web.app:create_app`` with its settings in ``DIGITS_*``."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, FunctionLoader, PrefixLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

import digits
from digits.core.errors import SetupError
from digits.core.extensions import broken
from digits.core.settings import Settings, load_settings
from digits.web.dispatch import endpoint
from digits.web.errors import error_answer
from digits.web.openapi import describe_route
from digits.web.pages import words
from digits.web.routes import Route, routes
from digits.web.security import Guard

log = logging.getLogger(__name__)
HERE = Path(str(files("digits.web")))


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the application; its store opens when the server starts, and closes when it stops.

    Raises:
        SetupError: a setting is out of its bounds, two extensions have one name, or the server would be open to the network
            without anybody having said that it may.
    """
    settings = settings or load_settings()
    if not (settings.is_loopback or settings.trust_network):
        raise SetupError(
            f"Listening on {settings.host} lets everybody who reaches this machine run code on it.",
            hint="Say that you trust them with --trust-network (DIGITS_TRUST_NETWORK=1), or listen on 127.0.0.1.",
        )
    for each in broken():
        log.warning(
            "The extension %s of %s (%s) is left out: %s", each.name, each.group, each.distribution, each.problem
        )
    app = FastAPI(
        title="OpenDIGITS",
        version=digits.__version__,
        lifespan=_lifespan,
        root_path=settings.url_prefix.rstrip("/"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.settings = settings
    app.state.templates = templates()
    app.state.routes = routes()
    for row in app.state.routes:
        _add(app, row)
    app.mount("/static", _Static(directory=HERE / "static"), name="static")
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_middleware(Guard, settings=settings)
    return app


class _Static(StaticFiles):
    """Files that browsers ask about each time (a 304 mostly): modules of two versions must never meet on a page."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


async def _answer_http(request: Request, error: Exception) -> Response:
    return error_answer(request, error)


def _add(app: FastAPI, row: Route) -> None:
    call = endpoint(row)
    for path in (row.path + ".json", row.path) if row.twin else (row.path,):
        for method in row.methods.split():
            name = f"{method} {path}"
            described = describe_route(row, method, path)
            app.add_api_route(
                path, call, methods=[method], name=name, response_model=None, operation_id=described["operationId"],
                summary=row.summary, description=described["description"], tags=[row.tag], openapi_extra=described,
            )  # fmt: skip
            if method == "GET":
                app.add_api_route(path, call, methods=["HEAD"], response_model=None, include_in_schema=False)


def templates() -> Environment:
    """Return the environment of all templates: autoescape on, a missing name is an error."""
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(HERE / "templates"), PrefixLoader({"views": FunctionLoader(_view)})]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words.install(environment)
    return environment


def _view(name: str) -> str | None:
    """Return the text of the template of the view ``name``."""
    from digits.web.views import template_source

    return template_source(name)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    from digits.store import Store

    app.state.store = Store(app.state.settings)
    app.state.http = None  # made by the first who asks a service: httpx would be a fifth of the start
    yield
    if app.state.http is not None:
        await app.state.http.aclose()
    app.state.store.close()
