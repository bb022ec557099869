"""What lies at an address, fetched with care: an address in a list must not reach what only this machine can reach.

A host is resolved once, each of its addresses is checked, and the connection is made to one that was checked: nothing asks the name again.
A redirect is a new address, and is checked as one. Proxies of the environment are not used, because they would resolve names themselves.
"""

from __future__ import annotations

import ipaddress
import random
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import IO
from urllib.parse import urljoin

import httpcore
import httpx

from digits.core.errors import DataError
from digits.data.addresses import UrlSettings

MAX_BYTES = 20_000_000
CONNECT_S = 6.0
READ_S = 10.0
TOTAL_S = 30.0
MAX_REDIRECTS = 3
TRIES = 3
_PAUSE_S = 0.5
_BUSY = frozenset({429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = ((b"User-Agent", b"OpenDIGITS"), (b"Accept", b"*/*"), (b"Accept-Encoding", b"identity"))

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
_METADATA = frozenset(
    ipaddress.ip_address(text) for text in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192")
)
"""Where clouds keep the credentials of a machine."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")


@dataclass(frozen=True)
class UrlRules:
    """Which addresses may be fetched."""

    any_host: bool = True
    allow_private: bool = False
    hosts: tuple[str, ...] = ()
    """Names, or "*.example.org" for all below one."""
    typed: frozenset[tuple[str, int]] = field(default_factory=frozenset)
    """Host and port of addresses that a person typed, who may reach private networks and this machine anyway."""

    @classmethod
    def of(cls, settings: UrlSettings, *, typed: str = "") -> UrlRules:
        """Return the rules under ``settings``; ``typed`` is an address that a person typed, and did not come in a list.

        A server that listens to the network fetches from hosts that the setting names alone.
        """
        own = frozenset({_origin(_parsed(typed))}) if typed and settings.is_loopback else frozenset[tuple[str, int]]()
        return cls(
            any_host=settings.is_loopback and not settings.url_hosts,
            allow_private=settings.allow_private_addresses,
            hosts=tuple(host.lower() for host in settings.url_hosts),
            typed=own,
        )

    @classmethod
    def for_origin(cls, address: str) -> UrlRules:
        """Return rules for an address that the operator set: its host alone, wherever that is.

        Raises:
            DataError: it is no address of the web.
        """
        url = _parsed(address)
        return cls(any_host=False, hosts=(url.host.lower(),), typed=frozenset({_origin(url)}))

    def check_host(self, host: str) -> None:
        """Refuse a host that no setting allows.

        Raises:
            DataError: URL_REFUSED.
        """
        name = host.lower().rstrip(".")
        if self.any_host or any(_matches(name, pattern) for pattern in self.hosts):
            return
        raise DataError(
            f"Nothing is fetched from {name[:100]!r}.",
            hint="The setting url_hosts names the hosts that pictures may come from.",
            rule="URL_REFUSED",
        )

    def checked(self, host: str, port: int) -> list[str]:
        """Resolve ``host`` once, and return its addresses.

        Raises:
            DataError: it does not exist (URL_UNREACHABLE), or one of its addresses may not be reached (URL_REFUSED).
        """
        self.check_host(host)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise DataError(f"The host {host[:100]!r} is not known.", rule="URL_UNREACHABLE") from error
        ips = list(dict.fromkeys(str(each[4][0]) for each in found))
        allow_private = self.allow_private or (host.lower(), port) in self.typed
        for ip in ips:
            if why := _forbidden(ipaddress.ip_address(ip), allow_private=allow_private):
                raise DataError(
                    f"{host[:100]!r} leads to {why}, which addresses must not reach.",
                    hint="The setting allow_private_addresses allows private networks and this machine.",
                    rule="URL_REFUSED",
                )
        return ips


def _matches(name: str, pattern: str) -> bool:
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


def _forbidden(ip: Ip, *, allow_private: bool) -> str:
    """Return what kind of address ``ip`` is where it may not be reached; empty where it may."""
    ip = _embedded(ip)
    if ip in _METADATA:
        return "a cloud's metadata service"
    if ip.is_loopback:
        return "" if allow_private else "this machine"
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved:
        return "no ordinary address"
    return "" if allow_private or ip.is_global else "a private network"


def _embedded(ip: Ip) -> Ip:
    """Return the address of version 4 that one of version 6 carries in itself, else ``ip``."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip.ipv4_mapped or ip.sixtofour:
        return ip.ipv4_mapped or ip.sixtofour or ip
    if ip.teredo:
        return ip.teredo[1]
    if ip in _NAT64 or (ip in _COMPATIBLE and int(ip) > 1):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


class _Backend(httpcore.NetworkBackend):
    """Connects to addresses that were checked."""

    def __init__(self, rules: UrlRules) -> None:
        self._rules = rules
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        last: Exception | None = None
        for ip in self._rules.checked(host, port):
            try:
                return self._inner.connect_tcp(ip, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last or httpcore.ConnectError("the host has no address")


_Take = Callable[[httpcore.Response, float], bytes]
"""Takes an answer's body, until a deadline."""


class Fetcher:
    """Fetches from the addresses that its rules allow; several threads may use one."""

    def __init__(self, rules: UrlRules, *, max_bytes: int = MAX_BYTES, threads: int = 8) -> None:
        self._rules, self._max_bytes = rules, max_bytes
        self._pool = httpcore.ConnectionPool(
            network_backend=_Backend(rules), max_connections=threads, max_keepalive_connections=threads
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def get(self, address: str, *, tries: int = TRIES) -> bytes:
        """Return what lies at ``address``; a server that is busy or out of reach is asked again.

        Raises:
            DataError: it may not be fetched (URL_REFUSED), does not come (URL_UNREACHABLE, URL_STATUS, URL_SLOW), or is too large.
        """
        return self.get_from(address, tries=tries)[0]

    def save(
        self, address: str, out: IO[bytes], *, max_bytes: int, told: Callable[[int, int], None], tries: int = TRIES
    ) -> None:
        """Write what lies at ``address`` to ``out``, however long it takes to come; ``told(bytes so far, bytes in all or 0)`` may raise.

        Raises:
            DataError: as :meth:`get`.
        """

        def take(response: httpcore.Response, _deadline: float) -> bytes:
            out.seek(0)
            out.truncate()
            sizes = [value for name, value in response.headers if name.lower() == b"content-length"]
            total = int(sizes[0]) if sizes and sizes[0].isdigit() else 0
            have = 0
            for chunk in response.iter_stream():
                have += out.write(chunk)
                if have > max_bytes:
                    raise DataError(f"There are more than {max_bytes:,} bytes there.", rule="URL_TOO_LARGE")
                told(have, total)
            return b""

        self._tried(address, tries, take)

    def get_from(self, address: str, *, tries: int = TRIES) -> tuple[bytes, str]:
        """Do what :meth:`get` does; return also the address that redirects led to."""
        return self._tried(address, tries, self._body)

    def _tried(self, address: str, tries: int, take: _Take) -> tuple[bytes, str]:
        for left in range(tries - 1, -1, -1):
            try:
                return self._get(address, take)
            except _BusyError:
                if not left:
                    raise
                time.sleep(_PAUSE_S * (tries - left) * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing
        raise AssertionError("tries are at least 1")

    def _get(self, address: str, take: _Take) -> tuple[bytes, str]:
        deadline = time.monotonic() + TOTAL_S
        for _ in range(MAX_REDIRECTS + 1):
            url = _parsed(address)
            self._rules.check_host(url.host)
            found = self._once(url, deadline, take)
            if isinstance(found, bytes):
                return found, address
            address = urljoin(address, found)
        raise DataError(f"The address leads on more than {MAX_REDIRECTS} times.", rule="URL_STATUS")

    def _once(self, url: httpx.URL, deadline: float, take: _Take) -> bytes | str:
        """Return what is there, or where it says to look instead."""
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        timeouts = {"connect": CONNECT_S, "read": READ_S, "write": READ_S, "pool": TOTAL_S}
        headers = [*_HEADERS, (b"Host", url.netloc)]
        try:
            with self._pool.stream("GET", target, headers=headers, extensions={"timeout": timeouts}) as response:
                if response.status in _REDIRECTS:
                    return _location(response)
                if response.status in _BUSY:
                    raise _BusyError(f"The address answered {response.status}.", rule="URL_STATUS")
                if response.status != 200:
                    raise DataError(f"The address answered {response.status}.", rule="URL_STATUS")
                return take(response, deadline)
        except httpcore.TimeoutException as error:
            raise _BusyError("The address did not answer in time.", rule="URL_SLOW") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise _BusyError(f"The address could not be fetched: {error}.", rule="URL_UNREACHABLE") from error

    def _body(self, response: httpcore.Response, deadline: float) -> bytes:
        data = bytearray()
        for chunk in response.iter_stream():
            data += chunk
            if len(data) > self._max_bytes:
                raise DataError(f"There are more than {self._max_bytes:,} bytes there.", rule="URL_TOO_LARGE")
            if time.monotonic() > deadline:
                raise DataError(f"It did not come within {TOTAL_S:.0f} s.", rule="URL_SLOW")
        return bytes(data)


class _BusyError(DataError):
    """It may come at another try."""


def _location(response: httpcore.Response) -> str:
    for name, value in response.headers:
        if name.lower() == b"location":
            return value.decode("latin-1")
    raise DataError(f"The address answered {response.status}, and does not say where to look.", rule="URL_STATUS")


def _parsed(address: str) -> httpx.URL:
    """Return an address taken apart.

    Raises:
        DataError: it is none of the web, or holds a password.
    """
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise DataError(f"This is no address: {error}.", rule="URL_REFUSED") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise DataError("Only http:// and https:// are fetched.", rule="URL_REFUSED")
    if url.userinfo:
        raise DataError("An address must not hold a name or password.", rule="URL_REFUSED")
    return url


def _origin(url: httpx.URL) -> tuple[str, int]:
    return url.raw_host.decode("ascii").lower(), url.port or {"http": 80, "https": 443}[url.scheme]
