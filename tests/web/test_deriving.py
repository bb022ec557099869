"""New datasets made of one by relabel and extend, and exports: the routes, the real builder and worker, the pages."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import lmdb
import pytest

from digits.core.events import Done, EventWriter
from digits.core.states import JobState
from digits.core.work import WorkerSettings
from digits.extensions.datasets.classification.build import build
from digits.extensions.datasets.classification.spec import ClassificationSpec
from digits.store import Job
from tests.web.conftest import build_dataset, draw_pictures, finish
from tests.web.markup import read
from tests.web.serving import Serving


@pytest.fixture
def dataset(empty: Serving, tmp_path: Path) -> Job:
    """24 pictures of three classes, 18 of them for training."""
    empty.login("fred")
    return build_dataset(empty.store, draw_pictures(tmp_path / "pictures"))


def built(site: Serving, job_id: str) -> Job:
    """Build what was queued, as its worker would."""
    job = site.store.job(job_id)
    emit = EventWriter(job.folder.events_file)
    facts = build(ClassificationSpec.model_validate(job.spec), job.folder, WorkerSettings(), emit, lambda: False)
    emit(Done(facts=facts))
    emit.close()
    return finish(site.store, job.id, JobState.DONE)


def keys(job: Job, db: str) -> list[str]:
    with lmdb.open(str(job.folder.path / f"{db}_db"), readonly=True, lock=False) as env, env.begin() as transaction:
        return [bytes(key).decode() for key, _ in transaction.cursor()]


def counts(job: Job, db: str) -> list[int]:
    found: list[int] = job.facts["dbs"][db]["class_counts"]
    return found


def test_relabelling_makes_a_new_dataset_and_leaves_the_old_one(empty: Serving, dataset: Job) -> None:
    key, other = keys(dataset, "train")[:2]
    old = int(key.rpartition("_")[2])
    changes = [
        {"db": "train", "key": key, "label": f"class {(old + 1) % 3}"},
        {"db": "train", "key": other, "label": None},
    ]

    answer = empty.client.post(f"/datasets/{dataset.id}/relabel.json", data={"changes": json.dumps(changes)})
    as_json = empty.client.post(f"/datasets/{dataset.id}/relabel.json", json={"changes": changes})

    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"id", "name", "status"}
    made = built(empty, answer.json()["id"])
    assert made.facts["dbs"]["train"]["entries"] == 17
    expected = counts(dataset, "train")
    expected[old] -= 1
    expected[(old + 1) % 3] += 1
    expected[int(other.rpartition("_")[2])] -= 1
    assert counts(made, "train") == expected
    assert counts(made, "val") == counts(dataset, "val")
    assert built(empty, as_json.json()["id"]).facts["content_hash"] == made.facts["content_hash"]
    assert made.facts["content_hash"] != dataset.facts["content_hash"]
    assert empty.client.get(f"/datasets/{made.id}.json").json()["content_hash"] == made.facts["content_hash"]


def test_changes_that_do_not_fit_are_refused_before_a_job_exists(empty: Serving, dataset: Job) -> None:
    key = keys(dataset, "train")[0]

    for changes, words in (
        ("", "no JSON"), ("{}", "with one at least"), ("[]", "with one at least"),
        (json.dumps([{"db": "train", "key": key, "label": "clas 1"}]), "Did you mean 'class 1'"),
        (json.dumps([{"db": "train", "key": "../../x", "label": None}]), "no record"),
        (json.dumps([{"db": "../val", "key": key, "label": None}]), "no database"),
    ):  # fmt: skip
        answer = empty.client.post(f"/datasets/{dataset.id}/relabel.json", data={"changes": changes})
        assert answer.status_code == 400, changes
        assert words in answer.json()["errors"]["changes"][0]
    assert len(empty.store.jobs(kind="dataset")) == 1


def test_a_dataset_is_extended_renamed_and_merged(empty: Serving, dataset: Job, tmp_path: Path) -> None:
    more = draw_pictures(tmp_path / "more", classes=1, each=4)
    (more / "class_0").rename(more / "class_9")
    url = f"/datasets/{dataset.id}/extend.json"

    extended = empty.client.post(
        url, data={"folder_train": str(more), "folder_pct_val": "0", "rename": ["class 0=zero", "class 1=zero"]}
    )
    made = built(empty, extended.json()["id"])
    merged = built(empty, empty.client.post(url, data={"merge": made.id}).json()["id"])

    assert made.facts["labels"] == ["zero", "class 2", "class 9"]
    assert made.facts["dbs"]["train"]["entries"] == 18 + 4
    assert made.facts["dbs"]["val"]["entries"] == 6
    assert merged.facts["labels"] == ["class 0", "class 1", "class 2", "zero", "class 9"]
    assert merged.facts["dbs"]["train"]["entries"] == 18 + 22
    assert made.depends_on == dataset.id
    page = empty.client.get(f"/datasets/{made.id}").text
    assert f'href="/datasets/{dataset.id}"' in page
    assert f'href="/datasets/{made.id}"' in empty.client.get(f"/datasets/{dataset.id}").text


def test_an_extension_by_nothing_and_by_what_is_not_there_is_refused(
    empty: Serving, dataset: Job, tmp_path: Path
) -> None:
    url = f"/datasets/{dataset.id}/extend.json"

    nothing = empty.client.post(url, data={"rename": ""})
    missing = empty.client.post(url, data={"folder_train": str(tmp_path / "none")})
    merged = empty.client.post(url, data={"merge": dataset.id})
    renamed = empty.client.post(url, data={"rename": "no equals sign"})

    assert [each.status_code for each in (nothing, missing, merged, renamed)] == [400] * 4
    assert "folder_train" in missing.json()["errors"]
    assert "no other dataset" in merged.json()["errors"]["merge"][0]
    assert "old=new" in renamed.json()["errors"]["rename"][0]


def exported(site: Serving, dataset: Job, name: str, path: Path, **more: str) -> int:
    """Export with the worker's own process; return its exit status."""
    answer = site.client.post(f"/datasets/{dataset.id}/export.json", data={"format": name, "path": str(path)} | more)
    assert answer.status_code == 200, answer.text
    job = site.store.job(answer.json()["id"])
    assert (job.kind, job.parent) == ("export", dataset.id)
    return subprocess.run([sys.executable, "-m", "digits.workers.export", str(job.folder.path)], check=False).returncode


