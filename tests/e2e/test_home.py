"""The home page of many jobs in a real browser: chosen by drag and beyond the page, deleted some at a time, filtered as sorted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from digits.core.settings import Settings
from digits.core.states import JobState
from tests.e2e.conftest import watched
from tests.web.serving import Serving, serving


@contextmanager
def datasets(root: Path, count: int) -> Iterator[Serving]:
    """Serve datasets that are over; every fifth is zoe's."""
    with serving(Settings(root=root)) as site:
        for number in range(count):
            job = site.store.submit(
                kind="dataset", extension="image-classification", title="Image Classification Dataset", worker="build",
                name=f"set {number:03d}", spec={"backend": "lmdb"}, username="zoe" if number % 5 == 0 else "fred",
            )  # fmt: skip
            with site.store.change(job.id) as index:
                index.move(JobState.ABORTED)
        yield site


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Serve a dozen datasets."""
    with datasets(tmp_path_factory.mktemp("few"), 12) as site:
        yield site


def names(page: Page) -> list[str]:
    return page.locator("#job-rows td.name").all_inner_texts()


@pytest.mark.slow
def test_all_that_match_are_chosen_and_deleted_and_what_is_not_permitted_is_summed_up(
    browser: Browser, tmp_path: Path
) -> None:
    with (
        datasets(tmp_path, 230) as many,  # three pages, three batches
        watched(browser, many.address, user="fred", expected=("400 (Bad Request)",)) as watch,
    ):
        page = watch.page
        page.goto("/?tab=1")
        page.check("#select-all")
        expect(page.locator("#selected-count")).to_have_text("100 selected")
        page.click("#select-matching")
        expect(page.locator("#selected-count")).to_have_text("230 selected")
        expect(page.locator("#select-matching")).to_be_hidden()

        page.click('[data-selection="delete"]')
        page.click("#ask-yes")

        expect(page.locator("#ask-problem")).to_have_text("46 jobs not permitted to be deleted.")
        page.keyboard.press("Escape")
        expect(page.locator("#tabs [aria-current] .count")).to_have_text("46")
        expect(page.locator("#job-rows tr[data-id]")).to_have_count(46)
        assert {job.username for job in many.store.jobs()} == {"zoe"}


def test_rows_are_chosen_by_drag_and_by_shift(browser: Browser, few: Serving) -> None:
    with watched(browser, few.address, user="fred") as watch:
        page = watch.page
        page.goto("/?tab=1&sort=name")
        cells = page.locator("#job-rows tr[data-id] td:nth-child(4)")
        cells.nth(1).hover()
        page.mouse.down()
        cells.nth(3).hover()
        page.mouse.up()
        expect(page.locator("#selected-count")).to_have_text("3 selected")

        cells.nth(6).click(modifiers=["Shift"])
        expect(page.locator("#selected-count")).to_have_text("6 selected")
        assert page.locator("#job-rows tr.selected td.name").all_inner_texts() == [f"set {n:03d}" for n in range(1, 7)]

        page.fill("#filter", "set 011")
        expect(page.locator("#selection")).to_be_hidden()


def test_the_filter_keeps_the_order_that_was_chosen(browser: Browser, few: Serving) -> None:
    with watched(browser, few.address, user="fred") as watch:
        page = watch.page
        page.goto("/?tab=1")
        page.click("#job-rows thead >> text=Name")
        expect(page.locator("#job-rows th[aria-sort=ascending]")).to_have_text("Name")

        page.fill("#filter", "set zoe")
        page.wait_for_url("**q=set*")
        expect(page.locator("#job-rows .panel-foot")).to_contain_text("match the filter")

        assert names(page) == ["set 000", "set 005", "set 010"]
        expect(page.locator("#job-rows th[aria-sort=ascending]")).to_have_text("Name")
