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


def test_the_twins_of_uploads_answer_as_they_do(server: Serving) -> None:
    begun = server.client.post("/uploads.json", data={"name": "a.zip", "size": "4"}).json()
    sent = server.client.put(f"/uploads/{begun['upload_id']}.json?offset=0", content=b"abcd").json()

    assert (begun["offset"], sent["offset"], sent["complete"]) == (0, 4, True)
    assert server.json(f"/uploads/{begun['upload_id']}.json") == server.json(f"/uploads/{begun['upload_id']}") == sent


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
    assert [task.title for task in server.store.tasks(job.id)] == ["Read Lists (train)", "Create DB (train)"]


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


def test_a_refused_form_keeps_the_file_that_was_sent_and_says_what_it_is(server: Serving) -> None:
    upload = begin(server, name="<my> pictures.tar", size=9)
    put(server, upload, 0, b"012345678")
    fields = {"method": "archive", "archive_upload": upload, "resize_width": "x"}

    page = server.client.post("/datasets/images/classification", data=fields, headers={"Accept": "text/html"})

    assert page.status_code == 400
    assert f'name="archive_upload" value="upload:{upload}"' in page.text
    assert "&lt;my&gt; pictures.tar" in page.text
    assert "This is no archive" in page.text  # though the name and the width are wrong, too
    assert server.client.get(f"/uploads/{upload}").status_code == 200


def test_the_form_of_a_clone_has_the_files_of_its_job(server: Serving) -> None:
    files = {"textfile_train_images": ("mine.txt", b"/a.png 0\n"), "textfile_labels_file": ("l.txt", b"a\nb\n")}
    url = "/datasets/images/classification"
    first = server.client.post(f"{url}.json", data=textfile(server, textfile_shuffle="0"), files=files).json()["id"]

    page = server.client.get(f"{url}/new", params={"clone": first}, headers={"Accept": "text/html"})
    fields = textfile(
        server, textfile_train_images_upload=f"job:{first}", textfile_labels_upload=f"job:{first}", textfile_shuffle="0"
    )
    second = server.client.post(f"{url}.json", data=fields)

    assert f'name="textfile_labels_upload" value="job:{first}"' in page.text
    assert second.status_code == 200, second.text
    job = server.store.job(second.json()["id"])
    assert (job.folder.path / "uploads/textfile_labels_file").read_bytes() == b"a\nb\n"


def test_a_folder_that_is_not_there_is_told_while_other_fields_are_wrong(server: Serving) -> None:
    fields = {"folder_train": "/no/such/folder", "folder_pct_val": "80", "folder_pct_test": "80", "resize_width": "x"}

    errors = server.client.post("/datasets/images/classification.json", data=fields).json()["errors"]

    assert set(errors) == {"folder_train", "folder_pct_val", "resize_width", "dataset_name"}
    assert errors["folder_train"] == ["/no does not exist."]
