"""The report of a model: one HTML file that may be handed on, opened from a disk and printed."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from digits.web.answers import render
from digits.web.pages import report as pages
from digits.web.reading import path_job


def report(request: Request) -> Response:
    """``GET /models/<id>/report.html``: curves, settings, data, figures of each class and the network, in one file."""
    style, policy = _style()
    view = pages.view(request, path_job(request, "model"))
    response = render(request, "models/report.html", style=Markup(style), policy=policy, **view)  # noqa: S704 - our own file
    # Frames: a meta element cannot say so. The policy within goes with the file, wherever it is opened.
    response.headers["Content-Security-Policy"] = policy + "; frame-ancestors 'none'"
    return response


@cache
def _style() -> tuple[str, str]:
    """Return the report's style sheet, and a policy that allows it and pictures within the file, and nothing else."""
    text = (files("digits.web") / "static" / "css" / "report.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return text, f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
