"""Pages of datasets: the form, the dataset while it is built and after, its pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from digits.core.events import Preview, Progress
from tests.web.conftest import World, build_dataset, draw_pictures
from tests.web.fixture_datasets import TASKS, classification_spec, dataset_facts
from tests.web.fixture_jobs import LABELS, journal, make, say
from tests.web.markup import Element, read
from tests.web.serving import Serving

NEW = "/datasets/images/classification/new"
DIGITS_FIELDS = {
    "resize_channels", "resize_width", "resize_height", "resize_mode", "backend", "encoding", "method", "folder_train",
    "folder_pct_val", "folder_pct_test", "folder_train_min_per_class", "folder_train_max_per_class", "has_val_folder", "folder_val",
    "folder_val_min_per_class", "folder_val_max_per_class", "has_test_folder", "folder_test", "folder_test_min_per_class",
    "folder_test_max_per_class", "dataset_name", "group_name",
}  # fmt: skip


def fields(tree: Element) -> dict[str, str]:
    """Return name and value of each field of a form."""
    found = {}
    for element in tree.one("form", id="dataset-form").walk():
        name = element.attributes.get("name", "")
        if element.tag == "select":
            chosen = next(option for option in element.find("option") if "selected" in option.attributes)
            found[name] = chosen.attributes["value"]
        elif element.tag == "input" and name:
            ticked = element.attributes.get("type") != "checkbox" or "checked" in element.attributes
            found[name] = element.attributes.get("value", "") if ticked else ""
    return found


def test_the_form_has_digits_fields_with_digits_defaults(empty: Serving) -> None:
    empty.login("ana")

    tree = read(empty.client.get(NEW).text)

    assert tree.one("h1").text == "New Image Classification Dataset"
    found = fields(tree)
    assert set(found) >= DIGITS_FIELDS
    assert (found["resize_channels"], found["resize_width"], found["resize_mode"]) == ("3", "256", "squash")
    assert (found["folder_pct_val"], found["folder_train_min_per_class"], found["encoding"]) == ("25", "2", "png")


def test_the_form_asks_for_a_name_first(empty: Serving) -> None:
    answer = empty.client.get(NEW, headers={"Accept": "text/html"})

    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/login?next=")


def test_a_refused_form_comes_back_whole(empty: Serving, tmp_path: Path) -> None:
    empty.login("ana")
    typed = {
        "folder_train": str(tmp_path / "none"), "folder_pct_val": "130", "resize_width": "64", "resize_mode": "fill",
        "has_val_folder": "true", "dataset_name": "", "group_name": "mine",
    }  # fmt: skip

    answer = empty.client.post("/datasets/images/classification", data=typed, headers={"Accept": "text/html"})

    assert answer.status_code == 400
    tree = read(answer.text)
    found = fields(tree)
    assert {name: found[name] for name in typed} == typed
    summary = tree.one("div", class_="alert-danger")
    assert "Dataset Name" in summary.text
    assert "% for validation" in summary.text
    name = tree.one("input", name="dataset_name")
    assert name.attributes["aria-invalid"] == "true"
    assert tree.one(id=name.attributes["aria-describedby"]).text == "This field is required."


def test_a_clone_is_filled_from_the_job(world: World) -> None:
    world.site.login("ana")

    found = fields(read(world.site.client.get(f"{NEW}?clone={world.ids['mnist']}").text))

    assert found["dataset_name"] == "MNIST 28 × 28"
    assert found["folder_train"] == "/data/mnist/train"
    assert (found["resize_channels"], found["resize_width"]) == ("1", "28")


def test_a_finished_dataset_shows_all_that_is_known_of_it(world: World) -> None:
    tree = read(world.site.client.get(f"/datasets/{world.ids['mnist']}").text)

    rows = {row.find("dt")[0].text: row.find("dd")[0].text for row in tree.one(id="job-facts").find("div")}
    assert rows == {
        "Image dimensions": "28 × 28", "Image type": "Grayscale", "Resize": "Squash", "DB backend": "lmdb", "Image encoding": "png",
        "DB compression": "none", "Classes": "10", "Pictures": "60,000", "Dataset size": "23.9 MB",
    }  # fmt: skip
    assert world.ids["mnist"] in tree.text
    assert [line.text.split()[0] for line in tree.one(id="status").find("li")] == ["Initialized", "Running", "Done"]
    assert tree.one(id="status").find("li")[-1].text.endswith("total 25 seconds")
    bars = tree.one("svg", class_="histogram")
    assert "1 6,742" in bars.attributes["aria-label"]
    assert "ratio 1.24: even enough" in tree.one(id="contents").text
    databases = [[cell.text for cell in row.children] for row in tree.one(id="databases").find("tr")[1:]]
    assert databases[0] == ["train", "45,002", "17.9 MB", "train.txt", "create_train_db.log", "Explore the db"]
    refused = [[cell.text for cell in row.children] for row in tree.one(id="refused").find("tr")[1:]]
    assert refused[1] == ["train/7/22418.png", "Ends early: 112 of 281 bytes.", "train"]
    assert "Class folders 0 to 9" in tree.one(class_="notes-text").text
    assert "MNIST LeNet" in tree.one(id="related").text


def test_a_dataset_in_the_making_shows_its_tasks_with_rate_and_time_left(world: World) -> None:
    tree = read(world.site.client.get(f"/datasets/{world.ids['building']}").text)

    rows = {row.children[0].text: [cell.text for cell in row.children] for row in tree.one(id="tasks").find("tr")[1:]}
    assert rows["Parse Folder (train/val)"][1:4] == ["Done", "100 %", "1,036"]
    assert rows["Create DB (train)"][1:5] == ["Running", "35 %", "301 of 850", "43"]
    assert rows["Create DB (train)"][6], "time left"
    assert rows["Create DB (val)"][1:3] == ["Waiting", "0 %"]
    assert "Class 'hat' has only 2 pictures." in tree.one(id="trouble").text
    assert not tree.find(id="databases")
    assert any(button.text == "Abort" for button in tree.find("button"))


def test_a_dataset_that_failed_says_what_where_and_what_to_do(world: World) -> None:
    tree = read(world.site.client.get(f"/datasets/{world.ids['broken']}").text)

    trouble = tree.one(id="trouble").one(role="alert")
    assert "The folder holds no picture." in trouble.text
    assert "/data/none" in trouble.text
    assert "Point to a folder with one subfolder for each class." in trouble.text
    assert "Traceback" in trouble.one("pre").text


def test_pictures_are_shown_with_their_labels_page_by_page(empty: Serving, tmp_path: Path) -> None:
    job = build_dataset(empty.store, draw_pictures(tmp_path / "in", classes=3, each=20))
    explore = f"/datasets/images/classification/explore?job_id={job.id}"

    tree = read(empty.client.get(explore + "&size=10&page=1").text)

    assert "Items per page" in tree.text
    cells = tree.find("a", class_="cell")
    assert len(cells) == 10
    assert [int(cell.attributes["data-index"]) for cell in cells] == list(range(10, 20))
    picture = empty.client.get(cells[0].find("img")[0].attributes["src"])
    assert picture.headers["content-type"] == "image/png"
    assert "immutable" in picture.headers["cache-control"]
    current = [each.text for each in tree.find("nav", class_="pages")[0].children if "aria-current" in each.attributes]
    assert current == ["1"]
    assert {link.text for link in tree.find("a") if link.attributes.get("href", "").endswith("size=50")} == {"50"}


def test_a_class_and_a_search_are_kept_from_page_to_page(empty: Serving, tmp_path: Path) -> None:
    job = build_dataset(empty.store, draw_pictures(tmp_path / "in", classes=2, each=40))
    explore = f"/datasets/images/classification/explore?job_id={job.id}"

    tree = read(empty.client.get(explore + "&size=10&label=1&search=class_1").text)

    assert {cell.attributes["data-label"] for cell in tree.find("a", class_="cell")} == {"class 1"}
    following = next(link for link in tree.find("a") if link.attributes.get("rel") == "next")
    assert "label=1" in following.attributes["href"]
    assert "search=class_1" in following.attributes["href"]
    chosen = next(row for row in tree.one(class_="class-list").find("a") if "aria-current" in row.attributes)
    assert "class 1" in chosen.text
    none = read(empty.client.get(explore + "&search=nowhere").text)
    assert "No picture of train matches." in none.text


@pytest.mark.parametrize("query", ["&page=-1", "&size=0", "&label=9", "&db=nothing", "&page=x"])
def test_a_bad_address_of_explore_is_a_page_that_says_why(empty: Serving, tmp_path: Path, query: str) -> None:
    job = build_dataset(empty.store, draw_pictures(tmp_path / "in"))

    answer = empty.client.get(f"/datasets/images/classification/explore?job_id={job.id}{query}")

    assert answer.status_code == 400
    assert read(answer.text).one(class_="alert-danger").text


def test_a_database_that_is_done_is_shown_while_the_next_is_made(empty: Serving) -> None:
    settings = empty.settings
    made = make(settings, "dataset", "half", spec=classification_spec("half"), ago_s=9, tasks=TASKS)
    journal(made, (1, {"what": "state", "state": "Running", "reason": ""}))
    (made.folder.path / "labels.txt").write_text("".join(f"{label}\n" for label in LABELS))
    train = dataset_facts()["dbs"]["train"]
    say(
        made,
        Preview(name="mean", file="mean.jpg"),
        Progress(task="create_train_db", done=45_002, total=45_002, state="done", facts=train),
        Progress(task="create_val_db", done=100, total=14_998),
    )
    empty.store.reindex()

    answer = empty.client.get(f"/datasets/{made.folder.id}")

    assert answer.status_code == 200
    tree = read(answer.text)
    assert tree.find("img", src=f"/files/{made.folder.id}/mean.jpg")
    assert tree.one(id="databases").text.endswith("create_train_db.log"), "and nothing to explore yet"
    assert "1 5,057" in tree.one("svg", class_="histogram").attributes["aria-label"]
