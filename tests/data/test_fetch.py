from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from digits.core.errors import DataError
from digits.core.settings import Settings
from digits.core.work import WorkerSettings
from digits.data import fetch
from digits.data.fetch import Fetcher, UrlRules
from tests.data.webserver import Answer, Site, site

LISTED = UrlRules.of(WorkerSettings())
LOCAL = UrlRules.of(WorkerSettings(allow_private_addresses=True))

# Each leads to this machine, to a private network or to a metadata service, or is no address of the web.
TARGETS = [
    "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://LOCALHOST:{port}/", "http://localhost.:{port}/",
    "http://127.1:{port}/", "http://127.0.1:{port}/", "http://2130706433:{port}/", "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/", "http://0177.0.0.1:{port}/", "http://017700000001:{port}/", "http://127.255.255.254:{port}/",
    "http://0:{port}/", "http://0.0.0.0:{port}/", "http://[::1]:{port}/", "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/", "http://[::ffff:7f00:1]:{port}/", "http://[::127.0.0.1]:{port}/",
    "http://[0:0:0:0:0:ffff:7f00:0001]:{port}/", "http://[64:ff9b::7f00:1]:{port}/", "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:7f00:1::80ff:fffe]:{port}/", "http://[fe80::1]:{port}/", "http://[fc00::1]:{port}/",
    "http://[fd00:ec2::254]:{port}/", "http://169.254.169.254/latest/meta-data/", "http://[::ffff:169.254.169.254]/",
    "http://100.100.100.200/", "http://2852039166/", "http://10.0.0.1:{port}/", "http://172.16.0.1:{port}/",
    "http://192.168.1.1:{port}/", "http://100.64.0.1:{port}/", "http://224.0.0.1:{port}/", "http://255.255.255.255:{port}/",
    "http://user@127.0.0.1:{port}/", "http://example.org@127.0.0.1:{port}/", "http://127.0.0.1:{port}#@example.org/",
    "http://１２７.0.0.1:{port}/", "gopher://127.0.0.1:{port}/", "file:///etc/passwd", "ftp://127.0.0.1:{port}/",
    "//127.0.0.1:{port}/", "http:///", "http://", "HTTP://127.0.0.1:{port}/", "http://127.0.0.1\t:{port}/",
]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    with site() as made:
        yield made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_PAUSE_S", 0.0)


@pytest.mark.parametrize("target", TARGETS)
def test_an_address_of_a_list_reaches_nothing_that_only_this_machine_can_reach(server: Site, target: str) -> None:
    before = server.connections

    with Fetcher(LISTED) as fetcher, pytest.raises(DataError) as caught:
        fetcher.get(target.format(port=server.port), tries=1)

    assert caught.value.rule in ("URL_REFUSED", "URL_UNREACHABLE")
    assert server.connections == before


@pytest.mark.parametrize(
    "target", [each for each in TARGETS if "169.254" in each or "fd00" in each or "100.100" in each]
)
def test_no_setting_opens_a_metadata_service(target: str) -> None:
    with Fetcher(LOCAL) as fetcher, pytest.raises(DataError, match="metadata"):
        fetcher.get(target.format(port=80), tries=1)


def test_a_setting_opens_private_networks_and_this_machine(server: Site) -> None:
    address = server.put("/a.png?x=1", b"picture")

    with Fetcher(LOCAL) as fetcher:
        assert fetcher.get(address) == b"picture"


@pytest.mark.parametrize(
    "there",
    ["http://169.254.169.254/latest", "http://[::1]:{port}/secret", "gopher://127.0.0.1:{port}/", "http://0:{port}/"],
)
def test_each_redirect_is_checked_as_an_address_of_its_own(server: Site, there: str) -> None:
    address = server.put("/away", b"", 302, Location=there.format(port=server.port))
    asked = len(server.asked)

    with Fetcher(UrlRules.of(WorkerSettings(), typed=address)) as fetcher, pytest.raises(DataError) as caught:
        fetcher.get(address, tries=1)

    assert caught.value.rule == "URL_REFUSED"
    assert server.asked[asked:] == ["/away"]


