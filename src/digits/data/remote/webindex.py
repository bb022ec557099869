"""A folder of a web server, read from the index pages that Apache, nginx, Python and others make of it."""

from __future__ import annotations

from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urljoin, urlsplit

from digits.core.errors import DataError
from digits.data.addresses import UrlSettings
from digits.data.fetch import TRIES, Fetcher, UrlRules
from digits.data.remote import Listing

_MAX_INDEX_BYTES = 200_000_000


class WebTree:
    """The folders below an address that a person typed."""

    def __init__(self, address: str, settings: UrlSettings, *, tries: int = TRIES) -> None:
        self._tries = tries
        rules = UrlRules.of(settings, typed=address)
        self._pages, self._files = Fetcher(rules, max_bytes=_MAX_INDEX_BYTES), Fetcher(rules)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._pages.close()
        self._files.close()

    def list(self, address: str) -> Listing:
        """See ``Tree.list``: links to what lies directly in the folder; a folder's address ends in "/"."""
        page, found = self._pages.get_from(address, tries=self._tries)
        return listing(found, links_of(page))

    def get(self, address: str) -> bytes:
        """See ``Tree.get``."""
        return self._files.get(address)


def links_of(page: bytes) -> list[str]:
    """Return the targets of a page's links.

    Raises:
        DataError: it cannot be read.
    """
    links = _Links()
    try:
        links.feed(page.decode("utf-8", "replace"))
    except AssertionError as error:  # the parser's answer to some broken declarations
        raise DataError("The index page cannot be read.", rule="URL_INDEX") from error
    return links.found


class _Links(HTMLParser):
    """The targets of a page's links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def listing(page: str, links: list[str]) -> Listing:
    """Return what lies directly below the folder whose index is at ``page``; other links (up, away, to sort) are passed over."""
    base = urlsplit(page)
    folder = base.path or "/"
    if not folder.endswith("/"):
        is_page = folder.rpartition("/")[2].lower().endswith((".html", ".htm"))
        folder = folder.rpartition("/")[0] + "/" if is_page else folder + "/"
    root = f"{base.scheme}://{base.netloc}{folder}"
    found = Listing()
    for link in links:
        try:
            target = urlsplit(urljoin(root, link.strip()))
        except ValueError:
            continue
        rest = target.path[len(folder) :]
        if (target.scheme, target.netloc) != (base.scheme, base.netloc) or not target.path.startswith(folder):
            continue
        name = unquote(rest.rstrip("/"))
        if not name or "/" in name or "\0" in name or name in (".", "..") or (target.query and rest.endswith("/")):
            continue
        (found.folders if rest.endswith("/") else found.files)[name] = root + rest
    return found
