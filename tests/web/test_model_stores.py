"""Models out of stores and files of others, as far as they answer: stores served over HTTP, good and hostile, installed weights, a .pth file."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import safetensors.numpy
from PIL import Image

from digits.core.files import read_json
from digits.networks.torch.text import standard_text
from digits.web.modelstore import SHIPPED
from digits.web.packagedstore import TITLE
from tests.data.webserver import Site, site
from tests.shared import needs_pretrained, needs_shared, shared
from tests.web.scripts import Script
from tests.web.working import working

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
HOSTILE = "hostile"
SQUEEZENET = (
    standard_text("squeezenet").replace("def build_model(params):", "def build_plain(params):")
    + """

def build_model(params):
    def normalised(_, given):  # as where these weights come from
        mean, std = (torch.tensor(each, device=given[0].device)[:, None, None] for each in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
        return ((given[0] / 255 - mean) / std,)

    made = build_plain(params)
    made["model"].register_forward_pre_hook(normalised)
    return made
"""
)


@dataclass
class Stores:
    """A server that works, and the stores that it was told of."""

    script: Script
    good: str
    bad: Site

    def entry(self, base: str, name: str) -> dict[str, Any]:
        """Return an entry of a store by the name of its folder."""
        found = self.script.json("/store/models.json")[base]["model_list"]
        return dict(next(each for each in found if each["dir_name"] == name))

    def brought_in(self, entry: dict[str, Any], state: str = "Done") -> str:
        """Bring an entry in, and return the job's id once it is over."""
        answer = self.script.client.get("/store/push.json", params={"id": entry["id"]})
        assert answer.status_code == 200, answer.text
        job_id = str(answer.json()["id"])
        assert self.script.until(job_id) == state, self.script.log(job_id)
        return job_id

    def seen(self, job_id: str, picture: Path) -> list[tuple[str, float]]:
        """Return what a model says of a picture, likeliest first, in percent."""
        with picture.open("rb") as file:
            answer = self.script.post(
                "/models/images/classification/classify_one.json",
                {"job_id": job_id},
                {"image_file": (picture.name, file)},
            )
        assert answer.status_code == 200, answer.text
        return [(str(label), float(percent)) for label, percent in answer.json()["predictions"]]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """Run a server with two stores on the web: one that `digits store build` made, and one that means harm."""
    root, folder = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("web") / "my store"
    shutil.copytree(SHIPPED, folder)
    handler = partial(_Silent, directory=str(folder.parent))
    web = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    good = f"http://127.0.0.1:{web.server_port}/my%20store"
    with site() as bad:
        put_hostile(bad)
        urls = f"{good}, {bad.address}/{HOSTILE}, http://127.0.0.1:9/nobody"
        with (
            working(root, DIGITS_MODEL_STORE_URL=urls) as (_, address),
            httpx.Client(base_url=address, cookies={"username": "fred"}, trust_env=False, timeout=120) as client,
        ):
            yield Stores(Script(client, root), good, bad)
    web.shutdown()
    web.server_close()


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass


def put_hostile(bad: Site) -> None:
    """Put entries there that each go wrong another way."""
    info = read_json(SHIPPED / "lenet-on-mnist" / "info.json")
    weights = (SHIPPED / "lenet-on-mnist" / info["snapshot file"]).read_bytes()
    text = (SHIPPED / "lenet-on-mnist" / "original.prototxt").read_bytes()
    labels = (SHIPPED / "lenet-on-mnist" / "labels.txt").read_bytes()
    others = safetensors.numpy.save({"conv1:0": np.ones((3, 1, 9, 9), np.float32)})
    cut: dict[str, str] = {"Content-Length": str(len(weights)), "Connection": "close"}
    files: dict[str, dict[str, tuple[bytes, dict[str, str]]]] = {
        "cut": {"w.safetensors": (weights[:5000], cut), "net.prototxt": (text, {})},
        "missing": {"net.prototxt": (text, {})},
        "shapes": {"w.safetensors": (others, {}), "net.prototxt": (text, {})},
        "endless": {"w.safetensors": (weights, {}), "net.prototxt": (b"# more\n" * 3_000_000, {})},
        "elsewhere": {
            "w.safetensors": (b"", {"Location": "http://169.254.169.254/latest/"}),
            "net.prototxt": (text, {}),
        },
    }
    for name, found in files.items():
        told = {key: info[key] for key in ("name", "framework", "image dimensions", "image resize mode")}
        told |= {"snapshot file": "w.safetensors", "model file": "net.prototxt", "labels file": "labels.txt"}
        bad.put(f"/{HOSTILE}/{name}/labels.txt", labels)
        bad.put(f"/{HOSTILE}/{name}/info.json", json.dumps(told).encode())
        for file, (body, headers) in found.items():
            bad.put(f"/{HOSTILE}/{name}/{file}", body, 302 if "Location" in headers else 200, **headers)
    climbing = {"name": "x", "framework": "caffe", "snapshot file": "../../../etc/passwd", "model file": "net.prototxt"}
    bad.put(f"/{HOSTILE}/climbing/info.json", json.dumps(climbing).encode())
    bad.put(f"/{HOSTILE}/huge/info.json", b'{"name": "' + b"x" * 2_000_000 + b'"}')
    children = [*files, "climbing", "huge", "../..", "a/b"]
    bad.put(f"/{HOSTILE}/master.json", json.dumps({"msg": "Welcome", "children": children}).encode())


def test_an_entry_comes_over_http_with_progress_and_answers(stores: Stores, tmp_path: Path) -> None:
    entry = stores.entry(stores.good, "lenet-on-mnist")

    job_id = stores.brought_in(entry)

    events = [
        json.loads(line) for line in (stores.script.root / "jobs" / job_id / "events.jsonl").read_text().splitlines()
    ]
    fetched = [each for each in events if each["type"] == "progress" and each["task"] == "fetch_files"]
    assert any(each["text"].startswith("snapshot_iter_8910.safetensors: ") for each in fetched)
    assert (fetched[-1]["done"], fetched[-1]["state"]) == (1, "done")
    drawn = np.full((28, 28), 255, np.uint8)
    drawn[4:24, 13:16] = 0  # black on white, as it learned
    Image.fromarray(drawn).save(tmp_path / "one.png")
    assert stores.seen(job_id, tmp_path / "one.png")[0][0] == "1"


def test_update_model_list_finds_what_was_published_since(stores: Stores) -> None:
    stores.script.json("/store/models.json", refresh=1)
    where = stores.script.json("/store/models.json")
    assert where["http://127.0.0.1:9/nobody"]["problem"]
    assert where[f"{stores.bad.address}/{HOSTILE}"]["welcome_msg"] == "Welcome"
    names = [each["dir_name"] for each in where[f"{stores.bad.address}/{HOSTILE}"]["model_list"]]
    assert names == ["cut", "missing", "shapes", "endless", "elsewhere", "climbing"]

    more = json.loads(stores.bad.pages[f"/{HOSTILE}/cut/info.json"][2])  # type: ignore[index] # it was put as an answer
    stores.bad.put(f"/{HOSTILE}/new/info.json", json.dumps(more | {"name": "Newer"}).encode())
    stores.bad.put(f"/{HOSTILE}/master.json", json.dumps({"children": ["new"]}).encode())

    def listed() -> list[str]:
        return [
            each["dir_name"]
            for each in stores.script.json("/store/models.json")[f"{stores.bad.address}/{HOSTILE}"]["model_list"]
        ]

    assert listed() == names
    assert "Newer" in stores.script.client.get("/store/list?refresh=1", follow_redirects=True).text
    assert listed() == ["new"]
    put_hostile(stores.bad)
    stores.script.json("/store/models.json", refresh=1)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cut", "w.safetensors does not come"),
        ("missing", "w.safetensors does not come"),
        ("shapes", "conv1"),
        ("endless", "more than 20,000,000 bytes"),
        ("elsewhere", "does not come"),
    ],
)
def test_what_a_bad_store_sends_ends_the_job_in_words_and_nothing_else(stores: Stores, name: str, words: str) -> None:
    job_id = stores.brought_in(stores.entry(f"{stores.bad.address}/{HOSTILE}", name), "Error")

    assert words in stores.script.log(job_id)
    assert not list((stores.script.root / "jobs" / job_id).glob("snapshots/*"))


