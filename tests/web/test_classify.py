"""Classifying over HTTP, with a stand-in for the worker: what is asked of it, and what becomes of its answers and failures."""

from __future__ import annotations

import html
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digits.core.events import EventWriter, Snapshot
from digits.core.files import write_text
from digits.core.states import JobState
from digits.store import Store
from tests.web.conftest import World, build_dataset, draw_pictures, finish, model_of
from tests.web.serving import Serving
from tests.web.standin import Answer, service

BASE = "/models/images/classification"
LABELS = [str(digit) for digit in range(10)]
JSON = {"Accept": "application/json"}


def classified(path: str) -> dict[str, Any]:
    """Answer for a path whose first digit is the class; a path with "broken" in it is no picture."""
    if "broken" in path:
        return {
            "path": path,
            "ok": False,
            "error": {"message": "Ends early.", "hint": "Copy it again.", "rule": "IMG_TRUNCATED"},
        }
    digit = int(next(iter(re.findall(r"/(\d)/", path)), 3))
    shares = [0.9, 0.05, 0.03, 0.015, 0.005]
    top = [[(digit + place) % 10, str((digit + place) % 10), share] for place, share in enumerate(shares)]
    return {"path": path, "ok": True, "top": top}


def answer(path: str, question: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Answer as the inference worker does."""
    if path == "/picture":
        return 200, {"png_base64": "aGk=", "width": 28, "height": 28}
    if path == "/maps":
        return 200, {"layer": "conv2", "maps": [{"class": each, "png_base64": "aGk="} for each in question["classes"]]}
    return 200, {"labels_count": 10, "results": [classified(each) for each in question["paths"]], "seconds": 0.01}


@pytest.fixture
def model(world: World) -> str:
    """Return the id of a trained model with its labels on disk."""
    write_text(world.site.settings.jobs / world.ids["done"] / "labels.txt", "\n".join(LABELS) + "\n")
    return world.ids["done"]


@pytest.fixture
def ask(world: World, model: str) -> Iterator[Any]:
    """Stand in for the model's worker."""
    with service(world.site.store, "infer", answer, job_id=model) as asked:
        yield asked
    forget(world.site.store)


def forget(store: Store) -> None:
    """Let no test meet the service of another."""
    for row in store.services.all():
        store.services.remove(row.id)


def test_an_upload_is_classified_and_leaves_nothing_behind(world: World, model: str, ask: list[Any]) -> None:
    files = {"image_file": ("../../evil/7.png", b"picture")}

    result = world.site.client.post(f"{BASE}/classify_one.json", data={"job_id": model}, files=files)

    assert result.status_code == 200
    assert result.json() == {"predictions": [["3", 90.0], ["4", 5.0], ["5", 3.0], ["6", 1.5], ["7", 0.5]]}
    spool = world.site.settings.root / "spool"
    given = Path(ask[0][1]["paths"][0])
    assert given.parent == spool
    assert "evil" not in given.name
    assert list(spool.iterdir()) == []


def test_a_picture_on_the_server_is_classified(
    world: World, model: str, ask: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digits.web.services.RUNNER_S", 0.2)
    data = {"job_id": model, "image_path": "/mnist/test/7/00000.png", "snapshot_epoch": "3"}

    result = world.site.client.post(f"{BASE}/classify_one", data=data, headers=JSON)

    # The stand-in is of the newest snapshot; one of epoch 3 is another service, which no runner starts here.
    assert result.status_code == 503
    data.pop("snapshot_epoch")
    result = world.site.client.post(f"{BASE}/classify_one", data=data, headers=JSON)
    assert result.json()["predictions"][0] == ["7", 90.0]


def test_the_fields_may_come_in_the_query(world: World, model: str, ask: list[Any]) -> None:
    query = {"job_id": model, "image_path": "/mnist/test/1/0.png"}

    assert world.site.client.get(f"{BASE}/classify_one.json", params=query).json()["predictions"][0] == ["1", 90.0]


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        ({}, 400, "must provide image_path or image_file"),
        ({"job_id": ""}, 400, "job_id is a required field"),
        ({"job_id": "20261124-000000-abcd"}, 404, "Job not found"),
        ({"image_path": "/x.png", "snapshot_epoch": "x"}, 400, "Invalid epoch"),
        ({"image_path": "/x.png", "snapshot_epoch": "99"}, 400, "Invalid epoch"),
        ({"image_path": "http://127.0.0.1:1/x.png"}, 400, "could not be fetched"),
        ({"image_path": "/mnist/broken.png"}, 400, "Ends early. Copy it again."),
    ],
)
def test_what_cannot_be_classified_is_said(
    world: World, model: str, ask: list[Any], data: dict[str, str], status: int, words: str
) -> None:
    result = world.site.client.post(f"{BASE}/classify_one.json", data={"job_id": model} | data)

    assert result.status_code == status
    assert words in result.json()["error"]["description"]


