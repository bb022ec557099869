"""All outputs over HTTP, with a stand-in for the worker: what is asked of it, how answers travel, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digits.client import Client
from tests.web.conftest import World
from tests.web.standin import service
from tests.web.test_classify import forget

BASE = "/models/images/generic"
KEYS = [f"{index:08d}_3" for index in range(150)]
PNG = b"\x89PNG\r\n\x1a\nlayer"


def outputs(name: str) -> dict[str, Any]:
    """Answer for a name; one with "broken" in it is no picture."""
    if "broken" in name:
        return {"name": name, "ok": False, "error": {"message": "Ends early.", "hint": "Copy it again."}}
    return {"name": name, "ok": True, "outputs": {"softmax": [[0.25, 0.75]]}}


def answer(path: str, question: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Answer as the inference worker does: never more than 40 at a time, and a database that fails at "fails"."""
    if path == "/outputs":
        return 200, {"results": [outputs(each) for each in question["paths"][:40]]}
    if path == "/layers":
        row = {"name": "conv1", "kind": "Weights", "type": "Convolution", "shape": [1], "mean": 0.5, "std": 0.0,
               "histogram": [[1.0], [0.5], [0.0, 0.5, 1.0]], "tiles": {"width": 1, "height": 1, "count": 1, "shown": 1},
               "param_count": 2}  # fmt: skip
        return 200, {"folder": "layers-" + "a" * 32, "layers": [row], "num_parameters": 2}
    if path == "/view":
        names = question.get("paths") or [question["db_path"]]
        told = {"outputs": [{"name": "softmax", "shape": [1, 2], "low": 0.25, "high": 0.75, "values": "0.25, 0.75"}]}
        rows = [
            {"name": each, "ok": True, "told": told, "pngs": {}, "height": 1, "width": 1, "seconds": 0.1}
            for each in names
        ]
        return 200, {"results": rows, "count": 1, "seconds": 0.1}
    if "absent" in question["db_path"]:
        return 400, {"error": {"message": "There is no LMDB here."}}
    after = question["after"]
    if "fails" in question["db_path"] and after:
        return 500, {"error": {"message": "The disk went away."}}
    return 200, {"results": [outputs(each) for each in KEYS if each > after][:40]}


@pytest.fixture
def model(world: World) -> str:
    """Return the id of a trained model."""
    return world.ids["done"]


@pytest.fixture(autouse=True)
def ask(world: World, model: str) -> Iterator[Any]:
    """Stand in for the model's worker."""
    with service(world.site.store, "infer", answer, job_id=model) as asked:
        yield asked
    forget(world.site.store)


def post(world: World, what: str, **data: Any) -> Any:
    files = data.pop("files", None)
    return world.site.client.post(f"{BASE}/{what}", data=data, files=files)


def test_one_picture_has_its_outputs_with_the_batch_axis(world: World, model: str, ask: list[Any]) -> None:
    result = post(world, "infer_one.json", job_id=model, image_path="/a.png", dont_resize="1")

    assert result.json() == {"outputs": {"softmax": [[0.25, 0.75]]}}
    assert ask[0] == ("/outputs", {"whole": True, "paths": ["/a.png"]})


def test_a_list_longer_than_an_answer_comes_whole_and_unreadable_pictures_are_told(world: World, model: str) -> None:
    lines = "".join(f"/p/{index}.png 1\n" for index in range(100)) + "/p/broken.png\n"

    result = post(world, "infer_many.json", job_id=model, files={"image_list": ("list.txt", lines.encode())})

    assert list(result.json()["outputs"]) == [f"/p/{index}.png" for index in range(100)]
    assert result.json()["refused"] == [{"path": "/p/broken.png", "reason": "Ends early. Copy it again."}]


def test_a_database_is_sent_on_chunk_by_chunk_by_its_keys(world: World, model: str, ask: list[Any]) -> None:
    result = post(world, "infer_db.json", job_id=model, db_path="/some/train_db")

    assert list(result.json()["outputs"]) == KEYS
    assert [question["after"] for _, question in ask] == ["", KEYS[39], KEYS[79], KEYS[119], KEYS[149]]


def test_a_failure_on_the_way_ends_what_came_with_its_words(world: World, model: str) -> None:
    result = post(world, "infer_db.json", job_id=model, db_path="/fails")

    assert len(result.json()["outputs"]) == 40
    assert result.json()["error"]["message"] == "The disk went away."


def test_what_an_extension_asks_for_is_one_picture_under_a_key(world: World, model: str) -> None:
    result = post(world, "infer_extension.json", job_id=model, image_path="/a.png")

    assert result.json() == {"outputs": {"000000000": {"softmax": [[0.25, 0.75]]}}}


