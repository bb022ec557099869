"""The report of a model: one file with all in it, and nothing in it that points outside."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from pathlib import Path

import pytest
from PIL import Image

from digits.client import Client
from digits.core.metrics import MetricsWriter
from digits.web.pages.plot import Line, chart, ticks
from tests.web.conftest import World, build_dataset, draw_pictures, model_of
from tests.web.markup import read
from tests.web.serving import Serving


def test_a_report_points_to_nothing_outside_itself(world: World) -> None:
    text = world.site.client.get(f"/models/{world.ids['done']}/report.html").text

    pointing = re.findall(r"""(?:src|srcset|href|action)\s*=\s*["']?([^"'\s>]+)|url\(([^)]*)\)|@import""", text)
    assert [each for each in pointing if not each[0].startswith("data:")] == []
    assert "<script" not in text
    assert "<link" not in text


def test_a_report_lets_the_browser_load_its_own_style_and_nothing_else(world: World) -> None:
    answer = world.site.client.get(f"/models/{world.ids['done']}/report.html")

    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    within = read(answer.text).one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    for policy in (within, answer.headers["content-security-policy"]):
        assert policy.startswith(f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'")


def test_a_report_tells_curves_settings_snapshots_and_the_dataset(world: World) -> None:
    page = read(world.site.client.get(f"/models/{world.ids['done']}/report.html").text)

    assert [each.text for each in page.find("h2")] == [
        "Model", "Dataset", "Results", "Curves", "Snapshots", "Settings", "Pictures", "Network",
    ]  # fmt: skip
    assert len([each for each in page.find("svg") if each.attributes.get("class") == "plot"]) == 3
    assert "431,080" in page.text
    assert "MNIST 28 × 28" in page.text


def test_examples_of_each_class_are_in_the_file_as_pictures(empty: Serving, tmp_path: Path) -> None:
    dataset = build_dataset(empty.store, draw_pictures(tmp_path / "in", classes=3))
    model = model_of(empty.store, dataset)

    page = read(empty.client.get(f"/models/{model.id}/report.html").text)

    pictures = page.find("img")
    assert {each.attributes["alt"] for each in pictures} == {"class 0", "class 1", "class 2"}
    first = base64.b64decode(pictures[0].attributes["src"].partition("base64,")[2])
    assert Image.open(io.BytesIO(first)).size == (12, 12)


def test_a_name_with_markup_in_it_stays_text(empty: Serving, tmp_path: Path) -> None:
    dataset = build_dataset(empty.store, draw_pictures(tmp_path / "in"))
    model = model_of(empty.store, dataset, name="<img src=//evil/x>")
    writer = MetricsWriter(model.folder.metrics)
    writer.append("<b>/val", step=1, epoch=1, value=1.0)
    writer.close()

    text = empty.client.get(f"/models/{model.id}/report.html").text

    assert "<img src=//evil" not in text
    assert "<b>/val" not in text
    assert "&lt;img src=//evil/x&gt;" in text


def test_the_client_writes_a_report_to_a_file(world: World, tmp_path: Path) -> None:
    with Client(world.site.address) as client:
        client.model.report(world.ids["done"], tmp_path / "model.html")

    assert (tmp_path / "model.html").read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (0, 10, [0, 2, 4, 6, 8, 10]), (90, 100.25, [90, 95, 100]), (3, 3, [3])],
)
def test_numbers_of_an_axis_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_a_curve_without_a_finite_value_is_not_drawn() -> None:
    assert chart([Line("loss (val)", 2, True, [1, 2], [None, None])]) == ""
    assert "polyline" in chart([Line("loss (val)", 2, True, [1, 2], [None, 0.5])])