def test_three_redirects_are_followed_and_no_fourth(server: Site) -> None:
    for number in range(4):
        server.put(f"/hop{number}", b"", 302, Location=f"hop{number + 1}")
    server.put("/hop4", b"there")

    with Fetcher(LOCAL) as fetcher:
        assert fetcher.get_from(server.address + "/hop1") == (b"there", server.address + "/hop4")
        with pytest.raises(DataError, match="more than 3 times"):
            fetcher.get(server.address + "/hop0")


def test_a_name_is_resolved_once_and_the_connection_goes_to_what_was_checked(
    server: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rebinding server answers with a public address at first, and with this machine's when asked again."""
    answers = itertools.chain(["8.8.4.4"], itertools.repeat("127.0.0.1"))
    resolved, connected = [], []

    def getaddrinfo(host: str, port: int, *_args: Any, **_kwargs: Any) -> list[Any]:
        ip = next(answers)
        resolved.append((host, ip))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    def create_connection(address: tuple[str, int], *_args: Any, **_kwargs: Any) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "create_connection", create_connection)
    with Fetcher(LISTED) as fetcher, pytest.raises(DataError):
        fetcher.get(f"http://rebind.example:{server.port}/", tries=1)

    assert resolved == [("rebind.example", "8.8.4.4")]
    assert connected == ["8.8.4.4"]


def test_a_name_with_one_private_address_among_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("8.8.4.4", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: found)

    with pytest.raises(DataError, match="private network"):
        LISTED.checked("mixed.example", 80)


def test_what_a_person_typed_may_be_on_this_machine_while_the_server_serves_it_alone(server: Site) -> None:
    address = server.put("/typed", b"picture")

    with Fetcher(UrlRules.of(Settings(), typed=address)) as fetcher:
        assert fetcher.get(address) == b"picture"
    for closed in (Settings(host="0.0.0.0", trust_network=True), Settings(url_hosts=("example.org",))):
        with Fetcher(UrlRules.of(closed, typed=address)) as fetcher, pytest.raises(DataError, match="url_hosts"):
            fetcher.get(address)


def test_only_hosts_that_the_setting_names_are_asked() -> None:
    rules = UrlRules.of(WorkerSettings(url_hosts=("Pictures.example.org", "*.example.com")))

    rules.check_host("pictures.example.org")
    rules.check_host("a.b.example.com")
    for other in ("example.org", "example.com", "notexample.com", "pictures.example.org.evil.example"):
        with pytest.raises(DataError, match="Nothing is fetched"):
            rules.check_host(other)


@pytest.mark.usefixtures("quick")
def test_a_busy_server_is_asked_again_and_a_missing_picture_is_not(server: Site) -> None:
    answers: Iterator[Answer] = iter([(503, {}, b""), (500, {}, b""), (200, {}, b"at last")])
    server.pages["/busy"] = lambda: next(answers)
    server.put("/always", b"", 502)
    asked = len(server.asked)

    with Fetcher(LOCAL) as fetcher:
        assert fetcher.get(server.address + "/busy") == b"at last"
        with pytest.raises(DataError, match="answered 404"):
            fetcher.get(server.address + "/none")
        with pytest.raises(DataError, match="answered 502"):
            fetcher.get(server.address + "/always")

    assert server.asked[asked:] == ["/busy"] * 3 + ["/none"] + ["/always"] * 3


def test_a_picture_that_is_too_large_is_not_read_to_its_end(server: Site) -> None:
    address = server.put("/large", b"x" * 1_000_001)

    with Fetcher(LOCAL, max_bytes=1_000_000) as fetcher, pytest.raises(DataError) as caught:
        fetcher.get(address)

    assert caught.value.rule == "URL_TOO_LARGE"
