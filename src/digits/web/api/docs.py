"""The documentation of the REST API: one OpenAPI document, and Swagger's page that shows it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from digits.web.answers import as_json, render, tagged
from digits.web.openapi import schemas


def openapi(request: Request) -> Response:
    """``GET /openapi.json``: every route of the table."""
    document: dict[str, Any] = request.app.openapi()
    document["components"] = {"schemas": schemas(request.app.state.routes)}
    return tagged(request, as_json(document))


def docs(request: Request) -> HTMLResponse:
    """``GET /docs``: Swagger's page from files of our own, without inline script."""
    return render(request, "docs.html")
