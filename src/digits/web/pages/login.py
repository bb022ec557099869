"""The login page: a name, no password."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from digits.web.answers import render


def login(request: Request) -> Response:
    """``GET /login?next=``."""
    return login_page(request, next_path=request.query_params.get("next", "/"))


def login_page(
    request: Request, *, next_path: str, username: str = "", problem: str = "", status: int = 200
) -> Response:
    """Return the form, with what was typed and what is wrong with it."""
    return render(request, "login.html", status=status, next=next_path, username=username, problem=problem)
