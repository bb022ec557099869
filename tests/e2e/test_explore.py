"""A dataset's page and its pictures in a real browser: pages, filters, the large view, corrections that make a new dataset, exports."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import watched
from tests.extensions.datasets.classification.folders import draw_classes

FIELDS: dict[str, str | float | bool] = {
    "resize_width": "8",
    "resize_height": "8",
    "folder_pct_val": "25",
    "random_seed": "1",
}


@contextmanager
def dataset(browser: Browser, server: str, pictures: Path) -> Iterator[tuple[Page, str]]:
    """Make a dataset, give its page and id, and delete all that was made."""
    with watched(browser, server, user="ana") as watch:
        page = watch.page
        headers = {"Origin": server}
        form = FIELDS | {"dataset_name": "animals", "folder_train": str(pictures)}
        made = page.request.post("/datasets/images/classification.json", form=form, headers=headers).json()
        page.goto(f"/datasets/{made['id']}")
        expect(page.locator("#job-head .state")).to_have_text("Done", timeout=40_000)
        yield page, made["id"]
        page.goto("/")  # no picture is being loaded while its dataset goes
        for row in page.request.get("/completed_jobs.json").json()["datasets"]:
            page.request.delete(f"/datasets/{row['id']}", headers=headers)


@pytest.mark.slow
def test_one_of_many_classes_is_found_by_name_on_both_pages(browser: Browser, server: str, tmp_path: Path) -> None:
    many = {f"kind {number:03d}": 2 for number in range(210)}
    with dataset(browser, server, draw_classes(tmp_path / "many", many)) as (page, job_id):
        page.reload()
        page.locator("#class-find").fill("kind 20")
        expect(page.locator("#class-found li")).to_have_count(10)

        page.locator("#class-found li", has_text="kind 207").locator("a").click()
        expect(page).to_have_url(re.compile(rf"job_id={job_id}.*label=207"))
        expect(page.locator("#class-list li").first).to_contain_text("kind 207")
        page.locator("#class-filter").fill("19")
        expect(page.locator("#class-list li:visible")).to_have_count(12)  # 019, 119, 190 to 199


def test_pictures_are_leafed_through_opened_large_corrected_and_exported(
    browser: Browser, server: str, tmp_path: Path
) -> None:
    pictures = draw_classes(tmp_path / "pictures", {"cat": 20, "dog": 16, "owl": 16})
    with dataset(browser, server, pictures) as (page, job_id):
        expect(page.locator("#job-facts")).to_contain_text(re.compile(r"Content\s*[0-9a-f]{16}"))
        page.get_by_role("link", name="Explore the db").first.click()
        expect(page.get_by_text("0 to 24 of 39")).to_be_visible()

        expect(page.locator(".cell.current")).to_have_count(1)  # the page's script is there

        page.locator(".cell").last.click()
        expect(page.locator("#large-title")).to_contain_text("picture 24")
        page.keyboard.press("ArrowRight")  # beyond the page's end
        expect(page.get_by_text("25 to 38 of 39")).to_be_visible()
        expect(page.locator("#large-title")).to_contain_text("picture 25")
        expect(page.locator("#large-key")).to_have_text(re.compile(r"^00000025_\d$"))
        page.keyboard.press("Escape")

        page.locator("#class-filter").fill("ow")
        expect(page.locator("#class-list li:visible")).to_have_count(1)
        page.locator("#class-list li:visible a").click()
        expect(page.locator(".cell")).to_have_count(12)
        expect(page.locator(".cell.current")).to_have_count(1)

        page.locator(".cell").nth(0).focus()
        page.keyboard.press("x")
        page.locator(".cell").nth(1).focus()
        page.keyboard.press("c")
        page.locator("#relabel-class").fill("ca")
        page.locator("#relabel-choices button").filter(has_text="cat").wait_for()
        page.keyboard.press("Enter")
        expect(page.locator("#relabel-count")).to_have_text("1 label changed, 1 picture left out")
        expect(page.locator(".cell").nth(1)).to_have_attribute("data-change", "→ cat")
        page.reload()
        expect(page.locator("#relabel-count")).to_have_text("1 label changed, 1 picture left out")
        page.get_by_role("button", name="Make a new dataset").click()
        page.get_by_role("button", name="Make it").click()

        expect(page.get_by_role("heading", name="animals corrected")).to_be_visible()
        expect(page.locator("#job-head .state")).to_have_text("Done", timeout=40_000)
        expect(page.get_by_role("link", name="animals", exact=True)).to_have_attribute("href", f"/datasets/{job_id}")
        expect(page.locator("#databases")).to_contain_text("38")

        page.get_by_text("Export it as files").click()
        page.locator("#export-path").fill(str(tmp_path / "out"))
        page.get_by_role("button", name="Export", exact=True).click()
        expect(page.locator("#exports .state")).to_have_text("Done", timeout=40_000)
        assert len(list((tmp_path / "out").rglob("*.png"))) == 51


@pytest.mark.slow
def test_a_dataset_is_paged_cloned_downloaded_and_deleted(browser: Browser, server: str, tmp_path: Path) -> None:
    pictures = draw_classes(tmp_path / "pictures", {"cat": 40, "dog": 40})
    (pictures / "dog" / ".DS_Store").write_bytes(b"\0" * 10)
    with dataset(browser, server, pictures) as (page, job_id):
        with page.expect_download() as download:
            page.locator("#refused").get_by_role("link", name=re.compile("Download")).click()
        assert ".DS_Store" in Path(download.value.path()).read_text()

        page.locator("#job-head").get_by_role("link", name="Explore the db").click()
        page.get_by_role("group", name="Items per page").get_by_text("10", exact=True).click()
        expect(page.locator(".cell")).to_have_count(10)
        page.get_by_role("link", name="5", exact=True).first.click()
        expect(page.get_by_text("50 to 59 of 60")).to_be_visible()
        page.get_by_role("link", name="Previous page").first.click()
        expect(page.get_by_text("40 to 49 of 60")).to_be_visible()
        page.get_by_role("link", name="animals", exact=True).click()

        page.get_by_role("link", name="Clone Job").click()
        expect(page.get_by_label("Training Images")).to_have_value(str(pictures))
        expect(page.get_by_label("Width, px")).to_have_value("8")
        page.get_by_label("Dataset Name").fill("animals again")
        page.get_by_role("button", name="Create").click()
        expect(page.locator("#job-head .state")).to_have_text("Done", timeout=40_000)

        page.get_by_role("button", name="Delete Job").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_text("animals again is deleted")).to_be_visible()
        expect(page.locator(f'#job-rows tr[data-id="{job_id}"]')).to_be_visible()


@pytest.mark.slow
def test_a_conflict_that_a_check_finds_is_corrected_where_it_is_shown(
    browser: Browser, server: str, tmp_path: Path
) -> None:
    pictures = draw_classes(tmp_path / "pictures", {"cat": 10, "dog": 10})
    shutil.copy(pictures / "cat" / "0000.png", pictures / "dog" / "wrong.png")
    with dataset(browser, server, pictures) as (page, _job_id):
        page.get_by_role("button", name="Check health").click()
        conflict = page.locator("#conflicts, #leaks").first.locator(".cell", has_text="dog").first
        expect(conflict).to_be_visible(timeout=40_000)

        conflict.focus()
        page.keyboard.press("c")
        page.locator("#relabel-choices button", has_text="cat").click()
        expect(conflict).to_have_attribute("data-change", "→ cat")
        expect(page.locator("#relabel-count")).to_have_text("1 label changed")
        page.get_by_role("button", name="Make a new dataset").click()
        page.get_by_role("button", name="Make it").click()

        expect(page.get_by_role("heading", name="animals corrected")).to_be_visible()
        expect(page.locator("#job-head .state")).to_have_text("Done", timeout=40_000)
