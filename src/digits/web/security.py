"""What every request must pass before any handler: a Host of ours, an Origin of ours for what changes things, a body of bounded size.

A browser is made to attack servers on its own machine in three ways: another site's form (its Origin is foreign), another
site's name that suddenly resolves to 127.0.0.1 (its Host is foreign), and another port of this machine (same site, other
origin). All three are refused by what browsers themselves say in Host, Origin and Sec-Fetch-Site. Programs that send none of these pass.
"""

from __future__ import annotations

import ipaddress
import platform
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digits.core.errors import DigitsError
from digits.web.errors import error_answer

if TYPE_CHECKING:
    from digits.core.settings import Settings

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_TEXT_BYTES = 64_000_000
"""A body that is no multipart form: ten times the largest network one may paste, in any encoding."""
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class ForeignHostError(DigitsError):
    """The request was meant for a server of another name."""

    code = "foreign-host"
    http_status = 421


class ForeignOriginError(DigitsError):
    """A page of another site tried to change something here."""

    code = "foreign-origin"
    http_status = 403


class BodyTooLargeError(DigitsError):
    """The body is larger than the setting allows."""

    code = "body-too-large"
    http_status = 413


def host_name(host: str) -> str:
    """Return the name or address in a Host header, in lower case, without port and brackets; "" if it is none."""
    try:
        parts = urlsplit("//" + host)
        clean = host == parts.netloc and not parts.username and "@" not in host
        return (parts.hostname or "") if clean and (parts.port is None or parts.port >= 0) else ""
    except ValueError:
        return ""


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """Return the names that this server answers to, beside addresses where it listens beyond loopback."""
    names = {*LOOPBACK_NAMES, settings.host.lower().strip("[]"), settings.server_name.lower()}
    if not settings.is_loopback:
        node = platform.node().lower()
        names |= {node, node.partition(".")[0] + ".local", socket.getfqdn().lower()}
    return frozenset(names - {""})


def is_address(name: str) -> bool:
    """Whether ``name`` is an IP address: one written out cannot be rebound to another machine."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def check_origin(headers: Headers) -> None:
    """Do nothing if the request comes from a page of this very origin, or from no page at all.

    Raises:
        ForeignOriginError: it comes from elsewhere; another port of this machine is elsewhere.
    """
    site = headers.get("sec-fetch-site", "none")
    if site not in ("same-origin", "none"):
        raise ForeignOriginError("A page of another site may not do this.", where=f"Sec-Fetch-Site: {site[:40]}")
    if site == "same-origin":
        return  # the browser's own word, which no page can forge; a proxy may have changed Host, not this
    for name in ("origin", "referer"):
        given = headers.get(name)
        if given is None:
            continue
        try:
            same = urlsplit(given).netloc.lower() == headers.get("host", "").lower()
        except ValueError:
            same = False
        if not same:
            raise ForeignOriginError("A page of another site may not do this.", where=f"{name.title()}: {given[:100]}")
        return


def check_click(headers: Headers) -> None:
    """Do nothing if a person led the browser here, or no browser asks: for a GET that changes something.

    A page that fetches what its own address names, as Netron's does, could else be sent to such a URL by a link on any site.

    Raises:
        ForeignOriginError: a page of another site leads here, or a script fetches it.
    """
    check_origin(headers)
    if headers.get("sec-fetch-dest", "document") != "document":
        raise ForeignOriginError("Only a click may do this.", hint="A script sends a POST.")


def too_large(most: int) -> BodyTooLargeError:
    """Return what is said of a body of more than ``most`` bytes."""
    return BodyTooLargeError(
        f"The body is larger than {most:,} bytes.", hint="Setting max_upload_bytes says how large."
    )


class Guard:
    """The outermost layer: checks a request, and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = allowed_hosts(settings)
        self._any_address = not settings.is_loopback
        self._max_bytes = settings.max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with words."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _with_headers(send)
        try:
            self._check(scope)
        except DigitsError as error:
            await error_answer(Request(scope, receive), error)(scope, receive, send)
            return
        await self._app(scope, self._limited(Headers(scope=scope), receive), send)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        name = host_name(headers.get("host", ""))
        known = name in self._hosts or (name.startswith("127.") and is_address(name))
        if not known and not (self._any_address and is_address(name)):
            raise ForeignHostError(
                "This server does not answer to that name.",
                where=f"Host: {headers.get('host', '')[:100]}",
                hint="Use its address, or set DIGITS_SERVER_NAME to the name.",
            )
        if scope["method"] not in SAFE_METHODS:
            check_origin(headers)
        length = headers.get("content-length", "")
        if length.isdigit() and int(length[:20]) > self._most(headers):
            raise too_large(self._most(headers))

    def _most(self, headers: Headers) -> int:
        """Return how large the body may be: files are kept on disk, everything else in memory."""
        has_files = headers.get("content-type", "").lower().startswith("multipart/")
        return self._max_bytes if has_files else min(self._max_bytes, MAX_TEXT_BYTES)

    def _limited(self, headers: Headers, receive: Receive) -> Receive:
        seen, most = 0, self._most(headers)

        async def count() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise too_large(most)
            return message

        return count


def _with_headers(send: Send) -> Send:
    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return add