def test_a_name_that_climbs_out_of_its_entry_is_refused_before_any_job(stores: Stores) -> None:
    entry = stores.entry(f"{stores.bad.address}/{HOSTILE}", "climbing")

    answer = stores.script.client.get("/store/push.json", params={"id": entry["id"]})

    assert answer.status_code == 400
    assert "no plain name" in entry["problem"]


@needs_shared
@needs_pretrained
def test_an_installed_network_is_an_entry_that_sees_a_cat(stores: Stores) -> None:
    assert TITLE in stores.script.client.get("/store/list").text
    found = [
        entry for store in stores.script.json("/store/models.json").values() for entry in store["model_list"]
        if entry["info"]["name"] == "EfficientNet-Lite0 on ImageNet"
    ]  # fmt: skip

    job_id = stores.brought_in(found[0])

    best = [label for label, _ in stores.seen(job_id, shared("data", "test_images", "cat.jpg"))[:2]]
    assert set(best) == {"281", "282"}, "tabby and tiger cat"


@needs_shared
def test_weights_as_pth_with_definition_and_labels_answer(stores: Stores) -> None:
    folder = shared("data", "pretrained")
    parts = {
        "weights_file": ("w.pth", (folder / "squeezenet1_0_imagenet.pth").read_bytes()),
        "model_def_file": ("network.py", SQUEEZENET.encode()),
        "labels_file": ("labels.txt", (folder / "imagenet_synset_words.txt").read_bytes()),
    }
    fields = {
        "job_name": "squeeze",
        "framework": "torch",
        "image_type": "3",
        "width": 256,
        "height": 256,
        "crop_size": 227,
    }

    answer = stores.script.post("/pretrained_models/new.json", fields, parts)

    assert answer.status_code == 200, answer.text
    job_id = str(answer.json()["id"])
    assert stores.script.until(job_id) == "Done", stores.script.log(job_id)
    kept = stores.script.root / "jobs" / job_id
    assert [each.suffix for each in kept.glob("snapshots/*/*") if "weight" in each.name] == [".safetensors"]
    best = stores.seen(job_id, shared("data", "test_images", "cat.jpg"))
    assert [label.split()[0] for label, _ in best[:2]] == ["n02119789", "n02119022"], (
        "kit fox, red fox, as these weights say elsewhere"
    )
