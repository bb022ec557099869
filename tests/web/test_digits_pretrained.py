"""What scripts written for DIGITS do with pretrained models: kept of a snapshot, sent as files or as an archive, trained further."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.web.scripts import NETWORKS, Script
from tests.web.test_digits_models import unpacked

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NEW = "/pretrained_models/new"


@pytest.fixture
def archive(script: Script, bars_model: str) -> dict[str, bytes]:
    """Return the files of the trained model's archive."""
    return unpacked(script.client.get(f"/models/{bars_model}/download.zip?epoch=2").content)


def newest(script: Script) -> str:
    """Return the id of the pretrained model that was made last, once it is done."""
    rows = script.json("/completed_jobs.json")
    kept = [row for row in [*rows["running"], *rows["pretrained_models"]] if row["type"] == "pretrained_model"]
    job_id = str(max(kept, key=lambda row: float(row["submitted"]))["id"])
    assert script.until(job_id) == "Done", script.log(job_id)
    return job_id


def answers_alike(script: Script, kept: str, model: str, bars: Path) -> bool:
    """Whether a kept model says of every picture what the trained one says."""
    text = "".join(f"{path}\n" for path in sorted(bars.rglob("*.png"))).encode()
    both = [
        script.post("/models/images/classification/classify_many.json", {"job_id": each}, {"image_list": ("l", text)})
        for each in (kept, model)
    ]
    return bool(both[0].json() == both[1].json() and len(both[0].json()["classifications"]) == 24)


@pytest.mark.parametrize("way", ["query", "form"])
def test_a_snapshot_is_kept_and_answers_as_before(script: Script, bars_model: str, bars: Path, way: str) -> None:
    path = f"/models/{bars_model}/to_pretrained"
    answer = (
        script.client.get(f"{path}?epoch=2") if way == "query" else script.client.post(path, data={"snapshot_epoch": 2})
    )

    assert (answer.status_code, answer.headers["location"]) == (302, "/?tab=3")
    kept = newest(script)
    row = script.json(f"/jobs/{kept}/table_data.json")["job"]
    assert (row["type"], row["has_labels"], row["name"]) == ("pretrained_model", True, "net")
    assert answers_alike(script, kept, bars_model, bars)
    status = json.loads(script.client.get(f"/jobs/{kept}/status").text)
    assert (status["status"], status["type"]) == ("Done", "Pretrained Model")
    assert script.client.delete(f"/pretrained_models/{kept}").text == "Job deleted."


def test_weights_definition_and_labels_are_sent_as_files(
    script: Script, bars_model: str, bars: Path, archive: dict[str, bytes]
) -> None:
    info = json.loads(archive["info.json"])
    fields = {"job_name": "mine", "framework": info["framework"], "image_type": "1", "resize_mode": "squash", "width": "12",
              "height": "12", "use_mean": "image"}  # fmt: skip
    files: dict[str, Any] = {
        "weights_file": (info["snapshot file"], archive[info["snapshot file"]]),
        "model_def_file": (info["model file"], archive[info["model file"]]),
        "labels_file": ("labels.txt", archive["labels.txt"]),
        "mean_file": ("mean.binaryproto", archive["mean.binaryproto"]),
    }

    answer = script.post(NEW, fields, files)

    assert (answer.status_code, answer.headers["location"]) == (302, "/?tab=3")
    assert answers_alike(script, newest(script), bars_model, bars)


def test_an_empty_labels_file_is_taken_where_the_network_says_how_many_classes_there_are(
    script: Script, archive: dict[str, bytes], bars: Path
) -> None:
    info = json.loads(archive["info.json"])
    text = archive[info["model file"]].decode().replace('params["nclasses"]', "3")
    text = text.replace('top: "output" inner_product_param {', 'top: "output" inner_product_param { num_output: 3')
    fields = {"job_name": "no labels", "framework": info["framework"], "image_type": "1", "width": "12", "height": "12"}
    files: dict[str, Any] = {
        "weights_file": (info["snapshot file"], archive[info["snapshot file"]]),
        "model_def_file": (info["model file"], text.encode()), "labels_file": ("", b""),
    }  # fmt: skip

    assert script.post(NEW, fields, files).status_code == 302
    one = {"job_id": newest(script), "image_path": bars / "class_1" / "00.png"}
    assert len(script.post("/models/images/classification/classify_one.json", one).json()["predictions"]) == 3


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tgz", "tar.bz2", "zip"])
def test_a_downloaded_archive_comes_back(script: Script, bars_model: str, bars: Path, ending: str) -> None:
    data = script.client.get(f"/models/{bars_model}/download.{ending}").content

    answer = script.post("/pretrained_models/upload_archive", {}, {"archive": (f"model.{ending}", data)})

    assert (answer.status_code, answer.json()["status"]) == (200, "success")
    assert answers_alike(script, newest(script), bars_model, bars)


