"""Models side by side: which settings set them apart, what their curves came to, and the ways that lead there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from digits.core.metrics import MetricsWriter
from digits.core.trainspec import CustomNetwork, StandardNetwork, TrainSpec
from digits.store import Job, Store
from digits.web.comparing import MOST_MODELS
from tests.web.conftest import World, build_dataset, draw_pictures, model_of
from tests.web.markup import read
from tests.web.serving import Serving

COMPARE = "/models/compare"


def test_settings_that_differ_stand_in_the_order_asked_for(world: World) -> None:
    ids = [world.ids[name] for name in ("done", "slow", "running")]

    found = world.site.client.get(f"{COMPARE}.json?ids={','.join(ids)}").json()

    assert [each["id"] for each in found["models"]] == ids
    assert [each["status"] for each in found["models"]] == ["Done", "Done", "Running"]
    assert found["differing"] == {"learning_rate": ["0.005", "0.001", "0.01"]}


def test_an_accuracy_is_best_where_it_is_greatest_and_a_loss_where_it_is_least(empty: Serving, tmp_path: Path) -> None:
    dataset = build_dataset(empty.store, draw_pictures(tmp_path / "in"))
    first, second = model_of(empty.store, dataset), model_of(empty.store, dataset)
    writer = MetricsWriter(first.folder.metrics)
    for epoch, accuracy, loss in ((1, 0.5, 2.0), (2, 0.9, 1.0), (3, float("nan"), float("nan")), (4, 0.8, 1.5)):
        writer.append("accuracy/val", step=epoch * 10, epoch=epoch, value=accuracy)
        writer.append("loss/val", step=epoch * 10, epoch=epoch, value=loss)
    writer.close()

    found = empty.client.get(f"{COMPARE}.json?ids={first.id},{second.id}").json()["metrics"]

    assert found["accuracy/val"] == [{"last": 0.8, "best": 0.9, "epoch": 2.0}, None]
    assert found["loss/val"] == [{"last": 1.5, "best": 1.0, "epoch": 2.0}, None]


def test_models_of_other_frameworks_and_networks_are_compared_too(empty: Serving, tmp_path: Path) -> None:
    dataset = build_dataset(empty.store, draw_pictures(tmp_path / "in"))
    standard = trained(empty.store, dataset, framework="caffe", network=StandardNetwork(name="lenet"))
    custom = trained(empty.store, dataset, framework="torch", network=CustomNetwork(text="import torch\n" * 90))

    page = read(empty.client.get(f"{COMPARE}?ids={standard.id},{custom.id}").text)
    told = empty.client.get(f"{COMPARE}.json?ids={standard.id},{custom.id}").json()["differing"]

    assert told["framework"] == ["caffe", "torch"]
    assert told["standard_networks"] == ["lenet", None]
    assert told["custom_network"][1] == "import torch\n" * 90
    assert "90 lines" in page.one("table").text


def test_the_page_has_a_row_a_model_and_marks_the_best(world: World) -> None:
    ids = [world.ids[name] for name in ("slow", "done", "waiting")]

    page = read(world.site.client.get(f"{COMPARE}?ids={','.join(ids)}").text)

    rows = [row for row in page.one("table").find("tr") if "data-id" in row.attributes]
    assert [row.attributes["data-id"] for row in rows] == ids
    leading = [[cell.text for cell in row.find("td") if "leads" in cell.attributes.get("class", "")] for row in rows]
    assert leading[0] == [] or len(leading[0]) < len(leading[1])
    assert leading[2] == []
    assert any(text.startswith("99.0") for text in leading[1])


@pytest.mark.parametrize("number", [0, 1, MOST_MODELS + 1])
def test_too_few_or_too_many_models_are_refused(world: World, number: int) -> None:
    ids = ",".join(f"20261124-000000-{index:04x}" for index in range(number))

    answer = world.site.client.get(f"{COMPARE}.json?ids={ids}")

    assert answer.status_code == 400
    assert "Choose 2 to 20" in answer.text


def test_what_is_no_model_is_not_found(world: World) -> None:
    ids = world.ids

    assert world.site.client.get(f"{COMPARE}.json?ids={ids['done']},{ids['mnist']}").status_code == 404
    assert world.site.client.get(f"{COMPARE}.json?ids={ids['done']},20000101-000000-0000").status_code == 404


def test_a_group_leads_to_its_comparison_from_home_and_from_each_of_its_models(world: World) -> None:
    group = {world.ids[name] for name in ("slow", "done", "running", "waiting")}

    home = read(world.site.client.get("/?tab=2").text)
    model = read(world.site.client.get(f"/models/{world.ids['done']}").text)

    for page, text in ((home, "Compare"), (model, "Compare the group")):
        link = next(each for each in page.find("a") if each.text.strip() == text)
        asked = link.attributes["href"].partition("ids=")[2].replace("%2C", ",").split(",")
        assert set(asked) == group


def test_a_sweep_by_json_takes_lists_and_tells_its_trainings_apart(empty: Serving, tmp_path: Path) -> None:
    empty.login("fred")
    dataset = build_dataset(empty.store, draw_pictures(tmp_path / "in"))
    body = {
        "dataset": dataset.id, "name": "net", "network": {"method": "standard", "name": "lenet"},
        "learning_rate": [0.1, 0.01], "batch_size": [4, 8],
    }  # fmt: skip

    made = empty.client.post("/models/images/classification.json", json=body).json()["jobs"]

    assert [each["name"] for each in made] == [
        "net learning_rate:0.1 batch_size:4", "net learning_rate:0.1 batch_size:8",
        "net learning_rate:0.01 batch_size:4", "net learning_rate:0.01 batch_size:8",
    ]  # fmt: skip
    jobs = [empty.store.job(each["id"]) for each in made]
    assert {job.group for job in jobs} == {"net"}
    assert [(job.spec["learning_rate"], job.spec["batch_size"]) for job in jobs] == [
        (0.1, 4), (0.1, 8), (0.01, 4), (0.01, 8),
    ]  # fmt: skip


def test_a_sweep_of_too_many_trainings_is_refused_at_its_field_and_makes_none(empty: Serving, tmp_path: Path) -> None:
    empty.login("fred")
    dataset = build_dataset(empty.store, draw_pictures(tmp_path / "in"))
    many = {
        "learning_rate": ",".join(f"0.{index:03}" for index in range(1, 30)),
        "batch_size": ",".join(map(str, range(1, 30))),
    }
    form = {"dataset": dataset.id, "model_name": "net", "method": "standard", "standard_networks": "lenet"} | many

    answer = empty.client.post("/models/images/classification.json", data=form)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["learning_rate"]
    assert "more than 200 trainings" in answer.json()["errors"]["learning_rate"][0]
    assert models(empty) == []


def trained(store: Store, dataset: Job, **more: Any) -> Job:
    """Queue a model as the form does."""
    spec = TrainSpec(dataset=dataset.id, name="net", **more)
    return store.submit(
        kind="model", extension=spec.framework, title="Image Classification Model", name="net", username="fred", worker="train",
        spec=spec.model_dump(mode="json"), depends_on=dataset.id,
    )  # fmt: skip


def models(site: Serving) -> list[Job]:
    """Return all models there are."""
    return site.store.jobs(kind="model")
