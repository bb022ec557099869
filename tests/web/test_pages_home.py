"""The home page: what runs, what was made, filtered, sorted, grouped; and what a newcomer sees."""

from __future__ import annotations

import pytest

from tests.web.conftest import World
from tests.web.markup import Element, read
from tests.web.serving import Serving


def table(world: World, query: str) -> list[list[str]]:
    """Return the texts of the table's rows, without the check box."""
    tree = read(world.site.client.get("/?" + query).text)
    rows = [row for row in tree.one(id="job-rows").find("tr") if "data-id" in row.attributes]
    return [[cell.text for cell in row.children[1:]] for row in rows]


def names(world: World, query: str) -> list[str]:
    """Return the first column of the table."""
    return [row[0] for row in table(world, query)]


def test_home_says_the_words_that_scrapers_read_and_shows_models_first(world: World) -> None:
    tree = read(world.site.client.get("/").text)

    assert tree.one("h1").text == "Home"
    tabs = tree.one(id="tabs").find("a")
    assert [tab.text for tab in tabs] == ["Datasets 4", "Models 7", "Pretrained Models 0"]
    assert [tab.attributes.get("aria-current") for tab in tabs] == [None, "page", None]


def test_running_jobs_say_how_far_they_are_and_what_they_wait_for(world: World) -> None:
    running = read(world.site.client.get("/").text).one(id="running")

    assert "2 running, 1 waiting" in running.text
    rows = {row.find("a")[0].text: row for row in running.find("tr")[1:]}
    lenet = rows["MNIST LeNet"]
    assert "Image Classification Model on MNIST 28 × 28" in lenet.text
    assert "Epoch 6.4 of 10, 3,690 images/s" in lenet.text
    assert "64 %" in lenet.text
    assert lenet.one("progress").attributes["value"] == "0.64"
    assert lenet.find("svg", class_="sparkline")
    waiting = rows["MNIST LeNet learning_rate:0.1"]
    assert "1 of 1 training slots busy, first in the queue" in waiting.text
    assert not waiting.find("svg", class_="sparkline")


def test_datasets_have_digits_columns(world: World) -> None:
    row = next(row for row in table(world, "tab=1") if row[0] == "MNIST 28 × 28")

    assert row[:4] == ["MNIST 28 × 28", "5", "lmdb", "Done"]
    assert row[4:7] == ["10", "60,000", "23.9 MB"]


def test_models_have_the_columns_of_their_curves(world: World) -> None:
    tree = read(world.site.client.get("/?tab=2").text)

    heads = [each.text for each in tree.one(id="job-rows").find("th") if each.text]
    assert heads[:4] == ["Name", "Framework", "Status", "Device"]
    assert {"accuracy (val), %", "loss (val)", "loss (train) min", "Epochs", "Elapsed", "Submitted"} <= set(heads)
    hidden = [each.text for each in tree.one(id="job-rows").find("th") if "hidden" in each.attributes]
    assert "loss (train) min" in hidden
    assert "loss (val)" not in hidden
    done = next(row for row in table(world, "tab=2") if row[0].endswith("0.005"))
    assert "99.02" in done or "99.03" in done
    assert "10 / 10" in done


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=perceptron", ["MNIST two-layer perceptron"]),
        ("q=error", ["Clothing AlexNet lr 0.1"]),
        ("q=lenet+0.001", ["MNIST LeNet learning_rate:0.001"]),
        ("q=nothing-like-it", []),
    ],
)
def test_the_filter_looks_in_every_field(world: World, query: str, found: list[str]) -> None:
    assert names(world, "tab=2&" + query) == found


def test_rows_are_sorted_both_ways_with_empty_values_last(world: World) -> None:
    def values(sort: str) -> list[str]:
        tree = read(world.site.client.get(f"/?tab=2&group=0&sort={sort}").text)
        cells = [each for each in tree.find("td") if each.attributes.get("data-column") == "accuracy/val:last"]
        return [cell.text for cell in cells]

    rising, falling = values("accuracy/val:last"), values("-accuracy/val:last")
    numbers = [float(text) for text in rising if text != "–"]
    assert numbers == sorted(numbers)
    assert [float(text) for text in falling if text != "–"] == sorted(numbers, reverse=True)
    assert rising[-1] == falling[-1] == "–"


def test_groups_fold_together_and_tell_their_best(world: World) -> None:
    tree = read(world.site.client.get("/?tab=2").text)

    heads = tree.find("tr", class_="group")
    assert [head.find("button")[0].text for head in heads] == ["MNIST learning rates", "Ungrouped"]
    assert "4 jobs" in heads[0].text
    assert "with learning_rate:0.005" in heads[0].text
    assert not read(world.site.client.get("/?tab=2&group=0").text).find("tr", class_="group")


def test_a_long_list_comes_in_pages(empty: Serving) -> None:
    for number in range(103):
        empty.store.submit(
            kind="dataset", extension="image-classification", title="Image Classification Dataset", name=f"set {number:03d}",
            worker="build", spec={"name": f"set {number:03d}"},
        )  # fmt: skip

    def shown(query: str) -> list[str]:
        rows = read(empty.client.get(f"/?tab=1&sort=name{query}").text).one(id="job-rows").find("tr")
        return [row.find("a")[0].text for row in rows if "data-id" in row.attributes]

    assert shown("")[:2] == ["set 000", "set 001"]
    assert len(shown("")) == 100
    assert shown("&page=1") == ["set 100", "set 101", "set 102"]
    assert shown("&page=99") == shown("&page=1"), "a page beyond the end is the last one"
    assert shown("&page=x") == shown("")
    assert "Showing 100." in empty.client.get("/?tab=1").text


def test_a_newcomer_sees_the_next_step(empty: Serving) -> None:
    tree = read(empty.client.get("/").text)

    assert "No Jobs Running" in tree.text
    assert "Train your first network" in tree.text
    assert "No datasets yet." in tree.text
    links = [link.attributes["href"] for link in tree.find("a") if link.text.startswith("New Dataset")]
    assert links == ["/datasets/images/classification/new"]
    for title in ("New Dataset", "New Model"):
        menu = _menu(tree, title)
        assert menu[0] == "Classification One label for each picture"
        assert "Segmentation A class for each pixel" in menu
        assert menu[-2:] == ["Other LMDBs that are made already", "Classification A class for each text"]


def _menu(tree: Element, title: str) -> list[str]:
    menu = next(each for each in tree.one("header").find("details") if each.find("summary")[0].text == title)
    return [item.text for item in menu.find("a")]


def test_a_wrong_name_is_told_on_the_login_page(empty: Serving) -> None:
    answer = empty.client.post("/login", data={"username": "Not A Name", "next": "/"}, headers={"Accept": "text/html"})

    tree = read(answer.text)
    assert "Invalid username" in tree.one(class_="alert-danger").text
    assert tree.one("input", name="username").attributes["value"] == "Not A Name"
