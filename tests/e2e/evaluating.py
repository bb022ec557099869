"""A model on a whole database, as a person looks at it: numbers, a cell's pictures, a label that is corrected."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect


def evaluate(page: Page) -> None:
    """From the model's page through an evaluation of its validation set, and back."""
    model = page.url
    page.get_by_role("button", name="Evaluate").click()
    expect(page.get_by_role("heading", name="Evaluation", exact=True)).to_be_visible()
    expect(page.locator("#confusion")).to_be_visible(timeout=60_000)  # it came by itself
    expect(page.locator(".figures")).to_contain_text("accuracy, top 1")
    expect(page.locator(".figure", has_text="pictures")).to_have_text(re.compile(r"[1-9][\d,]*\s*pictures"))
    expect(page.locator("#reliability svg")).to_be_visible()

    cells = page.locator("#confusion tbody tr").nth(3).locator("td")
    page.get_by_text("% of row").click()
    expect(cells.nth(3)).to_have_text(re.compile(r"^\d+\.\d$"))
    page.locator("#per-class").get_by_role("button", name="Class").click()
    expect(page.locator("#per-class tbody tr").first).to_contain_text("0")
    page.locator("#per-class").get_by_role("button", name="Class").click()
    expect(page.locator("#per-class tbody td").first).to_have_text("9")

    page.get_by_text("Counts", exact=True).click()
    count = int(cells.nth(3).inner_text().replace(",", ""))
    cells.nth(3).locator("a").click()
    expect(page.get_by_role("heading", name="3 recognised").first).to_be_visible()
    expect(page.locator("#pictures .cell")).to_have_count(min(count, 96))
    page.wait_for_load_state()  # the script that corrects labels is there
    page.locator("#pictures .cell").first.focus()
    page.keyboard.press("c")
    page.locator("#relabel-class").fill("8")
    page.locator("#relabel-choices").get_by_role("button", name="8", exact=True).click()
    expect(page.locator("#relabel")).to_contain_text("1 label changed")
    page.locator("#relabel-discard").click()
    page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    expect(page.locator("#relabel")).to_be_hidden()

    page.goto(model)
    expect(page.locator("#evaluation-rows")).to_contain_text("accuracy, top 1")