def test_a_dataset_is_no_model_and_a_model_without_snapshot_cannot_answer(world: World) -> None:
    def words(job: str) -> Any:
        data = {"job_id": world.ids[job], "image_path": "/x.png"}
        result = world.site.client.post(f"{BASE}/classify_one.json", data=data)
        return result.status_code, result.json()["error"]["description"]

    assert words("mnist") == (404, "Job not found")
    assert words("waiting") == (400, "The model has no snapshot yet. Wait for its first epoch to end.")


def failing(status: int, message: str) -> Answer:
    """Return a service that fails."""
    return lambda path, question: (status, {"error": {"message": message, "where": "worker", "hint": "Look there."}})


def test_a_worker_that_fails_gives_digits_empty_predictions_with_its_words(world: World, model: str) -> None:
    with service(world.site.store, "infer", failing(500, "CUDA ran out of memory."), job_id=model):
        data = {"job_id": model, "image_path": "/x.png"}
        result = world.site.client.post(f"{BASE}/classify_one.json", data=data)
        page = world.site.client.post(f"{BASE}/classify_one", data=data)
    forget(world.site.store)

    assert result.status_code == 500
    assert result.json()["predictions"] == []
    assert "CUDA ran out of memory" in result.json()["error"]["message"]
    assert page.status_code == 500
    assert "CUDA ran out of memory" in page.text


def test_a_worker_that_could_not_start_is_told_in_its_own_words(world: World, model: str) -> None:
    from digits.store import Trouble

    row = world.site.store.ask_service("infer", model)
    data = {"job_id": model, "image_path": "/x.png"}

    import threading

    def fail() -> None:
        world.site.store.services.set(
            row.id, "failed", error=Trouble("The snapshot is damaged.", "epoch_10", "Choose another.")
        )

    threading.Timer(0.3, fail).start()
    result = world.site.client.post(f"{BASE}/classify_one.json", data=data)
    forget(world.site.store)

    assert result.status_code == 503
    assert result.json()["error"]["description"] == "epoch_10: The snapshot is damaged. Choose another."


