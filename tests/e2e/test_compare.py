"""Several trainings side by side in a real browser: chosen at home, drawn over each other, remembered, followed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from digits.core.metrics import MetricsWriter
from digits.core.settings import Settings
from tests.e2e.conftest import watched
from tests.web.fixture_site import fill
from tests.web.serving import Serving, serving


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, dict[str, str]]]:
    """Run a server with models in every state."""
    settings = Settings(root=tmp_path_factory.mktemp("root"))
    ids = fill(settings)
    with serving(settings) as server:
        yield server, ids


def test_chosen_models_are_compared_and_the_choice_is_remembered(
    browser: Browser, site: tuple[Serving, dict[str, str]]
) -> None:
    server, ids = site
    with watched(browser, server.address, user="ana") as watch:
        page = watch.page
        page.goto("/?tab=2")
        compare = page.get_by_role("button", name="Compare", exact=True)
        page.locator(f'tr[data-id="{ids["slow"]}"] input').check()
        expect(compare).to_be_disabled()
        page.locator(f'tr[data-id="{ids["done"]}"] input').check()
        page.locator(f'tr[data-id="{ids["old"]}"] input').check()
        compare.click()

        expect(page.get_by_role("heading", name="Compare 3 models")).to_be_visible()
        legend = page.locator('#compare [data-part="legend"] button')
        expect(legend).to_have_count(3)
        expect(legend.nth(1)).to_contain_text("99.")
        expect(page.locator("#compare canvas")).to_be_visible()
        expect(page.locator("#compared")).to_contain_text("Base Learning Rate")

        page.get_by_label("Curve", exact=True).select_option("loss/train")
        page.get_by_label("Steps").check()
        page.get_by_label("Log scale").check()
        expect(legend.first).to_contain_text("0.0")
        legend.first.click()
        expect(legend.first).to_have_attribute("aria-pressed", "false")

        box = page.locator("#compare .u-over").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 50)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=4)
        with page.expect_response(lambda answer: "from=" in answer.url) as closer:
            page.mouse.up()
        assert closer.value.ok
        page.get_by_role("button", name="Show the whole").click()

        page.reload()
        expect(page.get_by_label("Curve", exact=True)).to_have_value("loss/train")
        expect(page.get_by_label("Steps")).to_be_checked()
        expect(page.get_by_label("Log scale")).to_be_checked()


def test_a_model_that_still_runs_is_followed(browser: Browser, site: tuple[Serving, dict[str, str]]) -> None:
    server, ids = site
    running = server.store.job(ids["running"])
    with watched(browser, server.address, user="ana") as watch:
        page = watch.page
        page.goto(f"/models/compare?ids={ids['running']},{ids['done']}")
        first = page.locator('#compare [data-part="legend"] button').first
        expect(first).to_contain_text("99.0")

        writer = MetricsWriter(running.folder.metrics)
        writer.append("accuracy/val", step=4576, epoch=6.5, value=0.5678)
        writer.close()

        expect(first).to_contain_text("56.78 %")
        expect(page.locator(f'#compared tr[data-id="{ids["running"]}"]')).to_contain_text("56.78")


@pytest.mark.slow
@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_fits_its_width(browser: Browser, site: tuple[Serving, dict[str, str]], width: int) -> None:
    server, ids = site
    asked = ",".join(ids[name] for name in ("slow", "done", "running", "waiting", "nan", "aborted", "old"))
    with watched(browser, server.address, user="ana", width=width, dark=width == 390) as watch:
        watch.page.goto(f"/models/compare?ids={asked}")
        expect(watch.page.locator("#compare canvas")).to_be_visible()
        beyond = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert watch.page.evaluate(beyond) <= 0


def test_a_report_opened_from_a_disk_asks_for_nothing(
    browser: Browser, site: tuple[Serving, dict[str, str]], tmp_path: Path
) -> None:
    server, ids = site
    file = tmp_path / "model.html"
    file.write_bytes(server.client.get(f"/models/{ids['done']}/report.html").content)
    with watched(browser, server.address) as watch:
        watch.page.goto(file.as_uri())
        expect(watch.page.locator("svg.plot").first).to_be_visible()
        assert watch.page.evaluate("() => getComputedStyle(document.body).maxWidth") == "1000px"
