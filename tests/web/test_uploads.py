from __future__ import annotations

from typing import Any

import pytest

from tests.web.serving import Serving


@pytest.fixture
def server(empty: Serving) -> Serving:
    empty.login("fred")
    return empty


def begin(server: Serving, **fields: Any) -> str:
    answer = server.client.post("/uploads", data=fields)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["upload_id"])


def put(server: Serving, upload: str, offset: int, body: bytes) -> Any:
    return server.client.put(f"/uploads/{upload}", params={"offset": offset}, content=body)


def test_an_upload_goes_on_where_it_was_broken_off(server: Serving) -> None:
    upload = begin(server, name="pictures.tar", size=10)

    assert put(server, upload, 0, b"01234").json()["offset"] == 5
    refused = put(server, upload, 7, b"789")
    assert refused.status_code == 409
    assert refused.json()["offset"] == server.json(f"/uploads/{upload}")["offset"] == 5
    assert put(server, upload, 5, b"56789").json() == {
        "upload_id": upload, "name": "pictures.tar", "size": 10, "offset": 10, "complete": True,
    }  # fmt: skip


def test_more_than_was_announced_is_refused_and_nothing_of_it_kept(server: Serving) -> None:
    upload = begin(server, size=4)

    assert put(server, upload, 0, b"012345").status_code == 400
    assert server.json(f"/uploads/{upload}")["offset"] == 0


def test_somebody_elses_upload_is_not_found(server: Serving) -> None:
    upload = begin(server)
    server.login("eve")

    assert server.client.get(f"/uploads/{upload}").status_code == 404
    assert put(server, upload, 0, b"x").status_code == 404


def test_an_id_that_is_a_path_is_not_found(server: Serving) -> None:
    for name in ("..", "%2e%2e", "0" * 31, "g" * 32):
        assert server.raw("GET", f"/uploads/{name}", headers={"Cookie": "username=fred"})[0] == 404


def textfile(server: Serving, **fields: Any) -> dict[str, Any]:
    return {"method": "textfile", "dataset_name": "lists", "resize_width": "8", "resize_height": "8"} | fields


def test_lists_sent_with_the_form_become_part_of_the_job(server: Serving) -> None:
    files = {
        "textfile_train_images": ("mine.txt", b"/a.png 0\n/b.png 1\n"),
        "textfile_labels_file": ("l.txt", b"a\nb\n"),
    }

    answer = server.client.post("/datasets/images/classification.json", data=textfile(server), files=files)

    assert answer.status_code == 200, answer.text
    job = server.store.job(answer.json()["id"])
    assert job.spec["source"]["train_images"] == "uploads/textfile_train_images"
    assert (job.folder.path / "uploads/textfile_train_images").read_bytes() == b"/a.png 0\n/b.png 1\n"
    assert [task.title for task in server.store.tasks(job.id)] == ["Parse Folder (train)", "Create DB (train)"]


def test_a_clone_takes_the_lists_of_the_job_it_is_a_clone_of(server: Serving) -> None:
    files = {"textfile_train_images": ("mine.txt", b"/a.png 0\n"), "textfile_labels_file": ("l.txt", b"a\nb\n")}
    first = server.client.post("/datasets/images/classification.json", data=textfile(server), files=files).json()["id"]

    second = server.client.post("/datasets/images/classification.json", params={"clone": first}, data={"x": "y"})

    assert second.status_code == 200, second.text
    folder = server.store.job(second.json()["id"]).folder.path
    assert (folder / "uploads/textfile_labels_file").read_bytes() == b"a\nb\n"


def test_a_path_typed_in_the_place_of_a_file_is_none(server: Serving) -> None:
    fields = textfile(server, textfile_train_images="/etc/passwd", textfile_labels_file="/etc/passwd")

    answer = server.client.post("/datasets/images/classification.json", data=fields)

    assert answer.json()["errors"] == {
        "textfile_train_images": ["Choose a file to send."], "textfile_labels_file": ["Choose a file to send."],
    }  # fmt: skip


def test_an_upload_in_pieces_stands_for_a_file_of_the_form(server: Serving) -> None:
    upload = begin(server, size=9)
    put(server, upload, 0, b"/a.png 0\n")
    fields = textfile(server, textfile_train_images_upload=upload)

    answer = server.client.post(
        "/datasets/images/classification.json", data=fields, files={"textfile_labels_file": ("l.txt", b"a\n")}
    )

    assert answer.status_code == 200, answer.text
    assert server.client.get(f"/uploads/{upload}").status_code == 404


def test_an_upload_that_is_not_whole_is_told_at_its_field(server: Serving) -> None:
    upload = begin(server, size=9)
    fields = textfile(server, textfile_train_images_upload=upload)

    answer = server.client.post(
        "/datasets/images/classification.json", data=fields, files={"textfile_labels_file": ("l.txt", b"a\n")}
    )

    assert answer.json()["errors"] == {"textfile_train_images": ["Only 0 of 9 bytes have come. Send the rest first."]}