def test_image_folders_make_the_same_dataset_again(empty: Serving, dataset: Job, tmp_path: Path) -> None:
    out = tmp_path / "out"

    assert exported(empty, dataset, "imagefolder", out) == 0

    source = {"train": str(out / "train"), "has_val_folder": True, "val": str(out / "val")}
    again = build_dataset(empty.store, out, name="again", source=source)
    assert again.facts["content_hash"] == dataset.facts["content_hash"]
    assert not list(tmp_path.glob(".out*"))


def test_webdataset_shards_are_plain_tar_files_with_every_record(empty: Serving, dataset: Job, tmp_path: Path) -> None:
    assert exported(empty, dataset, "webdataset", tmp_path / "out") == 0

    labels = dataset.facts["labels"]
    for db, size in (("train", 18), ("val", 6)):
        with tarfile.open(tmp_path / "out" / db / f"{db}-000000.tar") as tar:
            members = {each.name: (tar.extractfile(each) or io.BytesIO()).read() for each in tar}
        assert sorted({name.partition(".")[0] for name in members}) == keys(dataset, db)
        assert len(members) == 3 * size
        for key in keys(dataset, db):
            facts = json.loads(members[f"{key}.json"])
            assert facts["label"] == labels[int(members[f"{key}.cls"])] == labels[int(key.rpartition("_")[2])]
            assert members[f"{key}.png"].startswith(b"\x89PNG")


def test_an_lmdb_export_equals_the_database(empty: Serving, dataset: Job, tmp_path: Path) -> None:
    assert exported(empty, dataset, "lmdb", tmp_path / "out") == 0

    for db in ("train", "val"):
        rows = []
        for folder in (dataset.folder.path, tmp_path / "out"):
            with lmdb.open(str(folder / f"{db}_db"), readonly=True, lock=False) as env, env.begin() as transaction:
                rows.append([(bytes(key), bytes(value)) for key, value in transaction.cursor()])
        assert rows[0] == rows[1]


