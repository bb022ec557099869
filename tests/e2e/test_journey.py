"""The main job in a real browser, on a real server with its runner: from a folder of pictures to a trained, tested classifier."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from digits.download.drawn import digits
from digits.download.folders import write_class_folders
from digits.download.mnist import MNIST, fetch_mnist
from tests.e2e.conftest import watched
from tests.e2e.evaluating import evaluate
from tests.shared import SHARED, shared

WANTS_SCREENSHOT = bool(os.environ.get("DIGITS_SCREENSHOT"))
"""A training long enough to look at, and docs/screenshot.png taken in the middle of it."""
NUM_PICTURES = 12_000 if WANTS_SCREENSHOT else 1_200
EPOCHS = 10 if WANTS_SCREENSHOT else 2
NAME = "MNIST 28 × 28" if WANTS_SCREENSHOT and SHARED else "Drawn digits"
LABELS = [str(digit) for digit in range(10)]
SCREENSHOT = Path(__file__).parents[2] / "docs" / "screenshot.png"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write digits as class folders, with two files among them that are no pictures; drawn ones, MNIST's for the screenshot."""
    folder = tmp_path_factory.mktemp("pictures")
    if WANTS_SCREENSHOT and SHARED:
        mnist = fetch_mnist(MNIST, cache=folder, folder=shared("data", "mnist"), say=print)
        train, test = mnist.train.first(NUM_PICTURES), mnist.test.first(100)
    else:
        train, test = digits(NUM_PICTURES, 100)
    written = write_class_folders(train, folder, "train", labels=LABELS)
    write_class_folders(test, folder, "test", labels=LABELS)
    (written.folder / "5" / "empty.png").write_bytes(b"")
    (written.folder / "9" / "page.png").write_bytes(b"<!doctype html><title>no picture</title>")
    return folder


@pytest.mark.timeout(300)
def test_from_a_folder_of_pictures_to_a_tested_classifier(browser: Browser, server: str, pictures: Path) -> None:
    with watched(browser, server, expected=("status of 400",)) as watch:  # one form is refused on purpose
        page = watch.page

        log_in(page)
        make_dataset(page, pictures / "train")
        leaf_through(page)
        train(page)
        evaluate(page)
        classify_one(page, pictures / "test")
        classify_many(page, pictures / "test" / "test.txt")
        delete_both(page)


