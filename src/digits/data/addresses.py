"""What an address is, and which settings bear on it. Nothing here fetches: most datasets never do, and should not wait for what can."""

from __future__ import annotations

from typing import Protocol


def is_address(text: str) -> bool:
    """Whether ``text`` is a web address and no path."""
    return text[:8].lower().startswith(("http://", "https://"))


class UrlSettings(Protocol):
    """The settings that bear on addresses: of a server or of a worker."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""

    @property
    def allow_private_addresses(self) -> bool:
        """Whether addresses of private networks and of this machine may be fetched."""

    @property
    def url_hosts(self) -> tuple[str, ...]:
        """The only hosts that may be asked: all when empty."""
