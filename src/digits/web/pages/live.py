"""Pages that keep themselves up to date: the browser asks for the same page again, and hears 304 while nothing has changed.

What stands in ``<time>`` (elapsed, time left) moves by itself in the browser, so it does not count as a change.
"""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from digits.web.answers import render, tag_of, tagged

_MOVING = re.compile(rb"<time[^>]*>[^<]*</time>")


def live_page(request: Request, template: str, **context: Any) -> Response:
    """Return the page with the ETag of all in it that does not move by itself."""
    response = render(request, template, **context)
    return tagged(request, response, tag_of(_MOVING.sub(b"", bytes(response.body))))
