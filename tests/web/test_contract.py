"""DIGITS' JSON, key by key: what existing clients read."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import pytest

from digits import __version__
from tests.web.conftest import World

MODEL_KEYS = [
    "id", "name", "status", "dataset_id", "job id", "creation time", "username", "image dimensions", "mean file", "snapshot file",
    "framework", "labels file", "image resize mode", "digits version", "model file", "solver file", "train_val file", "deploy file",
    "caffe flavor", "caffe version",
]  # fmt: skip


def by_name(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the row called ``name``."""
    return next(row for row in rows if row["name"] == name)


def test_index_json(world: World) -> None:
    body = world.site.json("/index.json")

    assert list(body) == ["version", "jobs_dir", "server_name", "datasets", "models"]
    assert body["version"] == __version__
    assert body["jobs_dir"] == str(world.site.settings.jobs)
    assert all(list(row) == ["id", "name", "status"] for row in body["datasets"])
    assert all(list(row) == MODEL_KEYS for row in body["models"])
    states = [row["status"] in ("Initialized", "Waiting", "Running") for row in body["models"]]
    assert states == sorted(states, reverse=True), "running jobs come first"
    over = [row["creation time"] for row, running in zip(body["models"], states, strict=True) if not running]
    assert over == sorted(over, reverse=True), "then the newest"


def test_the_home_page_is_index_json_to_those_who_prefer_json(world: World) -> None:
    client = world.site.client

    as_json = client.get("/", headers={"Accept": "application/json"})
    as_html = client.get("/", headers={"Accept": "*/*"})

    assert as_json.json() == client.get("/index.json").json()
    assert as_html.headers["content-type"].startswith("text/html")


