"""A picture at an address that a person typed, in a file that goes when it was looked at."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from digits.core.settings import Settings
from digits.data.fetch import Fetcher, UrlRules
from digits.web.reading import spool_folder
from digits.web.site import settings


@asynccontextmanager
async def fetched(request: Request, address: str) -> AsyncIterator[Path]:
    """Give the file behind ``address`` in the spool, which goes when the block ends.

    Raises:
        DigitsError: it may not be fetched, or does not come.
    """
    path = spool_folder(settings(request)) / f"fetched-{secrets.token_hex(16)}"
    try:
        await run_in_threadpool(_fetch, address, path, settings(request))
        yield path
    finally:
        path.unlink(missing_ok=True)


def _fetch(address: str, path: Path, allowed: Settings) -> None:
    with Fetcher(UrlRules.of(allowed, typed=address)) as fetcher, path.open("xb") as out:
        out.write(fetcher.get(address, tries=1))
