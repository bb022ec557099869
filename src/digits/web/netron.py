"""Netron, the viewer of model files: its page as we serve it, and the addresses that open something in it.

Its files lie in the package ``netron``, whose Python (a server of its own) is never imported. Everything is read by the browser from this
server: a file of a job by its address, a text that belongs to no job from the address itself.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request

from digits.core.errors import NotFoundError, SetupError
from digits.web.site import link

MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8", ".json": "application/json", ".css": "text/css; charset=utf-8",
    ".png": "image/png", ".ico": "image/x-icon",
}  # fmt: skip
TEXT_SUFFIX = "prototxt"
"""Of the definitions that Netron reads."""
MAX_TEXT_BYTES = 1_400_000
"""A text travels in the address as base64, and Chromium opens no address above 2 MB."""
_FILE = re.compile(r"[a-z0-9][a-z0-9_-]*\.[a-z]+")
_VERSION = re.compile(r'<meta name="version" content="[^"]*">')
_DATE = re.compile(r'<meta name="date" content="[^"]*">\n?')
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


@dataclass(frozen=True)
class NetronPage:
    """Netron's page, and the policy that its browser must hold to."""

    text: str
    policy: str


def folder() -> Path | None:
    """Return where Netron's files lie, or None where it is not installed."""
    spec = find_spec("netron")
    places = (spec.submodule_search_locations or ()) if spec else ()
    return next((Path(place) for place in places if (Path(place) / "index.html").is_file()), None)


def page() -> NetronPage:
    """Return Netron's page without what would make it ask other hosts.

    As version 0.0.0 it measures nobody; without a date it never says that it is too old. (Whether one may be measured it asks
    only without the cookie "consent", which goes with the page.)

    Raises:
        SetupError: Netron is not installed, or its page is one that we do not know.
    """
    text = (_installed() / "index.html").read_text("utf-8")
    text, num_versions = _VERSION.subn('<meta name="version" content="0.0.0">', text)
    text, num_dates = _DATE.subn("", text)
    if (num_versions, num_dates) != (1, 1):
        raise SetupError("This version of Netron is not known here.", hint="Install that of constraints.txt.")
    return NetronPage(text, _policy(text))


def _policy(text: str) -> str:
    """Return the policy: this host alone, scripts from files alone; styles of the page by their hashes.

    Netron sets style attributes, which need "unsafe-inline"; "data:" lets it read a text out of its own address.
    """
    hashes = (hashlib.sha256(style.encode()).digest() for style in _STYLE.findall(text))
    styles = " ".join(f"'sha256-{base64.b64encode(each).decode()}'" for each in hashes)
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' {styles}; style-src-attr 'unsafe-inline'; "
        "img-src 'self' data: blob:; connect-src 'self' data:; worker-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def asset(name: str) -> Path:
    """Return one of Netron's files; all of them lie in one folder, so a name is never a path.

    Raises:
        NotFoundError: there is no such file, or it is none for a browser.
        SetupError: Netron is not installed.
    """
    path = _installed() / name
    if not _FILE.fullmatch(name) or path.suffix not in MEDIA_TYPES or not path.is_file():
        raise NotFoundError("Netron has no such file.")
    return path


def _installed() -> Path:
    found = folder()
    if found is None:
        raise SetupError(
            "Netron, which draws model files, is not installed here.", hint="`pip install netron` adds it."
        )
    return found


def opening(request: Request, path: str, name: str = "") -> str:
    """Return the address of Netron's page with a file of ours open, "" where Netron is not installed.

    Args:
        request: what is being answered.
        path: the file's path on this server: "/files/<job>/deploy.prototxt".
        name: the file's name where the path does not end in it; the ending tells Netron the format.
    """
    if folder() is None:
        return ""
    named = f"&identifier={quote(name, safe='')}" if name else ""
    return link(request, f"/netron/?url={quote(link(request, path), safe='/')}{named}")


def opening_text(request: Request, text: str, name: str) -> str:
    """Return the address of Netron's page with ``text`` open, "" where Netron is not installed or the text is too long for an address.

    The text stands behind the "#": browsers do not send that, so the server keeps nothing and learns nothing.
    """
    encoded = text.encode()
    if folder() is None or len(encoded) > MAX_TEXT_BYTES:
        return ""
    data = base64.b64encode(encoded).decode()
    return link(request, f"/netron/?identifier={quote(name, safe='')}#data:text/plain;base64,{data}")