def test_without_a_runner_nothing_hangs(world: World, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digits.web.services.RUNNER_S", 0.2)
    result = world.site.client.post(f"{BASE}/classify_one.json", data={"job_id": model, "image_path": "/x.png"})
    forget(world.site.store)

    assert result.status_code == 503
    assert "No runner works here" in result.json()["error"]["description"]


def test_a_service_of_before_whose_port_is_anothers_now_is_not_believed(world: World, model: str) -> None:
    store = world.site.store
    with service(store, "infer", answer, job_id=model):
        row = store.ask_service("infer", model)
        store.services.set(row.id, "ready", address=row.address, token="of yesterday")

        import threading

        threading.Timer(
            0.3, lambda: store.services.set(row.id, "ready", address=row.address, token="token-of-the-stand-in")
        ).start()
        result = world.site.client.post(f"{BASE}/classify_one.json", data={"job_id": model, "image_path": "/a/1/x.png"})
    forget(store)

    assert result.json()["predictions"][0] == ["1", 90.0]


def many(world: World, model: str, text: bytes, **more: str) -> Any:
    """Classify a list, and return the answer."""
    files = {"image_list": ("list.txt", text)}
    return world.site.client.post(f"{BASE}/classify_many.json", data={"job_id": model} | more, files=files)


def test_a_list_is_classified_in_pieces_and_what_is_no_picture_is_left_out(
    world: World, model: str, ask: list[Any]
) -> None:
    lines = [f"/mnist/{index % 10}/{index:05d}.png {index % 10}" for index in range(600)]
    lines[5] = "/mnist/5/broken.png 5"

    result = many(world, model, "\n".join(lines).encode())

    found = result.json()["classifications"]
    assert [len(question["paths"]) for _, question in ask] == [256, 256, 88]
    assert len(found) == 599
    assert "/mnist/5/broken.png" not in found
    assert found["/mnist/7/00007.png"] == [["7", 90.0], ["8", 5.0], ["9", 3.0], ["0", 1.5], ["1", 0.5]]


def test_a_list_may_be_cut_short_and_begin_at_a_folder(
    world: World, model: str, ask: list[Any], tmp_path: Path
) -> None:
    result = many(world, model, b"7/a.png 7\n8/b.png 8\n9/c.png 9\n", image_folder=str(tmp_path), num_test_images="2")

    assert list(result.json()["classifications"]) == [f"{tmp_path}/7/a.png", f"{tmp_path}/8/b.png"]


@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        (b"", {}, "image_list names no picture"),
        (b"\n \n", {}, "image_list names no picture"),
        (b"/a.png 1", {"image_folder": "/no/such/folder"}, 'image_folder "/no/such/folder" does not exit'),
        (b"/a.png 1", {"num_test_images": "few"}, "num_test_images is not a whole number"),
    ],
)
def test_a_list_that_is_none_is_refused(
    world: World, model: str, text: bytes, more: dict[str, str], words: str
) -> None:
    result = many(world, model, text, **more)

    assert result.status_code == 400
    assert words in result.json()["error"]["description"]


def test_a_list_must_be_uploaded(world: World, model: str) -> None:
    result = world.site.client.post(f"{BASE}/classify_many.json", data={"job_id": model})

    assert (result.status_code, result.json()["error"]["description"]) == (400, "image_list is a required field")


def test_odd_file_names_in_a_list_come_through_byte_for_byte(world: World, model: str, ask: list[Any]) -> None:
    result = many(world, model, b"/mnist/1/\xff\xe9 \xf0\x9f\x98\x80.png 1\n")

    path = "/mnist/1/\udcff\udce9 \N{GRINNING FACE}.png"
    assert ask[0][1]["paths"] == [path]
    assert list(result.json()["classifications"]) == [path]


def test_addresses_in_a_list_are_not_fetched(world: World, model: str, ask: list[Any]) -> None:
    result = many(world, model, b"http://169.254.169.254/latest 1\n/mnist/1/a.png 1\n")

    assert list(result.json()["classifications"]) == ["/mnist/1/a.png"]
    assert [question["paths"] for _, question in ask] == [["/mnist/1/a.png"]]


def test_the_page_of_a_list_has_accuracy_confusion_and_mistakes(world: World, model: str, ask: list[Any]) -> None:
    files = {"image_list": ("list.txt", b"/m/1/a.png 1\n/m/2/b.png 2\n/m/3/c.png 4\n/m/5/broken.png 5\n")}

    page = world.site.client.post(f"{BASE}/classify_many", data={"job_id": model}, files=files)

    assert page.status_code == 200
    assert "66.67" in page.text
    assert "broken.png" in page.text
    assert "Ends early" in page.text


def test_the_page_of_one_picture_lists_confidence_then_label(world: World, model: str, ask: list[Any]) -> None:
    page = world.site.client.post(f"{BASE}/classify_one", data={"job_id": model, "image_path": "/m/7/<b>.png"})

    assert page.status_code == 200
    assert re.search(r"list-group", page.text)
    assert page.text.index("90.0") < page.text.index("data:image/png;base64,aGk=") or "90" in page.text
    assert "<b>.png" not in page.text


