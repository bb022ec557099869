from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from digits.core.settings import Settings
from digits.web.routes import Route, routes
from digits.web.security import POLICY, allowed_hosts, host_name, is_address
from tests.web.conftest import World
from tests.web.serving import Serving, serving
from tests.web.standin import service

CANARY = "canary-5a1d-must-never-be-told"
ROUTES = [(method, row) for row in routes() for method in row.methods.split()]
NAMES = [f"{method} {row.path}" for method, row in ROUTES]
CHANGING = [(method, row) for method, row in ROUTES if method not in ("GET", "HEAD") or row.changes]
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Referer": "https://evil.example/page"},
]


def filled(row: Route, value: str = "20261124-000000-abcd") -> str:
    """Return the path of a row with ``value`` for every part that is free."""
    return re.sub(r"{[^}]+}", lambda _: quote(value, safe=""), row.path)


def payloads(canary: Path) -> list[str]:
    """Return parts of addresses that try to reach ``canary``, or to upset who reads them; percent-encoded where they must be."""
    up = "../" * 12
    target = str(canary)
    plain = [
        f"{up}{target}", f"..{target}", target, f"/{target}", f"//{target}", f"./{up}{target}", f"....//....//{target}", f"file://{target}",
        "..", ".", "...", "~", f"{up}etc/passwd", "/etc/passwd", "..\\..\\..\\etc\\passwd", "\\\\host\\share\\x", "C:\\Windows\\win.ini",
        "a" * 5000, "é" * 300, "\u202e\u0000x", "x\0.png", "\r\nSet-Cookie: a=b", "{{7*7}}", "${7*7}", "'; DROP TABLE jobs; --", "%s%n%x",
        "<script>alert(1)</script>", "%2e%2e%2f", "-1", "1e400", "nan", "None", "[]", "*", "?", "#", ";", "|id", "$(id)", "`id`", "\x1b[31m", " ", "",
    ]  # fmt: skip
    encoded = [quote(text, safe="") for text in plain]
    return [
        *encoded, *(quote(text, safe="") for text in encoded[:12]),  # double encoding
        f"..%2f..%2f..%2f..%2f..%2f{quote(target, safe='')}", f"..%252f..%252f{quote(target, safe='')}", "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "..%c0%af..%c0%af..%c0%afetc/passwd", "%ff%fe", "%c0%80", "%u002e%u002e/", "..;/..;/etc/passwd", f"..#/{target}", f"..?/{target}", "%00", "%",
        "%zz", "x%0d%0aX-Evil:%201",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, Path]]:
    """Run a server beside a canary file that lies next to its jobs folder, linked from within a job."""
    from tests.web.fixture_site import fill

    root = tmp_path_factory.mktemp("guarded")
    canary = root / "canary.txt"
    canary.write_text(CANARY)
    settings = Settings(root=root / "root", max_upload_bytes=2_000_000)
    ids = fill(settings)
    (settings.jobs / ids["mnist"] / "link.txt").symlink_to(canary)
    (settings.jobs / ids["mnist"] / "out").symlink_to(root)
    (settings.jobs / ids["mnist"] / ".hidden.txt").write_text(CANARY)
    with serving(settings) as site, service(site.store, "inspect", lambda *_: (400, {"error": {"message": "No."}})):
        site.login("ana")
        yield site, canary


def attack_address(site: Serving, method: str, row: Route, attacks: list[str]) -> None:
    """Put every attack into the free parts of a row's path, alone and behind the id of a real job."""
    job = site.json("/index.json")["datasets"][0]["id"]
    known = row.path.replace("{job_id}", job).replace("{path:path}", f"{job}/{{x}}")
    for attack in attacks:
        for path in {row.path, known}:
            target = attack.join(re.split(r"{[^}]+}", path))
            status, _, body = site.raw(method, target, headers={"Cookie": "username=zoe"})

            assert status < 500, (target, status, body[-2000:])
            assert CANARY.encode() not in body, target
            assert b"root:x:" not in body, target


def attack_parameters(site: Serving, method: str, row: Route, attacks: list[str]) -> None:
    """Put every attack into the parameters of a row, with and without the id of a real job."""
    # What names a file of the server on purpose is left out.
    names = ({param.name for param in row.params} | {"clone", "next"}) - {"image_path", "path", "query", "job_id"}
    job_id = site.json("/index.json")["models"][0]["id"]
    for attack in attacks:
        query = "&".join(f"{quote(name)}={attack}" for name in sorted(names))
        for given in (attack, job_id):
            target = f"{filled(row, job_id)}?job_id={given}&{query}"
            status, _, body = site.raw(method, target, headers={"Cookie": "username=zoe"})

            assert status < 500 or status == 503, (target, status, body[-2000:])  # 503: no runner, no service
            assert CANARY.encode() not in body, target


