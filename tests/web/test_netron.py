"""Netron below /netron/: its page asks no other host, its files are its own alone, and without it people are told what to install."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from urllib.parse import quote

import pytest

from digits.web.netron import MEDIA_TYPES, folder
from tests.web.conftest import World


def test_the_page_is_of_no_version_no_date_and_brings_the_cookie_of_consent(world: World) -> None:
    page = world.site.client.get("/netron/")

    assert page.status_code == 200
    assert re.findall(r'<meta name="version" content="([^"]*)"', page.text) == ["0.0.0"]
    assert 'name="date"' not in page.text
    cookie = page.headers["set-cookie"]
    assert cookie.startswith("consent=1;")
    assert "Path=/netron/" in cookie
    assert "HttpOnly" not in cookie  # Netron's script reads it


def test_the_page_may_reach_this_host_alone_and_run_no_script_of_its_own_text(world: World) -> None:
    page = world.site.client.get("/netron/")

    rules = dict(rule.strip().split(" ", 1) for rule in page.headers["content-security-policy"].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert rules["connect-src"] == "'self' data:"
    assert rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    style = re.search(r"<style>(.*?)</style>", page.text, re.DOTALL)
    assert style is not None
    assert base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode() in rules["style-src"]
    assert not re.search(r"<script(?![^>]*src=)", page.text)


def test_the_page_is_kept_and_its_policy_stays_with_it(world: World) -> None:
    first = world.site.client.get("/netron/")
    again = world.site.client.get("/netron/", headers={"If-None-Match": first.headers["etag"]})

    assert again.status_code == 304
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["view.js", "caffe.js", "caffe-metadata.json", "grapher.css", "favicon.ico"])
def test_its_files_come_with_their_type_and_are_not_sent_twice(world: World, name: str) -> None:
    first = world.site.client.get(f"/netron/{name}")
    again = world.site.client.get(f"/netron/{name}", headers={"If-None-Match": first.headers["etag"]})

    where = folder()
    assert where is not None
    assert first.content == (where / name).read_bytes()
    assert first.headers["content-type"] == MEDIA_TYPES[name[name.rindex(".") :]]
    assert (again.status_code, again.content) == (304, b"")
    assert world.site.client.head(f"/netron/{name}").headers["content-length"] == str(len(first.content))


@pytest.mark.parametrize(
    "name",
    [
        "server.py",
        "__init__.py",
        "onnx.py",
        "index.html",
        "none.js",
        "../netron/view.js",
        "..",
        ".",
        "/etc/passwd",
        "VIEW.JS",
        "a\nb.js",
    ],
)
def test_nothing_else_is_given_out(world: World, name: str) -> None:
    status, _, _ = world.site.raw("GET", f"/netron/{quote(name, safe='')}")

    assert status == 404


def test_the_server_runs_none_of_netrons_python(world: World) -> None:
    world.site.client.get("/netron/")
    world.site.client.get("/netron/view.js")

    assert not [name for name in sys.modules if name.partition(".")[0] == "netron"]


def test_a_page_that_fetches_what_it_is_told_to_logs_nobody_out(world: World) -> None:
    fetched = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty", "Cookie": "username=ana"}

    assert world.site.raw("GET", "/logout", headers=fetched)[0] == 403
    assert world.site.raw("GET", "/group?job_ids[]=x", headers=fetched)[0] == 403
    assert world.site.raw("GET", "/logout", headers=fetched | {"Sec-Fetch-Dest": "document"})[0] == 302


def test_without_netron_its_address_says_what_to_install(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "netron", None)  # as Python says of a package that is not there

    page = world.site.client.get("/netron/?url=/files/x", headers={"Accept": "text/html"})

    assert page.status_code == 503
    assert "pip install netron" in page.text
    assert world.site.client.get("/netron/view.js").status_code == 503
