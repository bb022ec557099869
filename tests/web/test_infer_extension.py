"""``infer_extension``: a kind of dataset asks with fields of its own, and its pictures are answered by the worker's code."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from digits.core.jobfolder import JobFolder
from digits.core.settings import Settings
from digits.core.work import WorkerSettings
from digits.workers.infer import setup
from tests.web.conftest import build_job
from tests.web.markup import read
from tests.web.serving import serving
from tests.web.standin import service
from tests.web.test_trained_masks import Masks, learn

NETWORK = """
layer { name: "slopes" type: "InnerProduct" bottom: "data" top: "slopes" inner_product_param { num_output: 2 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "slopes" bottom: "label" top: "loss" exclude { stage: "deploy" } }
"""
ASKED = "/models/images/generic/infer_extension"


@pytest.fixture(scope="module")
def slopes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Masks]:
    """Train on drawn slopes, by DIGITS' paths, and let the model answer."""
    with serving(Settings(root=tmp_path_factory.mktemp("slopes"))) as site:
        site.login("fred")
        fields = {
            "dataset_name": "slopes",
            "train_image_count": "8",
            "val_image_count": "2",
            "image_width": "6",
            "image_height": "4",
        }
        made = site.client.post("/datasets/generic/create/image-gradients.json", data=fields)
        assert made.status_code == 200, made.text
        dataset = build_job(site.store, site.store.job(made.json()["id"]))
        fields = {
            "dataset": dataset.id, "model_name": "net", "method": "custom", "custom_network": NETWORK, "train_epochs": "1",
            "batch_size": "4", "learning_rate": "0", "device": "cpu", "framework": "caffe",
        }  # fmt: skip
        posted = site.client.post("/models/images/generic.json", data=fields)
        assert posted.status_code == 200, posted.text
        found = Masks(site, dataset.id, str(posted.json()["id"]))
        found.run(found.model, learn)
        worker = WorkerSettings(device="cpu", spool=str(site.settings.root / "spool"))
        handlers = setup(JobFolder(site.settings.jobs / found.model), None, worker)
        with service(
            site.store, "infer", lambda path, asked: (200, handlers[path](asked)), job_id=found.model, epoch=1.0
        ):
            yield found


def test_its_fields_make_the_pictures_that_are_answered_by_keys_of_records(slopes: Masks) -> None:
    client = slopes.site.client

    one = client.post(f"{ASKED}.json", data={"job_id": slopes.model, "gradient_x": "0.25", "gradient_y": "-0.1"}).json()
    many = client.post(f"{ASKED}.json", data={"job_id": slopes.model, "test_image_count": "3"}).json()
    page = client.post(ASKED, data={"job_id": slopes.model, "gradient_x": "0.25", "gradient_y": "-0.1"})

    assert list(one["outputs"]) == ["000000000"]
    assert np.shape(one["outputs"]["000000000"]["slopes"]) == (1, 2)
    assert list(many["outputs"]) == [f"{at:09d}" for at in range(3)]
    assert page.status_code == 200
    assert "0.250, -0.100" in page.text


def test_a_field_that_is_wrong_is_told_as_digits_does(slopes: Masks) -> None:
    answer = slopes.site.client.post(f"{ASKED}.json", data={"job_id": slopes.model, "gradient_x": "0.25"})

    assert answer.status_code == 400
    assert answer.json()["error"]["description"].startswith("{'gradient_y': [")


def test_the_page_of_the_model_has_these_fields(slopes: Masks) -> None:
    tree = read(slopes.site.client.get(f"/models/{slopes.model}").text)

    form = next(each for each in tree.find("form") if each.attributes.get("action") == ASKED)
    names = {each.attributes["name"] for each in form.walk() if "name" in each.attributes}
    assert names == {"job_id", "snapshot_epoch", "gradient_x", "gradient_y", "test_image_count"}