FREE = [(method, row) for method, row in ROUTES if "{" in row.path]


@pytest.mark.parametrize("place", range(len(FREE)), ids=[f"{method} {row.path}" for method, row in FREE])
def test_no_odd_address_brings_a_canary_or_a_500(guarded: tuple[Serving, Path], place: int) -> None:
    site, canary = guarded

    attack_address(site, *FREE[place], payloads(canary)[place % 14 :: 14])


@pytest.mark.parametrize("place", range(len(ROUTES)), ids=NAMES)
def test_no_odd_parameter_brings_a_canary_or_a_500(guarded: tuple[Serving, Path], place: int) -> None:
    site, canary = guarded

    attack_parameters(site, *ROUTES[place], payloads(canary)[place % 18 :: 18])


@pytest.mark.slow
@pytest.mark.parametrize("place", range(len(ROUTES)), ids=NAMES)
def test_every_odd_text_on_every_route_brings_neither_a_canary_nor_a_500(
    guarded: tuple[Serving, Path], place: int
) -> None:
    site, canary = guarded
    method, row = ROUTES[place]

    attack_parameters(site, method, row, payloads(canary))
    if "{" in row.path:
        attack_address(site, method, row, payloads(canary))


@pytest.mark.parametrize(
    "path", ["link.txt", "out/canary.txt", "out", ".hidden.txt", "../canary.txt", "", ".", "snapshots"]
)
def test_files_are_given_out_only_from_inside_the_job(guarded: tuple[Serving, Path], path: str) -> None:
    site, _ = guarded
    job = next(row["id"] for row in site.json("/index.json")["datasets"] if row["name"].startswith("MNIST"))

    status, _, body = site.raw("GET", f"/files/{job}/{path}")

    assert status == 404
    assert CANARY.encode() not in body


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: next(iter(headers.items())))
@pytest.mark.parametrize(("method", "row"), CHANGING, ids=[f"{method} {row.path}" for method, row in CHANGING])
def test_a_page_of_another_origin_changes_nothing(
    world: World, method: str, row: Route, headers: dict[str, str]
) -> None:
    status, _, body = world.site.raw(
        method, filled(row, world.ids["done"]), headers={"Cookie": "username=ana"} | headers
    )

    assert status == 403
    assert b"another site" in body


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE", "POST", "TRACE", "CONNECT", "PROPFIND", "HACK"])
@pytest.mark.parametrize("path", ["/", "/jobs", "/models/20261124-000000-abcd", "/static/icon.svg", "/nothing"])
def test_a_foreign_origin_is_refused_for_every_verb(world: World, method: str, path: str) -> None:
    status, _, _ = world.site.raw(method, path, headers={"Origin": "https://evil.example"})

    assert status == 403


def test_a_page_of_ours_and_a_program_without_a_page_may_change_things(world: World) -> None:
    site = world.site
    ours = {"Origin": site.address, "Sec-Fetch-Site": "same-origin"}

    behind_a_proxy = {"Origin": "https://lab.example", "Sec-Fetch-Site": "same-origin"}

    assert site.raw("POST", "/logout", headers=ours)[0] == 302
    assert site.raw("POST", "/logout", headers=behind_a_proxy)[0] == 302
    assert site.raw("POST", "/logout")[0] == 302


@pytest.mark.parametrize(("method", "row"), ROUTES, ids=NAMES)
def test_a_name_that_was_rebound_to_this_machine_is_refused_everywhere(world: World, method: str, row: Route) -> None:
    for host in ("evil.example", f"evil.example:{world.site.port}", "127.0.0.1.evil.example", "localhost.evil.example"):
        status, headers, _ = world.site.raw(method, filled(row), headers={"Host": host})

        assert status == 421
        assert headers["content-security-policy"] == POLICY


@pytest.mark.parametrize(
    "host", ["", "a@127.0.0.1", "[::1", "127.0.0.1:x", "127.0.0.1/", "evil.example#127.0.0.1", "0.0.0.0"]
)
def test_a_host_that_is_none_is_refused(world: World, host: str) -> None:
    assert world.site.raw("GET", "/healthz", headers={"Host": host})[0] in (400, 421)