def test_a_model_short_and_long(world: World) -> None:
    model = world.site.json(f"/models/{world.ids['done']}.json")

    assert list(model) == [*MODEL_KEYS, "directory", "snapshots", "best snapshot", "best snapshot by", "advice"], (
        "what is ours stands behind DIGITS' own keys"
    )
    assert model["job id"] == model["id"] == world.ids["done"]
    assert model["dataset_id"] == world.ids["mnist"]
    assert model["image dimensions"] == [28, 28, 1]
    assert (model["framework"], model["image resize mode"]) == ("caffe", "squash")
    assert model["snapshot file"] == "snapshot_iter_7040.caffemodel"
    assert model["snapshots"] == list(range(1, 11))
    assert model["directory"] == str(world.site.settings.jobs / world.ids["done"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", model["creation time"])
    assert datetime.fromisoformat(model["creation time"]).tzinfo is None
    short = next(row for row in world.site.json("/index.json")["models"] if row["id"] == world.ids["done"])
    assert short == {key: model[key] for key in MODEL_KEYS}


def test_a_dataset_with_its_tasks_and_digits_swapped_sizes(world: World) -> None:
    dataset = world.site.json(f"/datasets/{world.ids['mnist']}.json")

    assert list(dataset) == ["id", "name", "status", "directory", "ParseFolderTasks", "CreateDbTasks"]
    assert dataset["ParseFolderTasks"] == [
        {"name": "Parse Folder (train/val)", "label_count": 10, "train_count": 45_002, "val_count": 14_998, "test_count": 0}
    ]  # fmt: skip
    assert dataset["CreateDbTasks"][0] == {
        "name": "Create DB (train)", "entries": 45_002, "image_width": 28, "image_height": 28, "image_channels": 1,
        "backend": "lmdb", "encoding": "png", "compression": "none",
    }  # fmt: skip
    assert [task["entries"] for task in dataset["CreateDbTasks"]] == [45_002, 14_998]


def test_what_is_not_known_yet_of_a_dataset_is_null(world: World) -> None:
    dataset = world.site.json(f"/datasets/{world.ids['building']}.json")

    assert dataset["status"] == "Running"
    assert [task["entries"] for task in dataset["CreateDbTasks"]] == [None, None]
    assert dataset["CreateDbTasks"][0]["image_width"] == 256


def test_completed_jobs_json(world: World) -> None:
    body = world.site.json("/completed_jobs.json")

    assert list(body) == ["running", "datasets", "models", "pretrained_models", "model_output_fields"]
    assert {row["status"] for row in body["running"]} == {"Running", "Waiting"}
    dataset = by_name(body["datasets"], "MNIST 28 × 28")
    common = {"id", "name", "group", "status", "status_css", "submitted", "elapsed", "progress", "type", "username"}
    assert set(dataset) == common | {"backend", "refs"}
    assert (dataset["type"], dataset["backend"], dataset["status_css"]) == ("dataset", "lmdb", "success")
    assert dataset["progress"] == 100
    assert dataset["refs"] == len(
        [row for row in world.site.json("/index.json")["models"] if row["dataset_id"] == dataset["id"]]
    )
    model = next(row for row in body["models"] if row["id"] == world.ids["done"])
    assert common | {"framework", "dataset_id", "sparkline"} < set(model)
    assert {"loss (train) last", "loss (val) min", "accuracy (val) max"} < set(model)
    assert model["accuracy (val) min"] <= model["accuracy (val) last"] <= model["accuracy (val) max"]
    assert 0 < len(model["sparkline"]) <= 100
    assert "accuracy (val) max" in body["model_output_fields"]
    assert not any(name.startswith("lr") for name in body["model_output_fields"])


def test_table_data_is_the_row_of_completed_jobs(world: World) -> None:
    rows = world.site.json("/completed_jobs.json")

    for key, noun in (("mnist", "datasets"), ("done", "models")):
        row = next(row for row in rows[noun] if row["id"] == world.ids[key])
        assert world.site.json(f"/jobs/{world.ids[key]}/table_data.json") == {"job": row}


def test_metrics_in_buckets_and_since_a_step(world: World) -> None:
    path = f"/models/{world.ids['done']}/metrics"

    all_of = world.site.json(path)["series"]
    few = world.site.json(path, points=3, series="loss/train,lr")["series"]
    part = world.site.json(path, **{"from": 2, "to": 4, "series": "loss/train"})["series"]["loss/train"]
    later = world.site.json(path + ".json", after=all_of["loss/train"]["step"][-2], series="loss/train")["series"]

    assert list(all_of) == ["accuracy/val", "loss/train", "loss/val", "lr"]
    assert all({"epoch", "step", "min", "max", "last"} <= set(series) for series in all_of.values())
    assert {name: len(series["step"]) for name, series in few.items()} == {"loss/train": 3, "lr": 3}
    assert few["loss/train"]["min"][0] == min(all_of["loss/train"]["min"][: len(all_of["loss/train"]["min"]) // 3])
    assert min(part["epoch"]) >= 2
    assert max(part["epoch"]) <= 4
    assert later["loss/train"]["step"] == all_of["loss/train"]["step"][-1:]


def test_every_point_is_in_the_table_of_metrics(world: World) -> None:
    answer = world.site.client.get(f"/models/{world.ids['done']}/metrics.csv")

    lines = answer.text.splitlines()
    assert lines[0] == "series,step,epoch,time,value"
    assert sum(line.startswith("loss/train,") for line in lines) == 320
    assert "attachment" in answer.headers["content-disposition"]


def test_what_has_not_changed_is_not_sent_again(world: World) -> None:
    for path in (f"/models/{world.ids['done']}/metrics", f"/datasets/{world.ids['mnist']}.json", "/index.json"):
        first = world.site.client.get(path)
        second = world.site.client.get(path, headers={"If-None-Match": first.headers["etag"]})
        other = world.site.client.get(path, headers={"If-None-Match": '"something"'})

        assert (second.status_code, second.content) == (304, b"")
        assert other.status_code == 200
    plain = world.site.client.get(f"/models/{world.ids['done']}/metrics")
    narrow = world.site.client.get(f"/models/{world.ids['done']}/metrics?points=3")
    assert plain.headers["etag"] != narrow.headers["etag"]


def test_refused_rows_as_json_and_as_a_table(world: World) -> None:
    rows = world.site.json(f"/datasets/{world.ids['mnist']}/refused")
    table = world.site.client.get(f"/datasets/{world.ids['mnist']}/refused.csv")

    assert rows[0] == {
        "db": "train", "path": "train/5/59017 (copy).png", "line": None, "rule": "IMG_EMPTY", "reason": "The file is empty.",
    }  # fmt: skip
    assert table.text.splitlines()[0] == "db,path,line,rule,reason"
    assert len(table.text.splitlines()) == len(rows) + 1


def test_a_file_name_that_is_a_formula_stays_text_in_a_spreadsheet(world: World) -> None:
    path = world.site.settings.jobs / world.ids["cifar"] / "refused.csv"
    path.write_text("db,path,line,rule,reason\ntrain,=cmd|' /C calc'!A1,3,IMG_EMPTY,@SUM(1)\n")

    table = world.site.client.get(f"/datasets/{world.ids['cifar']}/refused.csv").text

    assert table.splitlines()[1] == "train,'=cmd|' /C calc'!A1,3,IMG_EMPTY,'@SUM(1)"


def test_files_of_a_job_come_as_text_picture_or_download(world: World) -> None:
    client, base = world.site.client, f"/files/{world.ids['mnist']}"

    text, picture, other = (client.get(f"{base}/{name}") for name in ("train.txt", "mean.jpg", "mean.binaryproto"))

    assert text.headers["content-type"].startswith("text/plain")
    assert picture.headers["content-type"] == "image/jpeg"
    assert other.headers["content-type"] == "application/octet-stream"
    assert other.headers["content-disposition"].startswith("attachment")
    assert client.get(f"{base}/mean.jpg", headers={"Range": "bytes=0-1"}).content == picture.content[:2]
    assert client.head(f"{base}/train.txt").headers["content-length"] == str(len(text.content))


def test_a_page_or_drawing_in_a_job_folder_is_never_run_by_a_browser(world: World) -> None:
    folder = world.site.settings.jobs / world.ids["mnist"]
    for name in ("evil.html", "evil.svg", "evil.xml", "evil"):
        (folder / name).write_text("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")

        headers = world.site.client.get(f"/files/{world.ids['mnist']}/{name}").headers

        assert headers["content-type"] == "application/octet-stream"
        assert headers["content-disposition"].startswith("attachment")
        assert headers["x-content-type-options"] == "nosniff"


def test_paths_are_suggested_sorted_and_from_the_root(world: World, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("paths")
    for name in ("beta", "alpha", "alp[x]", ".hidden"):
        (folder / name).mkdir()

    answer = world.site.client.get("/autocomplete/path", params={"query": f"{folder}/al"})
    relative = world.site.client.get("/autocomplete/path", params={"query": f"{folder}/al[".lstrip("/")})
    bracket = world.site.client.get("/autocomplete/path", params={"query": f"{folder}/alp["})

    assert answer.headers["content-type"].startswith("text/html")
    assert json.loads(answer.text) == {"suggestions": [f"{folder}/alp[x]", f"{folder}/alpha"]}
    assert json.loads(relative.text) == {"suggestions": []}
    assert json.loads(bracket.text) == {"suggestions": [f"{folder}/alp[x]"]}


def test_the_learning_rate_is_drawn_in_101_points_by_digits_formulae(world: World) -> None:
    form = {"lr_policy": "step", "lr_step_size": "33", "lr_step_gamma": "0.1", "learning_rate": "0.01, 0.1"}

    answer = world.site.client.post("/models/visualize-lr", data=form)

    assert answer.headers["content-type"].startswith("text/html")
    columns = json.loads(answer.text)["data"]["columns"]
    assert [column[0] for column in columns] == ["Learning Rate 0", "Learning Rate 1"]
    assert [len(column) for column in columns] == [102, 102]
    for base, column in zip((0.01, 0.1), columns, strict=True):
        assert column[1:] == [pytest.approx(base * 0.1 ** (index // 33)) for index in range(101)]
    bad = world.site.client.post(
        "/models/visualize-lr", data=form | {"lr_policy": "x"}, headers={"Accept": "application/json"}
    )
    assert (bad.status_code, bad.json()["error"]["description"][:14]) == (400, "Invalid policy")


def test_a_network_is_given_out_to_be_changed(world: World) -> None:
    def text(**query: str) -> Any:
        answer = world.site.client.post("/models/customize", params=query)
        assert answer.headers["content-type"].startswith("text/html")
        return json.loads(answer.text)

    of_a_job = text(network=world.ids["done"], framework="caffe", snapshot_epoch="3")
    without = text(network=world.ids["done"], framework="caffe")
    best = text(network=world.ids["done"], framework="caffe", snapshot_epoch="best")

    assert list(of_a_job) == ["network", "snapshot", "python_layer"]
    assert of_a_job["network"].startswith("# original")
    assert of_a_job["snapshot"].endswith(f"{world.ids['done']}/snapshot_iter_2112.caffemodel")
    assert without["snapshot"] is None
    epoch = world.site.json(f"/models/{world.ids['done']}.json")["best snapshot"]
    assert best == text(network=world.ids["done"], framework="caffe", snapshot_epoch=epoch)
    missing = world.site.client.post("/models/customize", headers={"Accept": "application/json"})
    assert (missing.status_code, missing.json()["error"]["description"]) == (400, "network not provided")


def test_the_server_is_alive_and_says_what_it_lacks_to_be_ready(world: World) -> None:
    assert world.site.json("/healthz") == {"status": "ok"}

    answer = world.site.client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": True, "jobs folder": True, "disk": True, "runner": False}


def test_an_error_is_json_or_a_page_by_what_is_preferred(world: World) -> None:
    as_json = world.site.client.get("/nothing.json")
    as_html = world.site.client.get("/nothing", headers={"Accept": "text/html,application/json;q=0.9"})

    assert as_json.json() == {"error": {"message": "404: Not Found", "type": "NotFound", "description": "Not Found"}}
    assert "404: Not Found" in as_html.text
    assert world.site.client.post("/index.json").status_code == 405


def test_where_json_is_all_there_is_errors_are_json_too(world: World) -> None:
    path = f"/models/{world.ids['done']}/metrics?points=none"

    assert world.site.client.get(path).json()["error"]["description"] == "points is not a whole number: 'none'."
    assert world.site.client.get(path, headers={"Accept": "text/html"}).text.startswith("<!doctype html>")
