"""All pages in a real browser: they fit every width and both themes, work by keyboard, follow the server, and keep quiet."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from digits.core.events import EventWriter, Progress
from digits.core.settings import Settings
from digits.core.states import JobState
from digits.extensions.datasets.classification.split import split_counts
from tests.e2e.conftest import watched
from tests.web.fixture_datasets import draw_digits
from tests.web.fixture_site import fill
from tests.web.serving import Serving, serving

WIDTHS = (1440, 390, *(pytest.param(width, marks=pytest.mark.slow) for width in (900, 600)))
PAGES = (
    "/", "/?tab=1", "/login", "/components", "/datasets/images/classification/new", "/datasets/{mnist}", "/datasets/{building}",
    "/datasets/{broken}", "/datasets/images/classification/explore?job_id={real}&size=50", "/models/{running}", "/models/{done}",
    "/models/{waiting}", "/models/{nan}", "/models/images/classification/large_graph?job_id={done}",
)  # fmt: skip
TEXTS = ("text", "muted", "accent", "initialized", "waiting", "running", "done", "aborted", "error")
GROUNDS = ("surface", "bg", "inset", "accent-soft")


@dataclass
class Site:
    """A server with jobs of every kind."""

    server: Serving
    ids: dict[str, str]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a server with jobs of every kind, one dataset of them with pictures to leaf through."""
    folder = tmp_path_factory.mktemp("site")
    settings = Settings(root=folder / "root")
    ids = fill(settings, draw_digits(folder / "pictures", count=120))
    with serving(settings) as server:
        yield Site(server, ids)


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_fit_their_width_and_keep_quiet(browser: Browser, site: Site, width: int) -> None:
    beyond = {}
    with watched(browser, site.server.address, user="ana", width=width, dark=width in (900, 390)) as watch:
        for path in PAGES:
            watch.page.goto(path.format(**site.ids), wait_until="load")
            watch.page.wait_for_timeout(50)  # for what scripts draw
            beyond[path] = watch.page.evaluate(
                "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )

    assert not {path: pixels for path, pixels in beyond.items() if pixels > 0}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_colour_can_be_read_on_every_ground(browser: Browser, site: Site, dark: bool) -> None:
    with watched(browser, site.server.address, dark=dark) as watch:
        watch.page.goto("/components")

        def luminance(token: str) -> float:
            value = watch.page.evaluate(
                "name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()", token
            )
            parts = [int(value[at : at + 2], 16) / 255 for at in (1, 3, 5)]
            red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
            return 0.2126 * red + 0.7152 * green + 0.0722 * blue

        for text in TEXTS:
            for ground in GROUNDS:
                light, deep = sorted((luminance(text), luminance(ground)), reverse=True)
                assert (light + 0.05) / (deep + 0.05) >= 4.5, f"{text} on {ground}"


def test_menus_work_by_keyboard(browser: Browser, site: Site) -> None:
    with watched(browser, site.server.address, user="ana") as watch:
        page = watch.page
        page.goto("/")

        page.keyboard.press("Tab")
        expect(page.get_by_text("Skip to the content")).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        expect(page.get_by_role("banner").locator("summary", has_text="New Dataset")).to_be_focused()
        page.keyboard.press("Enter")
        item = page.get_by_role("banner").get_by_role("link", name="Classification One label")
        expect(item).to_be_visible()
        page.keyboard.press("ArrowDown")
        expect(item).to_be_focused()
        page.keyboard.press("Escape")
        expect(item).to_be_hidden()
        page.keyboard.press("Enter")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="New Image Classification Dataset")).to_be_visible()


def test_help_opens_by_keyboard_and_closes_with_escape(browser: Browser, site: Site) -> None:
    with watched(browser, site.server.address, user="ana") as watch:
        page = watch.page
        page.goto("/datasets/images/classification/new")
        field = page.locator(".field", has=page.locator("#folder_train"))

        field.get_by_role("button", name="Help").focus()
        expect(field.get_by_role("tooltip")).to_be_visible()
        page.keyboard.press("Escape")
        expect(field.get_by_role("tooltip")).to_be_hidden()


def test_the_table_is_filtered_sorted_and_grouped_without_a_reload(browser: Browser, site: Site) -> None:
    with watched(browser, site.server.address, user="ana") as watch:
        page = watch.page
        page.goto("/?tab=2")
        page.evaluate("window.same = true")

        page.get_by_label("Filter jobs").fill("perceptron")
        expect(page.locator("#job-rows tr[data-id]")).to_have_count(1)
        assert "q=perceptron" in page.url
        page.get_by_label("Filter jobs").fill("")
        expect(page.locator("#job-rows tr[data-id]")).to_have_count(7)
        page.get_by_role("link", name="Name", exact=True).click()
        expect(page.locator("#job-rows th[aria-sort]")).to_have_text(re.compile("Name"))
        page.get_by_role("button", name="MNIST learning rates").click()
        expect(page.locator("#job-rows tr[data-id]:visible")).to_have_count(3)
        page.get_by_text("Columns").click()
        page.get_by_role("checkbox", name="loss (train)", exact=True).check()
        expect(page.get_by_role("columnheader", name="loss (train)", exact=True)).to_be_visible()
        page.get_by_role("link", name=re.compile("^Datasets")).click()
        expect(page.locator("#jobs")).to_have_attribute("data-tab", "1")
        assert page.evaluate("window.same")

        page.goto("/?tab=2")
        expect(page.get_by_role("columnheader", name="loss (train)", exact=True)).to_be_visible()