@pytest.mark.parametrize(
    ("what", "data", "words"),
    [
        ("infer_one", {}, "must provide image_path or image_file"),
        ("infer_one", {"image_path": "/broken.png"}, "Ends early."),
        ("infer_one", {"image_path": "/a.png", "view_extension_id": "hologram"}, "no view 'hologram'"),
        ("infer_many", {}, "image_list is a required field"),
        ("infer_db", {}, "db_path is a required field"),
        ("infer_db", {"db_path": "/absent"}, "There is no LMDB here."),
    ],
)
def test_what_cannot_be_inferred_is_said(world: World, model: str, what: str, data: dict[str, str], words: str) -> None:
    result = post(world, f"{what}.json", job_id=model, **data)

    assert result.status_code == 400
    assert words in result.json()["error"]["description"]


def test_the_page_shows_what_the_view_makes_and_no_picture_is_asked_for_twice(
    world: World, model: str, ask: list[Any]
) -> None:
    page = post(world, "infer_db", job_id=model, db_path="/<b>").text

    assert "All raw data" in page
    assert "1 × 2" in page
    assert "0.25, 0.75" in page
    assert ask == [("/view", {"whole": False, "db_path": "/<b>", "first": 0, "count": 20, "view": "all-raw-data",
                              "fields": {}, "dataset": ask[0][1]["dataset"]})]  # fmt: skip


def test_the_next_pictures_are_asked_for_without_the_list(world: World, model: str, ask: list[Any]) -> None:
    lines = "".join(f"/p/{index}.png 1\n" for index in range(50)).encode()
    page = post(world, "infer_many", job_id=model, files={"image_list": ("list.txt", lines)}).text
    (look,) = set(re.findall("/models/looks/(look-[0-9a-f]{32})\\?", page))

    client = world.site.client
    last = client.get(f"/models/looks/{look}", params={"place": 40}).text
    found = client.get(f"/models/looks/{look}.json", params={"place": 41}).json()

    assert [question["paths"] for _, question in ask] == [
        [f"/p/{index}.png" for index in range(20)], [f"/p/{index}.png" for index in range(40, 50)], ["/p/41.png"],
    ]  # fmt: skip
    assert '<span aria-current="page">2</span>' in last
    assert "50 pictures" in last
    assert found == {"outputs": {"softmax": [[0.25, 0.75]]}}


def test_a_picture_that_was_sent_is_kept_for_another_view(world: World, model: str, ask: list[Any]) -> None:
    page = post(world, "infer_one", job_id=model, files={"image_file": ("cat.png", PNG)}).text

    (path,) = ask[0][1]["paths"]
    assert Path(path).read_bytes() == PNG
    assert "cat.png" in page
    assert Path(path).parent.name in page, "the form that chooses another view leads to it"


def test_a_look_that_is_gone_or_made_up_is_not_found(world: World) -> None:
    for name in ("look-" + "0" * 32, "look-x", "..%2f" + "look-" + "0" * 32):
        assert world.site.client.get(f"/models/looks/{name}").status_code == 404


def test_layers_come_with_addresses_of_pictures_that_lead_nowhere_else(world: World, model: str) -> None:
    client = world.site.client
    spool = Path(world.site.settings.root / "spool")
    (spool / ("layers-" + "a" * 32)).mkdir(parents=True)
    (spool / ("layers-" + "a" * 32) / "0.png").write_bytes(PNG)

    found = post(world, "infer_one.json", job_id=model, image_path="/a.png", show_visualizations="1").json()

    assert found["total_parameters"] == 2
    picture = client.get(found["visualizations"][0]["picture"])
    assert (picture.content, picture.headers["content-type"]) == (PNG, "image/png")
    for odd in ("layers-x/0.png", "..%2f/0.png", "layers-" + "a" * 32 + "/1.png", "layers-" + "a" * 32 + "/..%2f0.png"):
        assert client.get(f"/models/inside/{odd}").status_code == 404


def test_the_client_keeps_the_pictures_of_layers_and_their_numbers(world: World, model: str, tmp_path: Path) -> None:
    folder = world.site.settings.root / "spool" / ("layers-" + "a" * 32)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "0.png").write_bytes(PNG)

    with Client(world.site.address, username="fred") as client:
        found = client.model.look(model, "/a.png", tmp_path / "look")

    assert [(each.name, each.param_count, each.file) for each in found.visualizations] == [
        ("conv1", 2, "000-conv1-weights.png")
    ]
    assert (tmp_path / "look" / "000-conv1-weights.png").read_bytes() == PNG
    told = json.loads((tmp_path / "look" / "layers.json").read_text())
    assert (told["outputs"], told["total_parameters"]) == ({"softmax": [[0.25, 0.75]]}, 2)
    assert told["visualizations"][0]["picture"] is None, "an address that is good for a day is not kept"
