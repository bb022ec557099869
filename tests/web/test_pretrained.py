"""Pretrained models and model stores over HTTP: every refusal at its field, archives that lie, entries of stores; no worker runs here."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from digits.core.settings import Settings
from digits.networks.standard import standard_text
from digits.web import packagedstore
from tests.web.serving import Serving, serving

NEW = "/pretrained_models/new.json"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Run a server with a store of one's own beside the shipped one."""
    store = tmp_path_factory.mktemp("store")
    write_store(store)
    settings = Settings(root=tmp_path_factory.mktemp("root"), model_store_url=f"{store}, {store / 'gone'}")
    with serving(settings) as found:
        found.login("fred")
        yield found


def weights() -> bytes:
    """Weights of LeNet's first layer."""
    return safetensors.numpy.save({"conv1:0": np.ones((20, 1, 5, 5), np.float32), "conv1:1": np.zeros(20, np.float32)})


def write_store(folder: Path) -> None:
    """Write a store of one good entry, one without a key, and one whose names lead elsewhere."""
    good = {"name": "Net", "framework": "caffe", "snapshot file": "snapshot_iter_3.safetensors", "model file": "original.prototxt",
            "username": "ann", "note": "for <b>tests</b>", "image dimensions": [28, 28, 1]}  # fmt: skip
    for name, info in (
        ("good", good),
        ("broken", {"name": "No weights"}),
        ("evil", good | {"model file": "../../etc/passwd"}),
    ):
        (folder / name).mkdir()
        (folder / name / "info.json").write_text(json.dumps(info))
    (folder / "good" / "aux.json").write_text(json.dumps({"dataset": "digits", "license": "MIT"}))
    (folder / "master.json").write_text(
        json.dumps({"msg": "Welcome", "children": ["good", "broken", "evil", "..", "none"]})
    )


def sent(**more: Any) -> dict[str, Any]:
    """Return the parts of a good form, with ``more`` in the place of some; None leaves one out."""
    parts: dict[str, Any] = {
        "job_name": (None, "net"), "framework": (None, "caffe"), "image_type": (None, "1"), "width": (None, "28"), "height": (None, "28"),
        "weights_file": ("net.safetensors", weights()), "model_def_file": ("net.prototxt", standard_text("lenet").encode()),
        "labels_file": ("labels.txt", b"a\nb\n"),
    }  # fmt: skip
    return {name: value for name, value in (parts | more).items() if value is not None}


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"job_name": None}, "job_name", "Missing job name"),
        ({"job_name": (None, "  ")}, "job_name", "Missing job name"),
        ({"weights_file": None}, "weights_file", "Missing weights file"),
        ({"weights_file": ("net.txt", b"x")}, "weights_file", "Weights must be a .caffemodel,"),
        ({"weights_file": ("net.caffemodel", b"no weights at all")}, "weights_file", "weights"),
        ({"model_def_file": None}, "model_def_file", "Missing model definition file"),
        ({"model_def_file": ("net.py", b"x = 1")}, "model_def_file", "Model definition must be .prototxt file"),
        ({"model_def_file": ("net.prototxt", b"layer { type: }")}, "model_def_file", "where the value of"),
        ({"framework": (None, "lasagne")}, "framework", "Choose one of caffe, torch"),
        ({"width": (None, "0")}, "width", "between 1 and 30,000"),
        ({"crop_size": (None, "29")}, "crop_size", "larger than the pictures of 28 x 28"),
        ({"use_mean": (None, "image")}, "mean_file", "needs the mean picture"),
        ({"image_type": (None, "2")}, "image_type", "no choice"),
    ],
)  # fmt: skip
def test_each_mistake_of_an_upload_is_told_at_its_field(
    site: Serving, changed: dict[str, Any], field: str, words: str
) -> None:
    answer = site.client.post(NEW, files=sent(**changed))

    assert answer.status_code == 400
    assert words in answer.json()["errors"][field][0]
    assert site.store.jobs(kind="pretrained_model") == []


def test_a_refused_form_comes_back_with_its_values(site: Serving) -> None:
    page = site.client.post("/pretrained_models/new", files=sent(weights_file=None), headers={"Accept": "text/html"})

    assert page.status_code == 400
    assert 'value="net"' in page.text
    assert "alert-danger" in page.text


def test_an_upload_becomes_a_waiting_job_whose_files_have_names_of_ours(site: Serving) -> None:
    answer = site.client.post(NEW, files=sent(weights_file=("../../x/evil.caffemodel", weights())))

    assert answer.status_code == 200
    job = site.store.job(answer.json()["id"])
    assert sorted(each.name for each in (job.folder.path / "uploads").iterdir()) == [
        "labels_file",
        "model_def_file",
        "weights_file",
    ]
    assert (job.kind, job.spec["name"], job.spec["weights_file"]) == ("pretrained_model", "net", "uploads/weights_file")
    assert job.id in site.client.get("/?tab=3").text
    site.store.delete(job.id)


def archive(kind: str, files: dict[str, bytes]) -> bytes:
    """Pack files as ``kind``: "zip", or tarfile's "w:gz" ..."""
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as packed:
            for name, data in files.items():
                packed.writestr(name, data)
        return out.getvalue()
    with tarfile.open(fileobj=out, mode=kind) as tar:  # type: ignore[call-overload]  # the mode is a variable here
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


GOOD = {"name": "N", "framework": "caffe", "snapshot file": "w.caffemodel", "model file": "net.prototxt"}