def test_static_files_are_guarded_too(world: World) -> None:
    status, headers, _ = world.site.raw("GET", "/static/js/docs.js")
    assert (status, headers["x-content-type-options"]) == (200, "nosniff")

    assert world.site.raw("GET", "/static/js/docs.js", headers={"Host": "evil.example"})[0] == 421
    assert world.site.raw("GET", "/static/../app.py")[0] == 404
    assert world.site.raw("GET", "/static/%2e%2e/app.py")[0] == 404


def test_a_server_on_the_network_answers_to_its_addresses_and_its_name_but_to_no_other(tmp_path: Path) -> None:
    hosts = allowed_hosts(Settings(root=tmp_path, host="0.0.0.0", server_name="lab.example"))

    assert "lab.example" in hosts
    assert "evil.example" not in hosts
    assert is_address(host_name("10.1.2.3:5000"))
    assert is_address(host_name("[fe80::1]:5000"))
    assert not is_address(host_name("evil.example"))


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/index.json", "/docs", "/login"])
def test_every_answer_carries_the_policy(world: World, path: str) -> None:
    headers = world.site.client.get(path).headers

    assert headers["content-security-policy"] == POLICY
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"


def test_a_body_beyond_the_setting_is_refused_before_it_is_kept(world: World) -> None:
    site, body = world.site, b"username=" + b"a" * 6_000_000
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    assert site.raw("POST", "/login", headers=form | {"Content-Length": str(10**12)})[0] == 413
    chunks = iter([body[start : start + 65536] for start in range(0, len(body), 65536)])
    answer = site.client.post("/login.json", content=chunks, headers=form)

    assert answer.status_code in (404, 413)
    chunks = iter([body[start : start + 65536] for start in range(0, len(body), 65536)])
    assert site.client.post("/login", content=chunks, headers=form).status_code == 413


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=x", b"garbage"),
        ("multipart/form-data", b"garbage"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n" + b"X: y\r\n" * 10_000),
        ("application/x-www-form-urlencoded", b"username=%ff%fe&=&&&%"),
        ("application/x-www-form-urlencoded", b"username=a%00b"),
        ("application/json", b"{"),
        ("application/json", b"[1]"),
        ("application/json", b"[" * 100_000),
        ("application/json", b'{"username": "\\ud800"}'),
        ("application/json", b'{"name": {"a": NaN}, "username": 1e999}'),
        ("text/plain", b"\xff\xff"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "path", ["/login", "/datasets/images/classification.json", "/models/images/classification/classify_one.json"]
)
def test_a_body_that_is_none_is_the_senders_mistake(world: World, path: str, kind: str, body: bytes) -> None:
    status, _, answer = world.site.raw(
        "POST", path, headers={"Content-Type": kind, "Cookie": "username=ana"}, body=body
    )

    assert status < 500, answer


def test_ten_thousand_ranges_are_answered_at_once(world: World) -> None:
    ranges = "bytes=" + ",".join(f"{start}-{start}" for start in range(10_000))

    status, _, _ = world.site.raw("GET", f"/files/{world.ids['mnist']}/mean.jpg", headers={"Range": ranges[:60_000]})

    assert status in (200, 206, 400, 416, 431)


def test_a_websocket_gets_nothing(world: World) -> None:
    headers = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "x" * 22 + "==",
        "Origin": "https://evil.example",
    }  # fmt: skip

    status, _, _ = world.site.raw("GET", "/index.json", headers=headers)

    assert status in (200, 400, 403, 404)  # an ordinary answer, which the browser may not read, or a refusal: never 101


def test_a_job_named_by_an_attacker_is_shown_as_text(world: World) -> None:
    evil = "<script>alert(1)</script>\"'>{{7*7}}"
    site = world.site
    folder = site.settings.root / "spool"

    status, _, body = site.raw("GET", f"/login?next={quote(evil)}", headers={"Cookie": f"username={quote(evil)}"})
    assert status == 200
    assert b"<script>alert" not in body
    assert b"49" not in re.findall(rb'value="[^"]*"', body)
    assert not list(folder.glob("*")) if folder.exists() else True


def test_json_that_travels_as_html_holds_no_tag(world: World) -> None:
    answer = world.site.client.post("/models/customize", params={"network": "<script>", "framework": "caffe"})

    assert "<script>" not in answer.text
    query = world.site.client.get("/autocomplete/path", params={"query": "/<script>"})
    assert json.loads(query.text) == {"suggestions": []}
