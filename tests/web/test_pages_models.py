"""Pages of models: the form, the model while it learns and after, words on trainings that go wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from digits.core.states import JobState
from digits.store import Job
from digits.web.pages import modelfacts
from tests.web.conftest import World, build_dataset, draw_pictures, finish, model_of
from tests.web.markup import Element, read
from tests.web.serving import Serving

NEW = "/models/images/classification/new"
DIGITS_FIELDS = {
    "dataset", "model_name", "group_name", "train_epochs", "snapshot_interval", "val_interval", "random_seed", "batch_size",
    "batch_accumulation", "solver_type", "rms_decay", "learning_rate", "lr_policy", "lr_step_size", "lr_step_gamma",
    "lr_multistep_values", "lr_multistep_gamma", "lr_exp_gamma", "lr_inv_gamma", "lr_inv_power", "lr_poly_power",
    "lr_sigmoid_step", "lr_sigmoid_gamma", "crop_size", "use_mean", "shuffle", "method", "framework", "standard_networks",
    "custom_network",
}  # fmt: skip


def chosen(tree: Element, name: str) -> list[str]:
    """Return the values of the radio buttons ``name`` that are chosen."""
    return [each.attributes["value"] for each in tree.find("input", name=name) if "checked" in each.attributes]


@pytest.fixture
def dataset(empty: Serving, tmp_path: Path) -> Job:
    """Build a small dataset."""
    empty.login("ana")
    return build_dataset(empty.store, draw_pictures(tmp_path / "in"), username="ana")


def test_the_form_has_digits_fields(world: World) -> None:
    world.site.login("ana")

    tree = read(world.site.client.get(NEW).text)

    assert tree.one("h1").text == "New Image Classification Model"
    names = {each.attributes["name"] for each in tree.one("form", id="model-form").walk() if "name" in each.attributes}
    assert names >= DIGITS_FIELDS
    assert tree.one("input", name="train_epochs").attributes["value"] == "30"
    assert tree.one("input", name="learning_rate").attributes["value"] == "0.01"
    policies = [option.attributes["value"] for option in tree.one("select", name="lr_policy").find("option")]
    assert policies == ["fixed", "step", "multistep", "exp", "inv", "poly", "sigmoid", "cosine"]
    networks = [each.attributes["value"] for each in tree.find("input", name="standard_networks")]
    assert networks[:3] == ["lenet", "alexnet", "googlenet"]
    assert not {"fcn8s", "detectnet"} & set(networks)


def test_the_dataset_one_comes_from_is_chosen_with_a_network_that_fits_it(world: World) -> None:
    world.site.login("ana")

    tree = read(world.site.client.get(f"{NEW}?dataset={world.ids['cifar']}").text)

    assert chosen(tree, "dataset") == [world.ids["cifar"]]
    assert chosen(tree, "standard_networks") == ["lenet"]
    assert "45,002 images" in tree.one(id="dataset-summary").text


def test_datasets_that_failed_are_not_offered(world: World) -> None:
    world.site.login("ana")

    offered = {each.attributes["value"] for each in read(world.site.client.get(NEW).text).find("input", name="dataset")}

    assert world.ids["broken"] not in offered
    assert {world.ids["mnist"], world.ids["building"]} <= offered


def test_without_a_dataset_the_form_leads_to_one(empty: Serving) -> None:
    empty.login("ana")

    tree = read(empty.client.get(NEW).text)

    assert "No dataset yet." in tree.text
    assert any(link.attributes["href"] == "/datasets/images/classification/new" for link in tree.one("main").find("a"))


def test_a_refused_form_comes_back_whole(empty: Serving, dataset: Job) -> None:
    typed = {
        "dataset": dataset.id, "method": "custom", "custom_network": "layer { this is no network", "framework": "caffe",
        "train_epochs": "0", "learning_rate": "0.1, 0.2", "lr_policy": "poly", "model_name": "",
    }  # fmt: skip

    answer = empty.client.post("/models/images/classification", data=typed, headers={"Accept": "text/html"})

    assert answer.status_code == 400
    tree = read(answer.text)
    assert tree.one("textarea", name="custom_network").text == typed["custom_network"]
    assert tree.one("input", name="learning_rate").attributes["value"] == "0.1, 0.2"
    assert chosen(tree, "dataset") == [dataset.id]
    assert tree.one("input", name="method").attributes["value"] == "custom"
    assert "hidden" not in tree.one(id="panel-custom").attributes
    summary = tree.one("div", class_="alert-danger").text
    assert "Model Name" in summary
    assert "Training epochs" in summary


def test_a_clone_is_filled_from_the_job(world: World) -> None:
    world.site.login("ana")

    tree = read(world.site.client.get(f"{NEW}?clone={world.ids['done']}").text)

    assert tree.one("input", name="model_name").attributes["value"] == "MNIST LeNet learning_rate:0.005"
    assert tree.one("input", name="learning_rate").attributes["value"] == "0.005"
    assert tree.one("input", name="batch_size").attributes["value"] == "64"
    assert chosen(tree, "standard_networks") == ["lenet"]
    assert chosen(tree, "dataset") == [world.ids["mnist"]]


def test_a_model_that_learns_shows_its_progress_snapshots_and_files(world: World) -> None:
    tree = read(world.site.client.get(f"/models/{world.ids['running']}").text)

    progress = tree.one(id="progress")
    assert "Epoch 6.4 of 10" in progress.text
    assert "Step 4,506 of 7,040" in progress.text
    assert "3,690 images/s" in progress.text
    assert "Time left" in progress.text
    assert tree.one(id="curves").attributes["data-metrics"] == f"/models/{world.ids['running']}/metrics"
    rows = tree.one(id="snapshots").find("tr")[1:]
    assert [row.attributes["data-epoch"] for row in rows] == ["6", "5", "4", "3", "2", "1"]
    assert [row.attributes["data-epoch"] for row in rows if "data-best" in row.attributes] == ["6"]
    assert rows[0].text.endswith("Latest")
    files = {link.text for link in tree.one(id="files").find("a")}
    assert {
        "solver.prototxt",
        "train_val.prototxt",
        "deploy.prototxt",
        "original.prototxt",
        "caffe_output.log",
    } <= files
    facts = tree.one(id="job-facts").text
    assert "431,080" in facts
    assert "LeNet" in facts
    assert "step, 33 %, gamma 0.1" in tree.one(id="solver-facts").text


def test_a_model_that_waits_says_what_for(world: World) -> None:
    tree = read(world.site.client.get(f"/models/{world.ids['waiting']}").text)

    assert "1 of 1 training slots busy, first in the queue" in tree.one(id="trouble").text
    assert all("disabled" in each.attributes for each in tree.one(id="tests").find("button"))


def test_a_diverged_training_says_what_to_do(world: World) -> None:
    tree = read(world.site.client.get(f"/models/{world.ids['nan']}").text)

    assert "The loss became NaN at epoch 0.4." in tree.one(id="trouble").text
    assert tree.text.count("Try decreasing your learning rate") == 1


def test_the_best_snapshot_is_by_the_validation_loss_unless_the_job_says_otherwise(world: World) -> None:
    rows = world.site.store.snapshots(world.ids["done"])

    by_loss, by_accuracy = modelfacts.best_of(rows, ""), modelfacts.best_of(rows, "accuracy/val")

    assert by_loss is min(rows, key=lambda row: row.metrics["loss/val"] or 0)
    assert by_accuracy is max(rows, key=lambda row: row.metrics["accuracy/val"] or 0)
    assert modelfacts.best_of(rows[:1], "") is None
    assert world.site.json(f"/models/{world.ids['done']}.json")["best snapshot"] == by_loss.epoch


def test_the_curves_stand_alone_on_a_page_of_their_own(world: World) -> None:
    tree = read(world.site.client.get(f"/models/images/classification/large_graph?job_id={world.ids['done']}").text)

    assert tree.one(id="curves").attributes["data-height"] == "560"
    assert len(tree.one(id="snapshots").find("span")) == 10


def test_a_model_that_failed_over_its_network_shows_the_line_and_the_way_on_and_no_empty_panels(
    empty: Serving, dataset: Job
) -> None:
    job = model_of(empty.store, dataset, username="ana")
    text = 'name: "net"\nlayer {\n  type: "Polling"\n}\n'
    (job.folder.path / "original.prototxt").write_text(text)
    finish(empty.store, job.id, JobState.RUNNING)
    trouble = {
        "message": "Unknown layer type: Polling.",
        "where": "original.prototxt:3",
        "hint": "Did you mean 'Pooling'?",
    }
    with empty.store.change(job.id) as index:
        index.move(JobState.ERROR, error=trouble | {"trace": ""})

    tree = read(empty.client.get(f"/models/{job.id}").text)

    work = tree.one(id="work")
    assert "Did you mean 'Pooling'?" in work.one(id="trouble").text
    assert [line.text for line in work.find("span", class_="bad")] == ['3 type: "Polling"']
    links = {link.text: link.attributes["href"] for link in work.one(id="mend").find("a")}
    assert links["Clone and mend"] == f"/models/images/classification/new?clone={job.id}"
    shown = {each.attributes["id"] for each in work.walk() if "id" in each.attributes}
    assert not shown & {"curves", "progress", "tests"}


def test_a_model_that_failed_late_keeps_its_curves_and_its_network(world: World) -> None:
    tree = read(world.site.client.get(f"/models/{world.ids['nan']}").text)

    assert tree.one(id="curves")
    assert "Clone and mend" in tree.one(id="mend").text
    hrefs = [link.attributes["href"] for link in tree.one(id="network-facts").find("a")]
    assert hrefs[0] == f"/models/{world.ids['nan']}/network"
    assert f"/netron/?url=/files/{world.ids['nan']}/deploy.prototxt" in hrefs
