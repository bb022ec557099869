"""Netron in a real browser: it draws a model's definition and a text of the form, and asks no host but ours."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from digits.core.settings import Settings
from digits.networks.caffe.definition import prepare
from digits.networks.standard import standard_text
from tests.e2e.conftest import watched
from tests.web.fixture_site import fill
from tests.web.serving import Serving, serving

LENET = prepare(
    standard_text("lenet"), where="lenet.prototxt", num_classes=10, channels=1, height=28, width=28, use_mean="none"
)
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(64, 64, 64)"
LAYERS = ["Power", "Convolution", "Pooling", "Convolution", "Pooling", "InnerProduct", "InnerProduct", "Softmax"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, str]]:
    """Run a server that has a LeNet with its true definition; return it and the model's id."""
    settings = Settings(root=tmp_path_factory.mktemp("root"))
    job = fill(settings)["done"]
    folder: Path = settings.jobs / job
    (folder / "deploy.prototxt").write_text(LENET.deploy_text)
    with serving(settings) as server:
        yield server, job


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_netron_draws_the_definition_of_a_model_and_asks_no_other_host(
    browser: Browser, model: tuple[Serving, str], dark: bool
) -> None:
    server, job = model
    with watched(browser, server.address, dark=dark) as watch:
        watch.page.goto(f"/models/{job}")
        asked: list[str] = []
        watch.page.context.on("request", lambda request: asked.append(request.url))
        with watch.page.context.expect_page() as opened:
            watch.page.locator("#network-facts").get_by_role("link", name="deploy", exact=True).click()
        nodes = opened.value.locator(
            "svg g.node"
        )  # (looked at from outside: Netron forbids eval, which Playwright needs within)

        expect(nodes).to_have_count(1 + len(LAYERS))  # with the input
        for layer, node in zip(LAYERS, nodes.all()[1:], strict=True):
            expect(node).to_contain_text(layer)
        nodes.filter(has_text="Convolution").first.click()
        expect(opened.value.locator("#sidebar")).to_contain_text("conv1")
        expect(opened.value.locator("body")).to_have_css("background-color", DARK if dark else LIGHT)
    assert any("/netron/caffe-metadata.json" in url for url in asked)
    assert not [url for url in asked if not url.startswith(f"{server.address}/")]


def test_netron_draws_a_text_out_of_its_own_address(browser: Browser, model: tuple[Serving, str]) -> None:
    server, _ = model
    data = base64.b64encode(LENET.deploy_text.encode()).decode()
    with watched(browser, server.address) as watch:
        watch.page.goto(f"/netron/?identifier=network.prototxt#data:text/plain;base64,{data}")

        expect(watch.page.locator("svg g.node")).to_have_count(1 + len(LAYERS))
