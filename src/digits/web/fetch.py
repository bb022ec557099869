"""A picture at an address that a person typed: fetched while the server serves this machine alone, small, quick and by no detour."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from starlette.requests import Request

from digits.core.errors import DigitsError
from digits.web.reading import spool_folder
from digits.web.site import settings

MAX_BYTES = 20_000_000
TIMEOUT_S = 10.0


def is_address(text: str) -> bool:
    """Whether ``text`` is an address and no path."""
    return text.lower().startswith(("http://", "https://"))


@asynccontextmanager
async def fetched(request: Request, address: str) -> AsyncIterator[Path]:
    """Give the file behind ``address`` in the spool, which goes when the block ends.

    Raises:
        DigitsError: the server listens beyond loopback, or the picture does not come.
    """
    if not settings(request).is_loopback:
        raise DigitsError(
            "Addresses are not fetched while the server listens to the network.", hint="Upload the picture instead."
        )
    path = spool_folder(settings(request)) / f"fetched-{secrets.token_hex(16)}"
    try:
        await _fetch(address, path)
        yield path
    finally:
        path.unlink(missing_ok=True)


async def _fetch(address: str, path: Path) -> None:
    deadline, size = time.monotonic() + TIMEOUT_S, 0
    try:
        # No redirect is followed (DIGITS did not either): it may lead to where nobody asked to go.
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as client, client.stream("GET", address) as response:
            if response.status_code != 200:
                raise DigitsError(f"The address answered {response.status_code}.", where=address[:200])
            with path.open("xb") as out:
                async for chunk in response.aiter_bytes():
                    size += len(chunk)
                    if size > MAX_BYTES or time.monotonic() > deadline:
                        raise DigitsError(
                            f"The picture is larger than {MAX_BYTES:,} bytes or came too slowly.", where=address[:200]
                        )
                    out.write(chunk)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise DigitsError(f"The address could not be fetched: {error}.", where=address[:200]) from error