def test_the_page_of_one_picture_gives_the_same_answer_to_a_shell(world: World, model: str, ask: list[Any]) -> None:
    client = world.site.client
    named = client.post(f"{BASE}/classify_one", data={"job_id": model, "image_path": "/mnist/it's/7/0.png"}).text
    sent = client.post(f"{BASE}/classify_one", data={"job_id": model}, files={"image_file": ("a b.png", b"x")}).text

    link = html.unescape(re.findall(r'class="button" href="([^"]+)">JSON', named)[0])
    words, upload = (shlex.split(html.unescape(re.findall(r'data-copy="([^"]+)"', page)[0])) for page in (named, sent))

    assert client.get(link).json()["predictions"][0] == ["7", 90.0]
    assert words[:2] == ["curl", f"{world.site.address}{BASE}/classify_one.json"]
    assert words[2:] == [
        "-F", f"job_id={model}", "-F", "snapshot_epoch=10", "--form-string", "image_path=/mnist/it's/7/0.png"
    ]  # fmt: skip
    assert upload[-1] == 'image_file=@"a b.png"'
    assert ">JSON<" not in sent


def test_the_pictures_most_like_each_class_are_shown(world: World, model: str) -> None:
    scores = np.eye(10, dtype=np.float32)[[1, 1, 7]] * [[0.5], [0.9], [0.8]]

    def with_scores(path: str, question: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        status, body = answer(path, question)
        if path == "/classify":
            assert question["all_scores"] is True
            file = world.site.settings.root / "spool" / "scores-test.npy"
            file.parent.mkdir(exist_ok=True)
            np.save(file, scores)
            body["scores_file"] = str(file)
        return status, body

    with service(world.site.store, "infer", with_scores, job_id=model) as asked:
        files = {"image_list": ("list.txt", b"/m/1/a.png 1\n/m/1/b.png 1\n/m/7/c.png 7\n")}
        page = world.site.client.post(f"{BASE}/top_n", data={"job_id": model, "top_n": "2"}, files=files)
        told = world.site.client.post(f"{BASE}/top_n.json", data={"job_id": model, "top_n": "2"}, files=files).json()
    forget(world.site.store)
    assert told["classes"][1] == {"label": "1", "pictures": [["/m/1/b.png", 90.0], ["/m/1/a.png", 50.0]]}
    assert told["count"] == 3

    assert page.status_code == 200
    shown = [question["path"] for path, question in asked if path == "/picture"]
    assert shown[2:4] == ["/m/1/b.png", "/m/1/a.png"]  # of class 1, the highest score first
    assert not (world.site.settings.root / "spool" / "scores-test.npy").exists()


def test_a_dataset_of_the_server_may_stand_in_for_a_list(empty: Serving, tmp_path: Path) -> None:
    dataset = build_dataset(empty.store, draw_pictures(tmp_path / "pictures"))
    model = model_of(empty.store, dataset)
    events = EventWriter(model.folder.events_file)
    events(Snapshot(epoch=1, step=10, file="snapshots/epoch_1", bytes=4))
    events.close()
    finish(empty.store, model.id, JobState.DONE)
    write_text(model.folder.path / "labels.txt", "\n".join(reversed(dataset.facts["labels"])) + "\n")

    def as_first(path: str, question: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        results = [{"path": "", "ok": True, "top": [[0, "0", 1.0]]} for _ in range(question["records"]["count"])]
        return 200, {"results": results, "seconds": 0.01}

    with service(empty.store, "infer", as_first, job_id=model.id) as asked:
        data = {"job_id": model.id, "dataset_id": dataset.id, "db": "train", "num_test_images": "10"}
        told = empty.client.post(f"{BASE}/classify_many.json", data=data).json()["classifications"]
        page = empty.client.post(f"{BASE}/classify_many", data=data)
        refused = empty.client.post(f"{BASE}/classify_many.json", data=data | {"db": "test"})
    forget(empty.store)

    assert asked[0][1]["records"] == {"folder": str(dataset.folder.path), "db": "train", "first": 0, "count": 10}
    assert len(told) == 10
    assert all(Path(path).is_file() for path in told)
    last = dataset.facts["labels"][-1]  # the model's first class
    share = sum(Path(path).parent.name == last for path in told) / 10
    assert f"{100 * share:.2f} <small>%</small></b><span>accuracy, top 1" in page.text
    assert f"/datasets/{dataset.id}/picture/train/" in page.text, "mistakes are shown as they are stored"
    assert (refused.status_code, "has no test with pictures" in refused.text) == (400, True)
