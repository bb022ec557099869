from __future__ import annotations

import json
import math

import pytest
from starlette.requests import Request

from digits.web.answers import json_as_html, tag_of, to_json, unchanged, wants_json


def request(path: str = "/", **headers: str) -> Request:
    """Return a GET as a handler sees it."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request(
        {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": raw, "server": ("h", 1)}
    )


@pytest.mark.parametrize(
    ("accept", "json_wanted"),
    [
        ("*/*", False),
        ("", False),
        ("text/html", False),
        ("application/json", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("application/json, text/plain, */*", False),
        ("application/json, text/html;q=0.9", True),
        ("application/json;q=0.5, */*;q=0.4", True),
        ("application/*", True),
        ("text/html;q=0, application/json;q=0.1", True),
        ("application/json;q=nonsense", False),
        ("application/json;;;=,,", True),
    ],
)
def test_json_is_sent_to_those_who_strictly_prefer_it(accept: str, json_wanted: bool) -> None:
    assert wants_json(request("/models/x", accept=accept)) is json_wanted
    assert wants_json(request("/models/x.json", accept="text/html"))


def test_what_json_has_no_word_for_becomes_null_and_the_order_stays() -> None:
    value = {"b": math.nan, "a": [math.inf, 1.5, (-math.inf,)], "job id": "\udcff"}

    assert json.loads(to_json(value)) == {"b": None, "a": [None, 1.5, [None]], "job id": "\udcff"}
    assert list(json.loads(to_json(value))) == ["b", "a", "job id"]


def test_json_as_html_holds_no_tag_and_reads_the_same() -> None:
    value = {"name": "</script><script>alert(1)</script>&amp;"}

    body = json_as_html(value).body

    assert b"<" not in bytes(body)
    assert json.loads(bytes(body)) == value


def test_equal_parts_have_equal_tags_and_a_known_tag_needs_no_answer() -> None:
    tag = tag_of("job", 3)

    assert tag == tag_of("job", 3) != tag_of("job", 4)
    assert unchanged(request(if_none_match=f'"x", W/{tag}'), tag) is not None
    assert unchanged(request(if_none_match='"x"'), tag) is None
    assert unchanged(request(), tag) is None
