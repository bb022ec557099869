"""Who is asking: DIGITS' login by name alone, and who may change what.

A name is not a proof. While the server listens on loopback, whoever can reach it owns the account anyway; the name says whose job
is whose, so that nobody deletes another's by accident.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import DigitsError, LoginError, NotOwnerError

if TYPE_CHECKING:
    from digits.store import Job

COOKIE = "username"
RULE = re.compile(r"[a-z][a-z0-9.\-_]*")
MAX_NAME_CHARACTERS = 100
COOKIE_SECONDS = 365 * 24 * 3600


def check_name(name: str) -> str:
    """Return ``name`` if it may be a user's.

    Raises:
        DigitsError: it may not; the text is DIGITS'.
    """
    if len(name) <= MAX_NAME_CHARACTERS and RULE.fullmatch(name):
        return name
    raise DigitsError(
        "Invalid username - Must start with a lowercase letter, followed by lowercase letters, numbers, '.', '-' or '_'."
    )


def user_of(request: Request) -> str:
    """Return who asks: the name in the query, the form (where it was read) or the cookie, in this order; "" for nobody.

    An invalid name in the cookie counts as nobody here; ``require_user`` says what is wrong with it.
    """
    name = _given_name(request)
    return name if len(name) <= MAX_NAME_CHARACTERS and RULE.fullmatch(name) else ""


def require_user(request: Request) -> str:
    """Return who asks.

    Raises:
        LoginError: nobody.
        DigitsError: the name breaks the rule.
    """
    name = _given_name(request)
    if not name:
        raise LoginError("A name is needed for this.", hint="Log in at /login.")
    return check_name(name)


def _given_name(request: Request) -> str:
    form = getattr(request.state, "form", None)
    in_form = form.text("username") if form is not None else ""
    return request.query_params.get("username") or in_form or request.cookies.get(COOKIE, "")


def may_change(user: str, job: Job) -> bool:
    """Whether ``user`` may edit, abort or delete ``job``: its owner may, and anybody with a name where it has none."""
    return bool(user) and job.username in ("", user)


def require_owner(user: str, job: Job) -> None:
    """Do nothing if ``user`` may change ``job``.

    Raises:
        NotOwnerError: the job is somebody else's.
    """
    if not may_change(user, job):
        raise NotOwnerError(f"{job.name!r} belongs to {job.username!r}, not to {user!r}.")


def local_path(target: str) -> str:
    """Return ``target`` if it is a path of this server, else "/": a login must not send people elsewhere."""
    decoded = unquote(target)
    local = target.startswith("/") and not decoded.startswith(("//", "/\\")) and "\\" not in decoded
    return target if local and all(character >= " " for character in decoded) else "/"


def remember(response: Response, name: str, *, path: str, secure: bool) -> None:
    """Set the cookie that keeps ``name`` logged in."""
    response.set_cookie(COOKIE, name, COOKIE_SECONDS, path=path or "/", secure=secure, httponly=True, samesite="lax")


def forget(response: Response, *, path: str) -> None:
    """Clear the cookie."""
    response.delete_cookie(COOKIE, path=path or "/", httponly=True, samesite="lax")
