"""Models in Python over HTTP: made, refused in words, offered, downloaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from digits.core.files import write_text
from digits.core.jobfolder import JobFolder
from digits.core.settings import Settings
from digits.networks.torch.text import standard_text
from digits.store import Job
from tests.web.conftest import World, build_dataset, draw_pictures
from tests.web.serving import Serving, serving
from tests.web.test_models import CREATE, form, spec_of

OWN = "from torch import nn\n\ndef build_model(params):\n    return nn.Flatten()\n"


@pytest.fixture
def dataset(empty: Serving, tmp_path: Path) -> Job:
    """Make a small dataset; fred is logged in."""
    empty.login("fred")
    return build_dataset(empty.store, draw_pictures(tmp_path / "pictures"))


def test_a_model_in_python_is_queued_and_says_its_files_by_digits_keys(empty: Serving, dataset: Job) -> None:
    answer = empty.client.post(f"{CREATE}.json", files=form(dataset, framework="torch"))

    body = answer.json()
    assert (body["framework"], body["model file"], body["snapshot file"]) == ("torch", "network.py", "no snapshots")
    assert "caffe flavor" not in body
    record = JobFolder(empty.settings.jobs / body["id"]).record()
    assert (record.extension, [task.title for task in record.tasks]) == ("torch", ["Train Torch Model"])
    assert spec_of(empty, body["id"]).framework == "torch"


def test_customize_gives_the_text_of_a_standard_network_and_of_a_model(empty: Serving, dataset: Job) -> None:
    fields = form(dataset, framework="torch", method="custom", custom_network=OWN)
    made = empty.client.post(f"{CREATE}.json", files=fields).json()

    lenet = empty.client.post("/models/customize?network=lenet&framework=torch")
    own = empty.client.post(f"/models/customize?network={made['id']}&framework=torch")

    assert json.loads(lenet.text)["network"] == standard_text("lenet")
    assert json.loads(own.text)["network"] == OWN
    assert empty.client.post("/models/customize?network=fcn8s&framework=torch").status_code == 404


@pytest.mark.parametrize(
    ("text", "words"),
    [(OWN + "(\n", "line 5"), (OWN.replace("build_model", "build"), "no function 'build_model'"), ("", "required")],
)
def test_a_broken_text_is_refused_with_its_line(empty: Serving, dataset: Job, text: str, words: str) -> None:
    answer = empty.client.post(
        f"{CREATE}.json", files=form(dataset, framework="torch", method="custom", custom_network=text)
    )

    assert answer.status_code == 400
    assert words in answer.json()["errors"]["custom_network"][0]


def test_a_server_that_others_reach_takes_standard_networks_alone_unless_a_setting_says_so(tmp_path: Path) -> None:
    with serving(Settings(root=tmp_path / "root", allow_python_layers=False)) as site:
        site.login("fred")
        trained_on = build_dataset(site.store, draw_pictures(tmp_path / "pictures"))
        own, ours = (
            site.client.post(
                f"{CREATE}.json", files=form(trained_on, framework="torch", method="custom", custom_network=text)
            )
            for text in (OWN, standard_text("lenet"))
        )

    assert "allow_python_layers" in own.json()["errors"]["custom_network"][0]
    assert ours.status_code == 200, ours.text


def test_the_form_lists_the_networks_of_the_framework(world: World) -> None:
    world.site.login("ana")
    address = f"/models/standard-networks.json?dataset_id={world.ids['mnist']}&framework="

    names = {
        name: [row["name"] for row in world.site.client.get(address + name).json()["networks"]]
        for name in ("torch", "caffe")
    }

    assert names["torch"] == [
        "lenet", "alexnet", "googlenet", "vgg16", "resnet18", "resnet50", "squeezenet", "mobilenetv2", "efficientnet_lite0",
    ]  # fmt: skip
    assert len(names["caffe"]) > len(names["torch"])


def test_the_page_of_a_model_in_python_offers_its_text(empty: Serving, dataset: Job) -> None:
    made = empty.client.post(f"{CREATE}.json", files=form(dataset, framework="torch")).json()
    write_text(empty.settings.jobs / made["id"] / "network.py", standard_text("lenet"))

    page = empty.client.get(f"/models/{made['id']}")
    text = empty.client.get(f"/files/{made['id']}/network.py")

    assert "network.py" in page.text
    assert "Torch" in page.text
    assert text.text == standard_text("lenet")
    assert text.headers["content-type"].startswith("text/plain")
