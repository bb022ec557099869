"""What a folder holds, and how a picture would be stored: asked of the inspector, answered as DIGITS does."""

from __future__ import annotations

from typing import Any

from tests.web.conftest import World
from tests.web.standin import service
from tests.web.test_classify import forget

FOUND = {
    "state": "done", "format": "folder", "classes": [{"label": "ant", "count": 3, "sample": "/d/ant/0.png"}], "count": 3,
    "refused": [], "refused_count": 0, "sizes": {}, "seconds": 0.1,
}  # fmt: skip
MODES = {
    mode: {"image": f"data:image/png;base64,{mode}", "bytes": 12_595}
    for mode in ("crop", "squash", "fill", "half_crop")
}


def example(path: str, question: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Answer as the inspector does."""
    if question["path"] == "/broken.png":
        return 400, {"error": {"message": "This is <no> picture.", "where": "", "hint": ""}}
    return 200, {"source": {"name": "drawn", "width": 9, "height": 9, "bytes": 1, "image": "data:x"}, "modes": MODES}


def test_a_folder_is_looked_into_until_its_end_is_known(world: World) -> None:
    world.site.login("ana")
    answers = iter([{"state": "running", "done": 5}, {"state": "running", "done": 9}, FOUND])

    with service(world.site.store, "inspect", lambda path, question: (200, next(answers))) as asked:
        answer = world.site.client.post("/datasets/inspect", data={"path": "/d"})
    forget(world.site.store)

    assert answer.json() == FOUND
    assert asked == [("/folder", {"extension": "image-classification", "path": "/d"})] * 3


def test_one_who_does_not_wait_hears_how_far_it_is(world: World) -> None:
    world.site.login("ana")
    with service(world.site.store, "inspect", lambda path, question: (200, {"state": "running", "done": 5})):
        answer = world.site.client.post("/datasets/inspect.json", data={"path": "/d", "wait": "0"})
    forget(world.site.store)

    assert answer.json() == {"state": "running", "done": 5}


def test_looking_into_a_folder_needs_one(world: World) -> None:
    world.site.login("ana")

    answer = world.site.client.post("/datasets/inspect.json")

    assert (answer.status_code, answer.json()["error"]["description"]) == (400, "path is a required field")


def test_the_example_is_an_image_with_its_size_as_digits_answers(world: World) -> None:
    form = {"width": "28", "height": "20", "channels": "1", "resize_mode": "fill", "backend": "lmdb", "encoding": "png"}

    with service(world.site.store, "inspect", example) as asked:
        answer = world.site.client.post("/datasets/images/resize-example", data=form)
    forget(world.site.store)

    assert answer.text.startswith('<img src="data:image/png;base64,fill"')
    assert 'style="width:28px;height:20px" /><br><i>Image size: 12.3 KB</i>' in answer.text
    assert asked[0][1] == {"path": None, "width": 28, "height": 20, "channels": 1, "encoding": "png", "backend": "lmdb"}


def test_every_error_of_the_example_is_text_with_200_as_on_digits(world: World) -> None:
    def post(**form: str) -> Any:
        return world.site.client.post("/datasets/images/resize-example", data=form)

    with service(world.site.store, "inspect", example):
        answers = [post(width="x"), post(resize_mode="stretch"), post(image_path="/broken.png"), post(backend="tape")]
    forget(world.site.store)

    assert [answer.status_code for answer in answers] == [200, 200, 200, 200]
    assert "width is not a whole number" in answers[0].text
    assert "no resize mode" in answers[1].text
    assert "This is &lt;no&gt; picture." in answers[2].text
    assert ": " in answers[2].text.split("This")[0]
    assert "no backend" in answers[3].text


def test_all_four_modes_come_as_json(world: World) -> None:
    with service(world.site.store, "inspect", example):
        answer = world.site.client.post("/datasets/images/resize-example.json", data={"width": "28", "height": "28"})
    forget(world.site.store)

    assert answer.json()["modes"] == MODES


def test_the_fields_of_the_form_are_looked_at_before_the_rest_of_it_is_right(world: World) -> None:
    world.site.login("ana")
    fields = {
        "method": "folder",
        "folder_train": "/d",
        "has_val_folder": "true",
        "folder_val": "/v",
        "folder_pct_val": "x",
    }

    with service(world.site.store, "inspect", lambda path, question: (200, dict(FOUND))) as asked:
        world.site.client.post("/datasets/inspect", data=fields)
    forget(world.site.store)

    source = asked[0][1]["source"]
    assert (source["method"], source["train"], source["has_val_folder"], source["val"]) == ("folder", "/d", True, "/v")


def test_what_is_recognised_comes_with_the_fields_of_the_form(world: World) -> None:
    world.site.login("ana")
    found = FOUND | {"source": {"method": "folder", "train": "/d/train", "has_val_folder": True, "val": "/d/val"}}

    with service(world.site.store, "inspect", lambda path, question: (200, dict(found))):
        answer = world.site.client.post("/datasets/inspect", data={"path": "/d"}).json()
    forget(world.site.store)

    assert answer["fields"] == {
        "method": ["folder"], "folder_train": ["/d/train"], "has_val_folder": ["true"], "folder_val": ["/d/val"],
    }  # fmt: skip


def test_an_upload_may_be_looked_at_by_its_sender_alone(world: World) -> None:
    world.site.login("ana")
    upload = world.site.client.post("/uploads", data={"name": "a.tar", "size": "2"}).json()["upload_id"]
    world.site.client.put(f"/uploads/{upload}", params={"offset": 0}, content=b"ab")

    with service(world.site.store, "inspect", lambda path, question: (200, FOUND | question)) as asked:
        answer = world.site.client.post("/datasets/inspect", data={"archive_upload": upload})
        world.site.login("eve")
        refused = world.site.client.post("/datasets/inspect", data={"archive_upload": upload})
    forget(world.site.store)

    assert (answer.status_code, len(asked)) == (200, 1)
    assert asked[0][1]["source"]["file"].endswith(f"{upload}/data")
    assert "source" not in answer.json()  # where it lies on the server is nobody's business
    assert (refused.status_code, refused.json()["errors"]["source"][0][:16]) == (400, "Upload not found")


def test_a_picture_of_what_was_looked_at_may_be_the_example(world: World) -> None:
    form = {"width": "28", "height": "28", "look": "abc", "sample": "3", "resize_mode": "fill"}

    with service(world.site.store, "inspect", lambda path, question: (200, {"modes": MODES})) as asked:
        world.site.client.post("/datasets/images/resize-example.json", data=form)
    forget(world.site.store)

    assert (asked[0][1]["look"], asked[0][1]["sample"], asked[0][1]["mode"]) == ("abc", 3, "fill")