@pytest.mark.parametrize(
    ("drop", "words"),
    [
        ("snapshot file", "Missing Key 'snapshot file' in info.json"),
        ("framework", "Missing Key 'framework' in info.json"),
        ("name", "Missing Key 'name' in info.json"),
        ("model file", "Missing model definition in info.json"),
        ("info.json", "Missing or Incorrect json file"),
        ("all", "Incorrect Archive Type"),
    ],
)
def test_an_archive_that_lacks_something_says_what(
    script: Script, archive: dict[str, bytes], drop: str, words: str
) -> None:
    info = {name: value for name, value in json.loads(archive["info.json"]).items() if name != drop}
    files = {name: data for name, data in archive.items() if name != drop}
    if "info.json" in files:
        files["info.json"] = json.dumps(info).encode()
    packed = io.BytesIO(b"no archive")
    if drop != "all":
        with zipfile.ZipFile(packed, "w") as out:
            for name, data in files.items():
                out.writestr(name, data)

    answer = script.post("/pretrained_models/upload_archive", {}, {"archive": ("model.zip", packed.getvalue())})

    assert (answer.status_code, answer.json()["status"]) == (400, words)


def test_network_file_names_the_definition_too(script: Script, archive: dict[str, bytes]) -> None:
    info = json.loads(archive["info.json"])
    info["network file"] = info.pop("model file")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in (archive | {"info.json": json.dumps(info).encode()}).items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))

    answer = script.post("/pretrained_models/upload_archive", {}, {"archive": ("model.tar", packed.getvalue())})

    assert answer.json()["status"] == "success", answer.text
    newest(script)


def test_a_pretrained_network_is_trained_further_and_given_out_to_be_changed(
    script: Script, bars_model: str, bars_dataset: str
) -> None:
    framework = script.json(f"/models/{bars_model}.json")["framework"]
    script.client.post(f"/models/{bars_model}/to_pretrained")
    kept = newest(script)

    text = json.loads(script.client.post(f"/models/customize?network={kept}&framework={framework}").text)
    form = script.form(bars_dataset, framework, method="pretrained", pretrained_networks=kept)
    made = script.post("/models/images/classification.json", form).json()["id"]
    own = script.form(bars_dataset, framework, custom_network=text["network"], custom_network_snapshot=text["snapshot"])
    changed = script.post("/models/images/classification.json", own).json()["id"]

    assert set(text) == {"network", "snapshot", "python_layer"}
    assert text["network"] == NETWORKS[framework]
    for each in (made, changed):
        assert script.until(each) == "Done", script.log(each)
        copied = script.json(f"/models/{each}.json")["copied weights"]
        assert (copied["new"], copied["unfit"], copied["copied"] > 0) == (0, 0, True)


def test_the_store_lists_models_and_brings_one_in(script: Script) -> None:
    listed = script.client.get("/store/models", params={"refresh": 1})
    (store,) = json.loads(listed.text).values()

    assert listed.headers["content-type"].startswith("text/html")
    assert {"base_url", "welcome_msg", "model_list"} <= set(store)
    entry = store["model_list"][0]
    assert {"dir_name", "id", "info", "aux"} <= set(entry)
    assert script.client.get("/store/list").status_code == 200
    kept = script.client.get("/store/push", params={"id": entry["id"]}).text
    assert kept == newest(script)
    unknown = script.client.get("/store/push", params={"id": "0"}, headers={"Accept": "application/json"})
    assert (unknown.status_code, "Unable to find requested model" in unknown.text) == (404, True)