def packed(info: object, **more: bytes) -> dict[str, bytes]:
    """Return the files of an archive with that ``info.json``."""
    text = info if isinstance(info, bytes) else json.dumps(info).encode()
    return {"info.json": text, "w.caffemodel": weights(), "net.prototxt": standard_text("lenet").encode()} | more


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"no archive", "Incorrect Archive Type"),
        (archive("zip", {"readme": b""}), "Missing or Incorrect json file"),
        (archive("zip", packed(b"{")), "Missing or Incorrect json file"),
        (archive("w:", packed({**GOOD, "name": None})), "Missing Key 'name' in info.json"),
        (archive("w:", packed({**GOOD, "framework": ""})), "Missing Key 'framework' in info.json"),
        (archive("w:gz", packed({**GOOD, "snapshot file": None})), "Missing Key 'snapshot file' in info.json"),
        (archive("w:bz2", packed({**GOOD, "model file": None})), "Missing model definition in info.json"),
        (archive("zip", packed({**GOOD, "snapshot file": "../w.caffemodel"})), "which is no plain name of a file"),
        (archive("zip", packed({**GOOD, "snapshot file": "gone"})), "which is missing"),
        (archive("zip", packed({**GOOD, "framework": "lasagne"})), "'lasagne' is not known"),
        (archive("zip", packed({**GOOD, "image dimensions": [0, 28, 1]})), "height"),
    ],
)  # fmt: skip
def test_an_archive_that_cannot_be_used_says_why_in_digits_words(site: Serving, data: bytes, status: str) -> None:
    answer = site.client.post("/pretrained_models/upload_archive", files={"archive": ("a", data)})

    assert answer.status_code == 400
    assert status in answer.json()["status"]
    assert list(site.settings.jobs.glob("2*")) == []


@pytest.mark.parametrize("kind", ["zip", "w:", "w:gz", "w:bz2"])
def test_an_archive_comes_in_and_writes_below_its_job_alone(site: Serving, kind: str) -> None:
    evil = {"../../slipped.txt": b"x", "/etc/slipped": b"x", "net/../../slipped": b"x"}
    data = archive(kind, packed({**GOOD, "labels file": "labels.txt"}, **{"labels.txt": b"a\nb"}) | evil)

    answer = site.client.post("/pretrained_models/upload_archive", files={"archive": ("../a", data)})

    assert answer.status_code == 200
    assert answer.json()["status"] == "success"
    job = site.store.job(answer.json()["id"])
    assert sorted(each.name for each in (job.folder.path / "uploads").iterdir()) == [
        "labels_file",
        "model_def_file",
        "weights_file",
    ]
    assert list(site.settings.root.parent.rglob("slipped*")) == []
    assert not Path("/etc/slipped").exists()
    site.store.delete(job.id)


def test_a_link_in_an_archive_is_refused(site: Serving) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:") as tar:
        for name, data in packed(GOOD).items():
            info = tarfile.TarInfo(name)
            if name == "w.caffemodel":
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
                tar.addfile(info)
            else:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))

    answer = site.client.post("/pretrained_models/upload_archive", files={"archive": ("a", out.getvalue())})

    assert answer.status_code == 400
    assert "link" in answer.json()["error"]["description"]


def test_a_store_lists_its_entries_and_says_what_is_wrong_with_others(site: Serving) -> None:
    found = site.client.get("/store/models?refresh=1")

    assert found.headers["content-type"].startswith("text/html")
    stores = json.loads(found.text)
    packaged = stores.pop(
        str(site.settings.cache / packagedstore.FOLDER), {"model_list": []}
    )  # where such a package is installed
    assert {each["dir_name"] for each in packaged["model_list"]} <= {"efficientnet_lite0"}
    shipped, mine, gone = stores.values()
    assert [each["info"]["name"] for each in shipped["model_list"]] == [
        "FCN-8s, small, on drawn streets",
        "LeNet on MNIST",
    ]
    assert mine["welcome_msg"] == "Welcome"
    assert [(each["dir_name"], bool(each["problem"])) for each in mine["model_list"]] == [
        ("good", False),
        ("broken", True),
        ("evil", True),
    ]
    assert "cannot be read" in gone["problem"]
    page = site.client.get("/store/list").text
    assert "for &lt;b&gt;tests&lt;/b&gt;" in page
    assert "Update Model List" in page


def test_an_entry_is_brought_in_by_its_id(site: Serving) -> None:
    stores = site.json("/store/models.json")
    entries = [entry for each in stores.values() for entry in each["model_list"]]
    good, evil = (next(each["id"] for each in entries if each["dir_name"] == name) for name in ("good", "evil"))

    answer = site.client.get(f"/store/push?id={good}")

    job = site.store.job(answer.text)
    assert job.spec["store_files"]["weights_file"] == "snapshot_iter_3.safetensors"
    assert (job.spec["step"], job.spec["image_type"]) == (3, "1")
    unknown = site.client.get("/store/push.json?id=x")
    assert (
        unknown.status_code,
        unknown.json()["error"]["description"].startswith("Unable to find requested model"),
    ) == (404, True)
    assert site.client.get(f"/store/push.json?id={evil}").status_code == 400
    site.store.delete(job.id)


def test_who_has_no_name_keeps_nothing(site: Serving) -> None:
    site.client.cookies.clear()
    try:
        assert site.client.post(NEW, files=sent()).status_code == 401
        assert site.client.get("/store/push.json?id=x").status_code == 401
        assert site.client.post("/pretrained_models/upload_archive", files={"archive": ("a", b"")}).status_code == 401
    finally:
        site.login("fred")
