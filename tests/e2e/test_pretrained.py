"""The model store and pretrained models in a real browser: import, test, download, run outside, upload again, begin a training."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from digits.download.drawn import digits
from digits.download.folders import write_class_folders
from tests.e2e.conftest import watched

pytestmark = pytest.mark.slow


@pytest.mark.timeout(240)
def test_from_the_store_to_the_same_answer_outside_and_back(browser: Browser, server: str, tmp_path: Path) -> None:
    _, test = digits(10, 20)
    write_class_folders(test, tmp_path, "test", labels=[str(digit) for digit in range(10)])
    picture = next(iter(sorted((tmp_path / "test").glob("*/*.png"))))
    with watched(browser, server) as watch:
        page = watch.page
        page.goto("/login")
        page.get_by_label("name").first.fill("fred")
        page.keyboard.press("Enter")
        page.wait_for_url("**/")

        page.goto("/store/list")
        expect(page.get_by_role("cell", name="LeNet on MNIST", exact=True)).to_be_visible()
        page.get_by_role("button", name="Import LeNet on MNIST").click()
        page.get_by_role("link", name="Done").click(timeout=90_000)
        expect(page.get_by_role("heading", name="LeNet on MNIST")).to_be_visible()
        inside = classify(page, picture)

        archive = tmp_path / "model.zip"
        page.goto("/?tab=3")
        page.get_by_role("link", name="LeNet on MNIST").click()
        page.locator("#download-menu summary").click()
        with page.expect_download(timeout=90_000) as download:
            page.get_by_role("link", name="zip", exact=True).click()
        download.value.save_as(archive)
        assert_close(run_outside(archive, tmp_path / "outside", picture), inside)

        page.goto("/pretrained_models/new")
        page.locator("#archive").set_input_files(archive)
        page.get_by_role("button", name="Upload Archive").click()
        expect(page.locator("#job-rows").get_by_role("link", name="LeNet on MNIST")).to_have_count(2)
        expect(page.locator("#job-rows tr[data-state=Done]")).to_have_count(2, timeout=90_000)
        page.get_by_role("link", name="LeNet on MNIST").first.click()
        assert_close(classify(page, picture), inside)

        for row in page.request.get("/completed_jobs.json").json()["pretrained_models"]:
            page.request.delete(f"/jobs/{row['id']}")


def classify(page: Page, picture: Path) -> dict[str, float]:
    """Test a picture on the page of a pretrained model; return percents by label."""
    page.locator('#tests input[name="image_file"]').first.set_input_files(picture)
    page.get_by_role("button", name="Classify One").click()
    page.wait_for_url("**/classify_one", timeout=120_000)
    found = {}
    for row in page.locator("ul.list-group li").all():
        percent, label = re.match(r"\s*([\d.]+)\s*%\s*(\S+)", row.inner_text()).groups()  # type: ignore[union-attr]  # the page's form
        found[label] = float(percent)
    return found


def run_outside(archive: Path, folder: Path, picture: Path) -> dict[str, float]:
    """Run a download's example.py in a process that cannot import the product; return percents by label."""
    with zipfile.ZipFile(archive) as packed:
        assert json.loads(packed.read("info.json"))["preprocessing"]["use_mean"] == "image"
        for name in ("example.py", "model.onnx"):
            packed.extract(name, folder)
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "example.py"), str(picture)], capture_output=True, text=True, check=True
    )
    return {label: float(percent) for percent, label in re.findall(r"([\d.]+) %  (\S+)", done.stdout)}


def assert_close(found: dict[str, float], wanted: dict[str, float]) -> None:
    """Compare the likeliest class to a ten-thousandth, as far as the page's two decimals tell."""
    best = max(wanted, key=wanted.__getitem__)
    assert max(found, key=found.__getitem__) == best
    assert found[best] == pytest.approx(wanted[best], abs=0.0101)
