"""Models in Python over HTTP: made, refused in words, offered, downloaded."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from digits.core.beginning import Beginning
from digits.core.files import write_text
from digits.core.jobfolder import JobFolder
from digits.core.settings import Settings
from digits.networks.standard import standard_networks
from digits.networks.torch.text import standard_text
from digits.store import Job
from tests.shared import needs_pretrained
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


@needs_pretrained
def test_a_training_begins_with_the_weights_that_a_package_holds(empty: Serving, dataset: Job) -> None:
    asked = form(dataset, framework="torch", standard_networks="efficientnet_lite0", standard_pretrained="true")

    made = empty.client.post(f"{CREATE}.json", files=asked).json()
    listed = empty.client.get("/models/standard-networks.json?framework=torch").json()["networks"]

    (file,) = Beginning.read(JobFolder(empty.settings.jobs / made["id"])).weights
    assert hashlib.sha256(Path(file.path).read_bytes()).hexdigest() == file.sha256
    assert {row["name"]: (row["pretrained"], row["use_mean"]) for row in listed if row["pretrained"]} == {
        "efficientnet_lite0": ("ImageNet, 1,000 classes", "none")
    }


@pytest.mark.parametrize(("framework", "name"), [("torch", "lenet"), ("caffe", "lenet")])
def test_a_network_without_published_weights_does_not_pretend_to_have_some(
    empty: Serving, dataset: Job, framework: str, name: str
) -> None:
    asked = form(dataset, framework=framework, standard_networks=name, standard_pretrained="true")

    answer = empty.client.post(f"{CREATE}.json", files=asked)

    assert answer.status_code == 400
    assert "No package with weights of LeNet" in answer.json()["errors"]["standard_pretrained"][0]


def test_a_package_that_is_not_there_is_named_with_the_command_that_brings_it() -> None:
    card = standard_networks(suffix="py")["efficientnet_lite0"]
    assert card.pretrained is not None

    assert replace(card.pretrained, package="no_such_package_anywhere").path() is None
    assert "opendigits[pretrained]" in card.pretrained.install


@pytest.mark.parametrize(
    ("head", "is_taken"), [(b"PK\x03\x04", True), (b"\x80\x02\x8a\n", True), (b"GIF89a", False), (b"layer {", False)]
)
def test_weights_for_torch_are_told_by_their_first_bytes_and_not_read(
    empty: Serving, dataset: Job, tmp_path: Path, head: bytes, is_taken: bool
) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(head + b"cos\nsystem\n(S'touch ran'\ntR.")
    asked = form(
        dataset,
        framework="torch",
        method="custom",
        custom_network=standard_text("lenet"),
        custom_network_snapshot=str(path),
    )

    answer = empty.client.post(f"{CREATE}.json", files=asked)

    assert answer.status_code == (200 if is_taken else 400), answer.text
    if not is_taken:
        assert "no file of weights" in answer.json()["errors"]["custom_network_snapshot"][0]


def test_the_form_lists_the_networks_of_the_framework(world: World) -> None:
    world.site.login("ana")
    address = f"/models/standard-networks.json?dataset_id={world.ids['mnist']}&framework="

    names = {
        name: [row["name"] for row in world.site.client.get(address + name).json()["networks"]]
        for name in ("torch", "caffe")
    }

    assert names["torch"] == [
        "lenet", "alexnet", "googlenet", "caffenet", "vgg16", "resnet18", "resnet50", "inceptionv3", "squeezenet", "mobilenetv2",
        "efficientnet_lite0",
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
