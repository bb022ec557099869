"""Models of datasets beyond classes over HTTP: DIGITS' generic paths, a form for each kind, what it warns of before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digits.core.jobfolder import JobFolder
from digits.core.trainspec import TrainSpec
from digits.download.streets import CLASSES, draw_street
from digits.store import Job
from tests.web.conftest import build_dataset, draw_pictures
from tests.web.markup import Element, read
from tests.web.serving import Serving
from tests.web.test_contract import MODEL_KEYS
from tests.web.test_segmentation import streets

GENERIC = "/models/images/generic"
FORM = f"{GENERIC}/new/image-segmentation"
NETWORK = {"method": "standard", "standard_networks": "unet", "framework": "torch", "train_epochs": "2"}


@pytest.fixture
def scenes(empty: Serving, tmp_path: Path) -> str:
    """Make a small dataset of streets; fred is logged in."""
    return str(streets(empty, tmp_path)["id"])


def post(site: Serving, dataset: str, path: str = f"{GENERIC}.json", **more: str) -> dict[str, Any]:
    """Ask for a model as DIGITS' scripts do, and return the answer."""
    answer = site.client.post(path, data=NETWORK | {"model_name": "net", "dataset": dataset} | more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def spec_of(site: Serving, job_id: str) -> TrainSpec:
    """Return the spec in a model's job.json."""
    return TrainSpec.model_validate(JobFolder(site.settings.jobs / job_id).record().spec)


def radios(tree: Element, name: str) -> list[str]:
    """Return what can be chosen."""
    return [each.attributes["value"] for each in tree.find("input", name=name)]


def test_the_menus_lead_to_a_form_of_its_own_that_offers_such_datasets_and_networks(
    empty: Serving, scenes: str, tmp_path: Path
) -> None:
    pictures = build_dataset(empty.store, draw_pictures(tmp_path / "pictures"))

    home = read(empty.client.get("/").text)
    own = read(empty.client.get(FORM).text)
    every = read(empty.client.get(f"{GENERIC}/new").text)
    other = read(empty.client.get("/models/images/classification/new").text)

    assert any(each.attributes.get("href") == FORM for each in home.find("a"))
    assert own.one("h1").text == "New Image Segmentation Model"
    assert radios(own, "dataset") == radios(every, "dataset") == [scenes]
    assert radios(other, "dataset") == [pictures.id]
    assert {"unet", "fcn8s_efficientnet_lite0"} <= set(radios(own, "standard_networks"))
    assert not {"lenet", "alexnet"} & set(radios(own, "standard_networks"))
    assert not {"fcn_alexnet", "unet"} & set(radios(other, "standard_networks"))
    assert empty.client.get(f"{GENERIC}/new/nothing-known").status_code == 404
    listed = empty.json("/models/standard-networks.json", dataset_id=scenes, framework="caffe")["networks"]
    assert {"fcn_alexnet", "fcn8s"} <= {each["name"] for each in listed}


def test_the_mean_is_none_unless_another_is_chosen(empty: Serving, scenes: str) -> None:
    tree = read(empty.client.get(FORM).text)

    chosen = [
        each.attributes["value"]
        for each in tree.one("select", name="use_mean").find("option")
        if "selected" in each.attributes
    ]
    assert chosen == ["none"]
    assert "hidden" in tree.one("p", **{"data-unless": "use_mean=none"}).attributes
    assert spec_of(empty, post(empty, scenes)["id"]).use_mean == "none"
    assert spec_of(empty, post(empty, scenes, use_mean="pixel")["id"]).use_mean == "pixel"
    warned = read(empty.client.get(FORM, params={"use_mean": "pixel"}).text)
    assert "hidden" not in warned.one("p", **{"data-unless": "use_mean=none"}).attributes


def test_it_is_said_before_training_what_the_most_frequent_class_alone_would_score(empty: Serving, scenes: str) -> None:
    learned, measured = (
        np.bincount(
            np.concatenate([draw_street(64, 48, seed=(0, part, at)).label_HW.ravel() for at in range(count)]),
            minlength=len(CLASSES),
        )
        for part, count in ((0, 5), (1, 2))
    )
    share = measured[learned.argmax()] / measured.sum()

    for path, query in ((FORM, {}), ("/datasets/summary", {"job_id": scenes}), (f"/datasets/{scenes}", {})):
        words = read(empty.client.get(path, params=query).text).one("p", id="floor").text
        assert CLASSES[learned.argmax()] in words
        assert f"pixel accuracy of {100 * share:.1f} %" in words
        assert f"mean IoU of {100 * share / (measured > 0).sum():.1f} %" in words


def test_digits_paths_make_one_and_its_clone_opens_the_form(empty: Serving, scenes: str) -> None:
    model = post(empty, scenes)
    slashless = post(empty, scenes, f"{GENERIC}image-segmentation.json")
    swept = post(empty, scenes, learning_rate="0.1, 0.01")

    assert list(model)[: len(MODEL_KEYS)] == list(MODEL_KEYS) or set(model) >= {"id", "status", "dataset_id", "job id"}
    assert slashless["dataset_id"] == scenes
    assert [each["name"] for each in swept["jobs"]] == ["net learning_rate:0.1", "net learning_rate:0.01"]
    assert empty.json(f"/models/{model['id']}/status")["type"] == "Image Segmentation Model"
    moved = empty.client.get(f"/clone/{model['id']}")
    assert moved.headers["location"] == f"{FORM}?clone={model['id']}"
    clone = read(empty.client.get(moved.headers["location"]).text)
    assert clone.one("input", name="train_epochs").attributes["value"] == "2"
    page = empty.client.get(f"/models/{model['id']}").text
    assert f"{FORM}?clone={model['id']}" in page
    assert f"{GENERIC}/large_graph?job_id={model['id']}" in page
    for kind in ("generic", "classification"):
        large = empty.client.get(f"/models/images/{kind}/large_graph", params={"job_id": model["id"]})
        assert large.status_code == 200
    assert empty.client.get(f"{GENERIC}/large_graph", params={"job_id": "nope"}).status_code == 404
    assert empty.client.get(f"{GENERIC}/large_graph").status_code == 400


def test_a_dataset_of_another_kind_and_what_masks_cannot_have_are_refused_in_words(
    empty: Serving, scenes: str, tmp_path: Path
) -> None:
    pictures: Job = build_dataset(empty.store, draw_pictures(tmp_path / "pictures"))

    def problems(path: str, **more: str) -> dict[str, list[str]]:
        answer = empty.client.post(path, data=NETWORK | {"model_name": "net"} | more)
        assert answer.status_code == 400, answer.text
        found: dict[str, list[str]] = answer.json()["errors"]
        return found

    assert "/models/images/classification/new" in problems(f"{GENERIC}.json", dataset=pictures.id)["dataset"][0]
    assert FORM in problems("/models/images/classification.json", dataset=scenes)["dataset"][0]
    assert problems(f"{GENERIC}.json", dataset="20201124-000000-abcd")["dataset"] == ["Unknown dataset job_id"]
    assert "class_balance" in problems(f"{GENERIC}.json", dataset=scenes, class_balance="sampling")
    wrong = problems(f"{GENERIC}.json", dataset=scenes, framework="caffe", standard_networks="lenet")
    assert "segmentation" in wrong["standard_networks"][0] or "classification" in wrong["standard_networks"][0]
    page = empty.client.post(GENERIC, data=NETWORK | {"dataset": scenes})
    assert page.status_code == 400
    assert 'div class="message bad alert-danger' in page.text
    assert "Image Segmentation" in page.text or "Generic Image Model" in page.text


def test_a_model_that_waits_already_offers_the_view_and_the_looks_of_its_kind(empty: Serving, scenes: str) -> None:
    model = post(empty, scenes)["id"]

    page = empty.client.get(f"/models/{model}").text

    options = read(page).one("select", id="view_extension_id").find("option")
    assert [each.attributes["value"] for each in options if "selected" in each.attributes] == ["image-segmentation"]
    assert "/static/css/masks.css" in page, "the table of classes comes while the page is open"
