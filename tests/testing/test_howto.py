"""docs/howto/plugin.md is enough to write a plugin: the one that stands there is installed as a stranger would, and works everywhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import cv2
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.cli.running import Running, digits, running

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "plugin.md"
SIDE, ROWS = 28, 40
ROUTE = "images/pixel-csv"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def files_of_the_page() -> dict[str, str]:
    """What the page says each file of the plugin holds, by its path."""
    text = PAGE.read_text("utf-8")
    return dict(re.findall(r"^`(digits-pixel-csv/\S+)`\n\n```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the plugin, which is installed where this process's children find it."""
    folder, target = tmp_path_factory.mktemp("stranger"), tmp_path_factory.mktemp("site")
    for name, text in files_of_the_page().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    command = ["install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", str(target)]
    made = folder / "digits-pixel-csv"
    subprocess.run([sys.executable, "-m", "pip", *command, str(made)], check=True, timeout=100)
    with patch.dict(os.environ, {"PYTHONPATH": str(target)}):
        yield made


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.uint8]:
    """Pictures of two classes in turn: dark, light."""
    chance = np.random.default_rng(3)
    drawn = chance.integers(0, 100, (ROWS, SIDE, SIDE)) + 150 * (np.arange(ROWS) % 2)[:, None, None]
    return drawn.astype(np.uint8)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, pixels: NDArray[np.uint8]) -> Path:
    path = tmp_path_factory.mktemp("data") / "train.csv"
    lines = ["label," + ",".join(f"pixel{number}" for number in range(SIDE * SIDE))]
    lines += [f"{row % 2}," + ",".join(map(str, pixels[row].ravel())) for row in range(ROWS)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def server(plugin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("root")) as found:
        yield found


@pytest.fixture(scope="module")
def dataset(server: Running, table: Path) -> str:
    """The id of a dataset that the command line made."""
    done = digits("dataset", "create", str(table), "--type", "pixel-csv", "--wait", "--json", root=server.root)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["id"])


def test_the_plugins_own_tests_pass(plugin: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", str(plugin)], cwd=plugin, capture_output=True, text=True, timeout=300, check=False)  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_its_form_is_in_the_menu_and_has_its_fields(server: Running) -> None:
    with httpx.Client(base_url=server.address, follow_redirects=True) as client:
        client.post("/login", data={"username": "fred"})

        page = client.get(f"/datasets/{ROUTE}/new").text

    assert f'href="/datasets/{ROUTE}/new"' in page
    assert "New Pixel CSV Dataset" in page
    for name in ("train_file", "val_file", "pct_val", "dataset_name", "random_seed"):
        assert f'name="{name}"' in page


def test_a_dataset_is_made_over_rest(server: Running, table: Path) -> None:
    with httpx.Client(base_url=server.address) as client:
        client.post("/login", data={"username": "fred"})
        fields = {"dataset_name": "digits", "train_file": str(table), "pct_val": "10"}

        made = client.post(f"/datasets/{ROUTE}.json", data=fields)
        refused = client.post(f"/datasets/{ROUTE}.json", data=fields | {"train_file": __file__})

    assert made.status_code == 200, made.text
    assert made.json()["id"]
    assert refused.status_code == 400
    assert "no pixel table" in refused.text


def test_explore_shows_the_pictures_of_the_table(server: Running, dataset: str, pixels: NDArray[np.uint8]) -> None:
    query = {"job_id": dataset, "db": "train", "size": "50"}
    with httpx.Client(base_url=server.address) as client:
        page = client.get(f"/datasets/{ROUTE}/explore", params=query).text
        listed = client.get(f"/datasets/{ROUTE}/explore.json", params=query).json()
        addresses = re.findall(r'<img[^>]+src="(/files/[^"]+|/datasets/[^"]+)"', page)
        shown = [client.get(address.replace("&amp;", "&")).content for address in addresses]

    decoded = [np.asarray(cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_GRAYSCALE)) for each in shown]
    known = {each.tobytes() for each in pixels}
    assert listed["total"] == 30
    assert len(decoded) >= 30
    assert all(each.tobytes() in known for each in decoded)
    assert listed["items"][0]["path"].startswith("train.csv:")


def test_a_model_learns_it(server: Running, dataset: str) -> None:
    done = digits(
        "model", "create", dataset, "--network", "lenet", "--epochs", "1", "--wait", "--json", root=server.root
    )

    assert done.returncode == 0, done.stderr
    shown = digits("model", "show", json.loads(done.stdout)["id"], "--json", root=server.root)
    assert json.loads(shown.stdout)["status"] == "Done"


def test_it_is_listed_with_its_distribution(server: Running) -> None:
    done = digits("extensions", "ls", "--json", root=server.root)

    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["pixel-csv"]["distribution"] == "digits-pixel-csv 0.1"
    assert rows["image-classification"]["distribution"].startswith("opendigits ")


def test_a_dataset_outlives_its_plugin(server: Running, dataset: str, table: Path) -> None:
    server.stop()
    with patch.dict(os.environ, {"PYTHONPATH": ""}), running(server.root) as other:
        with httpx.Client(base_url=other.address, follow_redirects=True) as client:
            client.post("/login", data={"username": "fred"})
            page = client.get(f"/datasets/{dataset}")
            explored = client.get("/datasets/images/classification/explore", params={"job_id": dataset})
            models = client.get("/")
            cloned = client.get(f"/clone/{dataset}")
        trained = digits("model", "create", dataset, "--network", "lenet", "--epochs", "1", root=other.root)

    assert page.status_code == 200
    assert "No extension &#39;pixel-csv&#39; of datasets is installed." in page.text
    assert "Clone Job" not in page.text
    assert explored.status_code == models.status_code == 200
    assert "train.csv:" in explored.text
    assert cloned.status_code == 404
    assert trained.returncode == 2
    assert "No extension 'pixel-csv' of datasets is installed." in trained.stderr
