"""Login by name in a real browser: asked for where it is needed, refused in words, and what it lets one do."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from digits.core.settings import Settings
from digits.core.states import JobState
from tests.e2e.conftest import watched
from tests.web.serving import Serving, serving

NEW = "/datasets/images/classification/new"


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, str]]:
    """Serve a dataset of zoe's; give its id too."""
    with serving(Settings(root=tmp_path_factory.mktemp("login"))) as server:
        job = server.store.submit(
            kind="dataset", extension="image-classification", title="Image Classification Dataset", worker="build",
            name="hers", spec={"backend": "lmdb"}, username="zoe",
        )  # fmt: skip
        with server.store.change(job.id) as index:
            index.move(JobState.ABORTED)
        yield server, job.id


def test_a_name_is_asked_for_once_and_makes_one_the_owner_of_ones_own_jobs(
    browser: Browser, site: tuple[Serving, str]
) -> None:
    server, job_id = site
    with watched(browser, server.address) as watch:
        page = watch.page
        page.goto(f"/datasets/{job_id}")
        expect(page.get_by_role("button", name="Delete Job")).to_be_disabled()
        page.goto("/")
        page.get_by_role("banner").get_by_text("New Dataset").click()
        page.get_by_role("banner").get_by_role("link", name="Classification One label").click()
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()

        page.get_by_label("Name").fill("Zoe!")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_contain_text("Must start with a lowercase letter")
        expect(page.get_by_label("Name")).to_have_value("Zoe!")

        page.get_by_label("Name").fill("zoe")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(NEW))  # where one wanted to go
        page.goto(f"/datasets/{job_id}")
        expect(page.get_by_role("button", name="Delete Job")).to_be_enabled()

        page.locator("summary", has_text="zoe").click()
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_url(re.compile(job_id))
        expect(page.get_by_role("button", name="Delete Job")).to_be_disabled()

        page.get_by_role("link", name="Log in").click()
        page.get_by_label("Name").fill("fred")
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("summary", has_text="fred")).to_be_visible()
        expect(page.get_by_role("button", name="Delete Job")).to_be_disabled()  # zoe's still
