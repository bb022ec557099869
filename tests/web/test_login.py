from __future__ import annotations

import pytest

from digits.web.auth import local_path
from digits.web.routes import routes
from tests.web.conftest import World
from tests.web.serving import Serving
from tests.web.test_security import filled

ROWS = [(method, row) for row in routes() for method in row.methods.split() if row.login]
NAMES = [f"{method} {row.path}" for method, row in ROWS]


def test_a_good_name_is_remembered_in_digits_cookie_and_leads_on(empty: Serving) -> None:
    answer = empty.client.post("/login", data={"username": "fred", "next": "/datasets/images/classification/new"})

    assert answer.status_code == 302
    assert answer.headers["location"] == "/datasets/images/classification/new"
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("username=fred;")
    assert "samesite=lax" in cookie
    assert "httponly" in cookie


@pytest.mark.parametrize(
    "name", ["", "Fred", "1st", "fred smith", "fred/../x", "fred\r\nX-Evil: 1", "é", "a" * 200, "<b>"]
)
def test_a_bad_name_shows_the_form_again_with_what_was_typed(empty: Serving, name: str) -> None:
    answer = empty.client.post("/login", data={"username": name})

    assert answer.status_code == 200
    assert "Invalid username" in answer.text
    assert "alert-danger" in answer.text
    assert "set-cookie" not in answer.headers
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/%2fevil.example", "/%5cevil.example",
     "javascript:alert(1)", "/x\r\nSet-Cookie: a=b", "/x%0d%0aX-Evil:1", "/\t/evil.example", "evil", " /x"],
)  # fmt: skip
def test_a_login_leads_nowhere_but_to_this_server(empty: Serving, target: str) -> None:
    assert local_path(target) == "/"

    answer = empty.client.post("/login", data={"username": "fred", "next": target})

    assert answer.headers["location"] == "/"
    assert "x-evil" not in answer.headers


def test_without_next_a_login_leads_back_to_the_page_one_came_from(empty: Serving) -> None:
    def led(referrer: str) -> str:
        headers = {"Referer": referrer}
        return empty.client.post("/login", data={"username": "fred"}, headers=headers).headers["location"]

    assert led(f"{empty.address}/models/abc?x=1") == "/models/abc?x=1"
    assert led(f"{empty.address}/login?next=/x") == "/"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_logout_forgets_the_name(empty: Serving, method: str) -> None:
    empty.login("fred")

    answer = empty.client.request(method, "/logout")

    assert answer.status_code == 302
    assert 'username="";' in answer.headers["set-cookie"]
    assert not empty.client.cookies.get("username")


@pytest.mark.parametrize(("method", "row"), ROWS, ids=NAMES)
def test_without_a_name_pages_lead_to_the_login_and_actions_answer_401(world: World, method: str, row: object) -> None:
    from digits.web.routes import Route

    assert isinstance(row, Route)
    path = filled(row, world.ids["done"])

    status, headers, _ = world.site.raw(method, path)

    if row.login == "page":
        assert status == 302
        assert headers["location"].startswith("/login?next=")
    else:
        assert status == 401
    assert world.site.raw(method, path, headers={"Accept": "application/json"})[0] == 401
    assert b"Unauthorized" in world.site.raw(method, path, headers={"Accept": "application/json"})[2]


def test_an_invalid_name_in_the_cookie_is_said(world: World) -> None:
    status, _, body = world.site.raw("POST", f"/jobs/{world.ids['done']}/abort", headers={"Cookie": "username=FRED"})

    assert status == 400
    assert b"Invalid username" in body


def test_the_name_may_come_in_the_query_or_the_form_as_on_digits(empty: Serving) -> None:
    client = empty.client

    assert client.post("/datasets/images/classification.json", data={"username": "fred"}).status_code == 400
    assert client.post("/datasets/images/classification.json?username=fred").status_code == 400
    assert client.post("/datasets/images/classification.json").status_code == 401


def test_the_way_to_the_login_keeps_the_query(world: World) -> None:
    _, headers, _ = world.site.raw("GET", "/datasets/images/classification/new?clone=abc")

    assert headers["location"] == "/login?next=%2Fdatasets%2Fimages%2Fclassification%2Fnew%3Fclone%3Dabc"