def log_in(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    expect(page.get_by_text("No Jobs Running", exact=True)).to_be_visible()

    page.get_by_role("link", name="Log in").click()
    page.get_by_label("Name").fill("ana")
    page.get_by_role("button", name="Log in").click()

    expect(page.locator("summary", has_text="ana")).to_be_visible()


def make_dataset(page: Page, folder: Path) -> None:
    page.get_by_role("banner").get_by_text("New Dataset").click()
    page.get_by_role("banner").get_by_role("link", name="Classification One label").click()
    expect(page.get_by_role("heading", name="New Image Classification Dataset")).to_be_visible()

    page.get_by_label("Training Images").fill(str(folder))
    holds = page.locator("#holds")
    expect(holds).to_contain_text(f"{NUM_PICTURES:,}", timeout=40_000)
    expect(holds).to_contain_text("Refused files (2)")
    expect(page.locator("#makes")).to_contain_text("Training")

    page.get_by_label("Image Type").select_option("1")
    page.get_by_label("Width, px").fill("28")
    page.get_by_label("Height, px").fill("28")
    expect(page.locator("#example-row .example-cell")).to_have_count(5, timeout=20_000)
    page.locator("#example-row").get_by_text("Crop", exact=True).click()
    expect(page.get_by_label("Resize Transformation")).to_have_value("crop")

    page.get_by_role("button", name="Create").click()
    expect(page.locator("div.alert-danger")).to_contain_text("Dataset Name")
    expect(page.get_by_label("Training Images")).to_have_value(str(folder))

    page.get_by_label("Dataset Name").fill(NAME)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()
    expect(page.locator("#job-head .state")).to_have_text("Done", timeout=40_000)
    expect(page.locator("#tasks")).to_contain_text("Parse Folder (train/val)")
    expect(page.locator("#refused")).to_contain_text("empty.png")
    expect(page.locator("svg.histogram")).to_be_visible()
    expect(page.get_by_alt_text("Mean of all training pictures")).to_be_visible()


def leaf_through(page: Page) -> None:
    page.locator("#job-head").get_by_role("link", name="Explore the db").click()
    expect(page.get_by_text("Items per page")).to_be_visible()
    expect(page.locator("#grid .cell")).to_have_count(25)
    expect(page.locator("#record")).to_be_visible()

    page.locator("#grid .cell").nth(3).hover()
    key = page.locator("#grid .cell").nth(3).get_attribute("data-key") or ""
    expect(page.locator("#record-key")).to_have_text(key)

    page.locator('.class-list [data-name="7"] a').click()
    expect(page.locator("#grid .cell b").first).to_have_text("7")
    expect(page.locator("#record")).to_be_visible()
    page.locator("#grid .cell").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#large")).to_be_visible()
    page.keyboard.press("ArrowRight")
    second = page.locator("#grid .cell").nth(1).get_attribute("data-key") or ""
    expect(page.locator("#large-key")).to_have_text(second)
    page.keyboard.press("Escape")
    page.get_by_role("link", name=NAME).click()


def train(page: Page) -> None:
    page.get_by_role("link", name="New Model", exact=True).click()
    expect(page.get_by_role("heading", name="New Image Classification Model")).to_be_visible()
    expect(page.locator(".pick-list :checked + span")).to_have_text(NAME)
    expect(page.get_by_role("radio", name="LeNet", exact=True)).to_be_checked()
    expect(page.locator("#est-parameters")).to_have_text("431,080", timeout=40_000)
    expect(page.locator("#rate-chart canvas")).to_be_visible()

    page.get_by_role("button", name="Customize").first.click()
    expect(page.locator("#editor")).to_contain_text("train-data")  # the editor draws the lines in view alone
    expect(page.locator("#layers")).to_contain_text("20 × 24 × 24")
    page.get_by_role("tab", name="Standard Networks").click()

    page.get_by_label("Training epochs").fill(str(EPOCHS))
    page.get_by_label("Validation interval").fill("0.25")
    page.get_by_label("Batch size").fill("32")
    page.get_by_label("Model Name").fill(f"{NAME} LeNet")
    page.get_by_role("button", name="Create").click()

    expect(page.get_by_role("heading", name=f"{NAME} LeNet")).to_be_visible()
    expect(page.locator("#curves canvas").first).to_be_visible(timeout=60_000)
    expect(page.locator("#snapshots tr[data-epoch]").first).to_be_visible(timeout=60_000)
    if WANTS_SCREENSHOT:
        expect(page.locator('#snapshots [data-epoch="6"]')).to_be_visible(timeout=120_000)
        page.wait_for_timeout(1500)
        SCREENSHOT.parent.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOT)
    expect(page.locator("#job-head .state")).to_have_text("Done", timeout=120_000)
    expect(page.locator("#snapshots tr[data-epoch]")).to_have_count(EPOCHS)
    expect(page.locator("[data-part=legend]")).to_contain_text("accuracy (val)")
    accuracy = page.locator("[data-part=legend] button", has_text="accuracy (val)").locator("b").inner_text()
    assert float(accuracy.removesuffix(" %")) > 90


def classify_one(page: Page, test: Path) -> None:
    page.get_by_label("Upload a picture").set_input_files(next((test / "7").glob("*.png")))
    page.get_by_label("Show visualizations and statistics").check()
    page.get_by_role("button", name="Classify One").click()

    expect(page.get_by_role("heading", name="Classify one image")).to_be_visible(timeout=60_000)
    rows = page.locator("ul.list-group li")
    expect(rows).to_have_count(5)
    assert re.match(r"\d+\.\d\d%\s+7", rows.first.inner_text())
    look_inside(page)
    page.go_back()


def look_inside(page: Page) -> None:
    layers = page.locator("#layers")
    expect(layers).to_contain_text("Total learned parameters 431,080")
    kernels = layers.get_by_alt_text("Weights of conv1")
    kernels.scroll_into_view_if_needed()
    expect(kernels).to_have_js_property("complete", True)
    assert kernels.evaluate("image => image.naturalWidth") > 100
    expect(layers.locator("svg.bars")).to_have_count(layers.locator("tbody tr").count())
    layers.get_by_text("Weights", exact=True).first.click()
    expect(layers.locator("tbody tr:visible")).to_have_count(4)

    page.get_by_label("What speaks for").select_option(index=1)
    expect(page.locator("#map img.over:visible")).to_have_count(1)
    page.get_by_label("Opacity").fill("20")
    expect(page.locator("#map img.over:visible")).to_have_css("opacity", "0.2")


def classify_many(page: Page, list_file: Path) -> None:
    page.get_by_label("Image list").set_input_files(list_file)
    page.get_by_role("button", name="Classify Many").click()

    expect(page.get_by_role("heading", name="Classify many images")).to_be_visible(timeout=60_000)
    expect(page.locator(".figures")).to_contain_text("accuracy, top 1")
    expect(page.locator("table.matrix tbody tr")).to_have_count(10)
    page.go_back()


def delete_both(page: Page) -> None:
    page.get_by_role("button", name="Delete Job").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    expect(page.get_by_text(f"{NAME} LeNet is deleted")).to_be_visible()

    page.get_by_role("checkbox", name=f"Select {NAME}").check()
    page.locator("#selection").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Train your first network")).to_be_visible()