def test_a_folder_with_other_things_in_it_is_never_touched(empty: Serving, dataset: Job, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all I have")
    url = f"/datasets/{dataset.id}/export.json"

    for overwrite in ("", "true"):
        body = {"format": "lmdb", "path": str(tmp_path / "mine"), "overwrite": overwrite}
        answer = empty.client.post(url, data=body)
        assert answer.status_code == 400
        assert "not empty" in answer.json()["errors"]["path"][0]
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "all I have"


def test_an_earlier_export_is_replaced_only_when_asked_to(empty: Serving, dataset: Job, tmp_path: Path) -> None:
    assert exported(empty, dataset, "lmdb", tmp_path / "out") == 0

    refused = empty.client.post(
        f"/datasets/{dataset.id}/export.json", data={"format": "lmdb", "path": str(tmp_path / "out")}
    )
    assert exported(empty, dataset, "imagefolder", tmp_path / "out", overwrite="true") == 0

    assert "earlier export" in refused.json()["errors"]["path"][0]
    assert not (tmp_path / "out" / "train_db").exists()
    assert len(list((tmp_path / "out" / "train").rglob("*.png"))) == 18


def test_formats_of_boxes_and_places_of_the_server_are_refused_in_words(
    empty: Serving, dataset: Job, tmp_path: Path
) -> None:
    url = f"/datasets/{dataset.id}/export.json"

    boxes = empty.client.post(url, data={"format": "coco", "path": str(tmp_path / "out")})
    own = empty.client.post(url, data={"format": "lmdb", "path": str(empty.settings.root / "out")})
    relative = empty.client.post(url, data={"format": "lmdb", "path": "out"})

    assert [each.status_code for each in (boxes, own, relative)] == [400] * 3
    assert "one class a picture" in boxes.json()["errors"]["format"][0]
    assert "server's own folder" in own.json()["errors"]["path"][0]
    assert "whole path" in relative.json()["errors"]["path"][0]


def test_a_clone_of_a_derived_dataset_begins_with_the_same_records(empty: Serving, dataset: Job) -> None:
    key = keys(dataset, "train")[0]
    changes = json.dumps([{"db": "train", "key": key, "label": None}])
    made = built(
        empty, empty.client.post(f"/datasets/{dataset.id}/relabel.json", data={"changes": changes}).json()["id"]
    )

    page = empty.client.get(f"/datasets/images/classification/new?clone={made.id}")
    answer = empty.client.post(f"/datasets/images/classification.json?clone={made.id}")

    assert page.status_code == 200
    assert f'name="base" value="{dataset.id}"' in page.text
    assert answer.status_code == 200, answer.text
    assert built(empty, answer.json()["id"]).facts["content_hash"] == made.facts["content_hash"]
    assert 'value="derived"' not in empty.client.get("/datasets/images/classification/new").text


def test_a_refused_form_of_the_page_comes_back_with_what_was_typed(
    empty: Serving, dataset: Job, tmp_path: Path
) -> None:
    typed = {"folder_train": str(tmp_path / "nowhere"), "rename": "class 0=tom", "dataset_name": "mine <1>"}
    extend = empty.client.post(f"/datasets/{dataset.id}/extend", data=typed)
    export = empty.client.post(f"/datasets/{dataset.id}/export", data={"format": "lmdb", "path": "here"})

    assert (extend.status_code, export.status_code) == (400, 400)
    form = read(extend.text).one("details", id="derive-new")
    assert "open" in form.attributes
    assert "does not exist" in form.one(role="alert").text
    assert form.one("input", name="folder_train").attributes["value"] == typed["folder_train"]
    assert form.one("input", name="dataset_name").attributes["value"] == "mine <1>"
    assert form.one("textarea").text == "class 0=tom"
    other = read(export.text).one("details", id="derive-export")
    assert "whole path" in other.one(role="alert").text
    assert other.one("input", name="path").attributes["value"] == "here"
    assert "selected" in other.one("option", value="lmdb").attributes
