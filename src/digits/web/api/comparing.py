"""Several models side by side, as JSON."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from digits.web import comparing
from digits.web.answers import as_json, tagged


def show(request: Request) -> Response:
    """``GET /models/compare.json?ids=``: the models, settings that differ, what each curve came to."""
    return tagged(request, as_json(comparing.as_json(comparing.asked_models(request))))