def test_rows_are_chosen_in_a_range_and_put_into_a_group(browser: Browser, site: Site) -> None:
    with watched(browser, site.server.address, user="ana") as watch:
        page = watch.page
        page.goto("/?tab=2&group=0&sort=name")
        rows = page.locator("#job-rows tr[data-id]")

        rows.nth(0).get_by_role("checkbox").click()
        rows.nth(1).get_by_role("checkbox").click(modifiers=["Shift"])
        expect(page.locator("#selected-count")).to_have_text("2 selected")
        page.locator("#selection").get_by_role("button", name="Group…").click()
        page.get_by_label("Group Name").fill("chosen")
        page.keyboard.press("Enter")
        expect(page.get_by_text("2 jobs regrouped")).to_be_visible()

        page.goto("/?tab=2")
        expect(page.get_by_role("button", name="chosen")).to_be_visible()


def test_a_page_follows_its_job_without_a_reload(browser: Browser, site: Site) -> None:
    store, job_id = site.server.store, site.ids["building"]
    with watched(browser, site.server.address, user="ana") as watch:
        page = watch.page
        page.goto(f"/datasets/{job_id}")
        expect(page.locator("#tasks")).to_contain_text("301 of 850")
        page.evaluate("window.same = true")

        writer = EventWriter(store.job(job_id).folder.events_file)
        writer(Progress(task="create_train_db", done=600, total=850, unit="pictures", rate=50))
        writer.close()
        with store.change(job_id) as index:
            index.index_events()
        expect(page.locator("#tasks")).to_contain_text("600 of 850")

        with store.change(job_id) as index:
            index.move(JobState.ABORTED)
        expect(page.locator("#job-head .state")).to_have_text("Aborted")
        expect(page.locator("[data-live-every]")).to_have_count(0)
        assert page.evaluate("window.same")


def test_curves_are_zoomed_and_remember_what_one_chose(browser: Browser, site: Site) -> None:
    with watched(browser, site.server.address, user="ana") as watch:
        page = watch.page
        page.goto(f"/models/{site.ids['done']}")
        plot = page.locator("[data-part=main] .u-over")
        expect(plot).to_be_visible()
        box = plot.bounding_box()
        assert box is not None

        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
        expect(page.locator("[data-part=legend] .at")).to_contain_text("at epoch 5.0")
        with page.expect_request(re.compile(r"metrics\?.*from=")) as asked:
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 60, steps=4)
            page.mouse.up()
        assert "to=" in asked.value.url
        expect(page.get_by_role("button", name="Show the whole")).to_be_visible()
        page.mouse.dblclick(box["x"] + 50, box["y"] + 50)
        expect(page.get_by_role("button", name="Show the whole")).to_be_hidden()

        page.get_by_label("Log scale").check()
        page.locator("label", has_text="Steps").click()
        page.reload()
        expect(page.get_by_label("Log scale")).to_be_checked()
        expect(page.get_by_role("radio", name="Steps")).to_be_checked()


def test_a_snapshot_that_is_chosen_is_the_one_tested_and_downloaded(browser: Browser, site: Site) -> None:
    with watched(browser, site.server.address, user="ana") as watch:
        page = watch.page
        page.goto(f"/models/{site.ids['done']}")

        page.get_by_role("radio", name="Epoch 4").check()

        assert page.locator("#tests [name=snapshot_epoch]").first.input_value() == "4"
        assert "epoch=4" in (page.locator("[data-download]").first.get_attribute("href") or "")
        expect(page.locator("#tests")).to_contain_text("with epoch 4")


def test_the_forms_arithmetic_is_the_builders(browser: Browser, site: Site) -> None:
    rng = random.Random(1)
    cases = [
        (rng.randint(0, 40), val, test)
        for val in (0, 10, 25, 33.3, 50, 100)
        for test in (0, 5, 25, 50)
        if val + test <= 100
    ]
    with watched(browser, site.server.address) as watch:
        watch.page.goto("/login")
        counted = watch.page.evaluate(
            "async cases => { const { splitCounts } = await import('/static/js/split.js');"
            " return cases.map(([count, val, test]) => splitCounts(count, val, test)); }",
            [list(case) for case in cases],
        )

    assert [tuple(each) for each in counted] == [split_counts(*case) for case in cases]


def test_notes_and_name_are_changed_where_they_stand(browser: Browser, site: Site) -> None:
    with watched(browser, site.server.address, user="ana") as watch:
        page = watch.page
        page.goto(f"/models/{site.ids['old']}")

        rename(page, "Perceptron, renamed")
        page.locator(".notes-edit summary").click()
        page.get_by_label("Notes").fill("Two layers\nof 500.")
        page.get_by_role("button", name="Save").click()

        expect(page.locator(".notes-text")).to_have_text("Two layers of 500.")
        assert site.server.store.job(site.ids["old"]).notes == "Two layers\nof 500."


def rename(page: Page, name: str) -> None:
    """Give the job of a page another name."""
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name").fill(name)
    with page.expect_navigation():  # the page is loaded anew, and its scripts with it
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name)).to_be_visible()
