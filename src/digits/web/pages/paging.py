"""Page links: "« 0 … 10 11 [12] 13 14 … 450 »", counted from 0 as DIGITS counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class PageLink:
    """One place of the row: a link, the current page, or a gap."""

    text: str
    href: str = ""
    current: bool = False
    label: str = ""


def page_links(page: int, num_pages: int, address: Callable[[int], str], *, around: int = 2) -> list[PageLink]:
    """Return the row of links to the first page, those ``around`` the current one, and the last; [] for a single page."""
    if num_pages <= 1:
        return []
    shown = sorted({0, num_pages - 1} | {n for n in range(page - around, page + around + 1) if 0 <= n < num_pages})
    links = [PageLink("«", address(page - 1), label="Previous page")] if page > 0 else [PageLink("«")]
    before = -1
    for number in shown:
        if number - before > 1:
            links.append(PageLink("…"))
        links.append(PageLink(f"{number:,}", "" if number == page else address(number), number == page))
        before = number
    links.append(PageLink("»", address(page + 1), label="Next page") if page < num_pages - 1 else PageLink("»"))
    return links
