"""The commands on a real server: what they print, and their exit statuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.cli.running import Running, called, digits, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("served") / "root") as found:
        yield found


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of eight pictures, and a file that is none."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for label, level in (("dark", 40), ("light", 200)):
        (folder / label).mkdir()
        for index in range(8):
            picture = np.clip(rng.normal(level, 20, (30, 40, 3)), 0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / label / f"{index}.png"), picture)
    (folder / "dark" / "notes.txt").write_text("no picture\n")
    return folder


@pytest.fixture(scope="module")
def made(server: Running, pictures: Path) -> dict[str, str]:
    """A dataset made by the command line, and waited for."""
    done = digits(
        "dataset", "create", str(pictures), "--name", "two levels", "--resize-width", "32", "--resize-height", "32", "--wait",
        "--json", root=server.root,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_a_dataset_is_made_of_a_folder_and_waited_for(server: Running, made: dict[str, str]) -> None:
    shown = json.loads(called("dataset", "show", made["id"], "--json", root=server.root).stdout)

    assert (shown["name"], shown["status"]) == ("two levels", "Done")
    assert [task["entries"] for task in shown["CreateDbTasks"]] == [12, 4]


def test_a_unique_prefix_of_an_id_will_do(server: Running, made: dict[str, str]) -> None:
    done = called("dataset", "show", made["id"][:-2], root=server.root)

    assert done.returncode == 0
    assert made["id"] in done.stdout


def test_the_list_has_the_dataset_with_its_state(server: Running, made: dict[str, str]) -> None:
    table = called("dataset", "ls", root=server.root).stdout
    rows = json.loads(called("dataset", "ls", "--json", root=server.root).stdout)

    line = next(line for line in table.splitlines() if made["id"] in line)
    assert "two levels" in line
    assert "Done" in line
    assert [(row["id"], row["status"]) for row in rows if row["id"] == made["id"]] == [(made["id"], "Done")]


def test_records_are_listed_by_page_and_class(server: Running, made: dict[str, str]) -> None:
    done = called("dataset", "explore", made["id"], "--db", "val", "--label", "1", "--json", root=server.root)

    page = json.loads(done.stdout)
    assert page["total"] == 2
    assert {item["label"] for item in page["items"]} == {"light"}


def test_what_was_left_out_is_listed_with_its_reason(server: Running, made: dict[str, str]) -> None:
    rows = json.loads(called("dataset", "refused", made["id"], "--json", root=server.root).stdout)
    table = called("dataset", "refused", made["id"], root=server.root).stdout

    assert [Path(row["path"]).name for row in rows] == ["notes.txt"]
    assert rows[0]["reason"]
    assert "notes.txt" in table


def test_the_log_of_a_job_is_its_workers_words(server: Running, made: dict[str, str]) -> None:
    followed = called("job", "logs", "-f", made["id"], root=server.root)
    events = [
        json.loads(line) for line in called("job", "logs", made["id"], "--json", root=server.root).stdout.splitlines()
    ]

    assert followed.returncode == 0
    assert "parse_folder" in followed.stdout
    assert events[-1]["type"] == "done"


@pytest.mark.slow
def test_a_model_is_trained_looked_at_and_used(server: Running, pictures: Path, tmp_path: Path) -> None:
    grey = called(
        "dataset", "create", str(pictures), "--resize-width", "28", "--resize-height", "28", "--resize-channels", "1", "--wait",
        "--json", root=server.root,
    )  # fmt: skip
    made = called(
        "model", "create", json.loads(grey.stdout)["id"], "--network", "lenet", "--epochs", "2", "--seed", "1", "--wait", "--json",
        root=server.root,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    model = json.loads(made.stdout)["id"]

    shown = json.loads(called("model", "show", model, "--json", root=server.root).stdout)
    curves = json.loads(called("model", "metrics", model, "--json", root=server.root).stdout)["series"]
    saved = called("model", "metrics", model, "--csv", str(tmp_path / "m.csv"), root=server.root)
    picture = str(pictures / "light" / "0.png")
    seen = json.loads(called("model", "classify", model, picture, "--epoch", "best", "--json", root=server.root).stdout)
    listed = called("model", "snapshots", model, root=server.root).stdout
    (tmp_path / "list.txt").write_text("".join(f"{path} 0\n" for path in sorted(pictures.glob("*/*.png"))))
    many = called("model", "classify", model, "--list", str(tmp_path / "list.txt"), root=server.root)
    both = called("model", "classify", model, picture, "--list", str(tmp_path / "list.txt"), root=server.root)
    report = called("model", "report", model, "-o", str(tmp_path / "model.html"), root=server.root)
    alone = called("model", "compare", model, root=server.root)

    assert shown["name"] == "lenet"
    assert shown["snapshots"] == [1, 2]
    (best,) = [line for line in listed.splitlines() if "best" in line]
    assert best.split() == [
        str(shown["best snapshot"]),
        "best:",
        "loss/val",
        f"{shown['best snapshot by']['loss/val']:.4g}",
    ]
    assert {"loss/train", "loss/val", "accuracy/val", "lr"} <= curves.keys()
    assert curves["lr"]["last"][0] == pytest.approx(0.01)
    assert saved.stdout.endswith(f"points in {tmp_path / 'm.csv'}\n")
    assert {label for label, _ in seen[picture]} == {"dark", "light"}
    assert sum(percent for _, percent in seen[picture]) == pytest.approx(100, abs=0.1)
    assert many.stdout.count(str(pictures)) == 16
    assert both.returncode == 2
    assert report.returncode == 0, report.stderr
    assert "data:image/png;base64," in (tmp_path / "model.html").read_text()
    assert (alone.returncode, "Choose 2 to 20" in alone.stderr) == (2, True)


def test_a_folder_that_is_not_there_is_wrong_use_and_names_the_flag(server: Running, tmp_path: Path) -> None:
    done = called("dataset", "create", str(tmp_path / "nowhere"), root=server.root)

    assert done.returncode == 2
    assert done.stderr == f"error: --folder-train: {tmp_path / 'nowhere'} does not exist.\n"


def test_an_unknown_id_is_wrong_use(server: Running) -> None:
    for words in (("job", "abort"), ("dataset", "show"), ("model", "metrics")):
        done = called(*words, "20990101", root=server.root)

        assert done.returncode == 2
        assert done.stderr.startswith("error: No job's id begins with '20990101'.")


def test_an_over_job_cannot_be_aborted_and_can_be_deleted(server: Running, pictures: Path) -> None:
    done = called("dataset", "create", str(pictures), "--wait", "--json", root=server.root)
    job_id = json.loads(done.stdout)["id"]

    aborted = called("job", "abort", job_id, root=server.root)
    deleted = called("job", "delete", job_id, root=server.root)
    gone = called("dataset", "show", job_id, root=server.root)

    assert aborted.returncode == 2
    assert "Job not aborted" in aborted.stderr
    assert (deleted.returncode, deleted.stdout) == (0, "Job deleted.\n")
    assert gone.returncode == 2


def test_the_database_is_rebuilt_while_the_server_runs(server: Running, made: dict[str, str]) -> None:
    done = called("reindex", "--json", root=server.root)

    assert done.returncode == 0
    assert json.loads(done.stdout)["jobs"] >= 1
    assert called("dataset", "show", made["id"], root=server.root).returncode == 0


def test_the_doctor_finds_the_running_server(server: Running) -> None:
    done = called("doctor", "--json", root=server.root)

    found = {each["what"]: each for each in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    assert server.address in found["server"]["found"]
    assert found["root"]["state"] == "ok"
    assert {"GPU", "GPU 0"} & found.keys()


@pytest.mark.slow
def test_a_set_is_downloaded_from_a_folder_as_class_folders(tmp_path: Path) -> None:
    from tests.shared import shared

    done = called(
        "download", "mnist", str(tmp_path / "m"), "--from", str(shared("data", "mnist")), "--json", root=tmp_path
    )
    again = called("download", "mnist", str(tmp_path / "m"), "--from", str(shared("data", "mnist")), root=tmp_path)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["train"] == 60_000
    assert (tmp_path / "m" / "test" / "7" / "00000.png").is_file()
    assert again.returncode == 1
    assert "is there already. -c deletes it first." in again.stderr


def test_wrong_words_are_wrong_use() -> None:
    done = called("dataset", "destroy", root=Path("/nonexistent"))

    assert done.returncode == 2
    assert "No such command 'destroy'" in done.stderr


def test_the_priority_of_a_job_that_is_over_is_not_changed(server: Running, made: dict[str, str]) -> None:
    done = called("job", "priority", made["id"], "-5", root=server.root)

    assert done.returncode == 2
    assert "Priority not changed. The job is Done already." in done.stderr


def test_what_a_path_holds_is_shown_before_a_dataset_is_made_of_it(server: Running, pictures: Path) -> None:
    table = called("dataset", "inspect", str(pictures), root=server.root)
    found = json.loads(called("dataset", "inspect", str(pictures), "--json", root=server.root).stdout)

    assert table.returncode == 0, table.stderr
    assert table.stdout.startswith("A folder with one sub-folder for each class: 16 pictures in 2 classes\n")
    assert "IMG_NOT_A_PICTURE" in table.stdout
    assert "Looking at" in table.stderr
    assert (found["count"], found["refused_count"]) == (16, 1)
    assert [(each["label"], each["count"]) for each in found["classes"]] == [("dark", 8), ("light", 8)]


def test_an_archive_is_recognised_and_one_that_is_sent_makes_the_same_dataset(
    server: Running, pictures: Path, tmp_path: Path
) -> None:
    archive = shutil.make_archive(str(tmp_path / "lights"), "zip", pictures)
    sizes = ("--resize-width", "8", "--resize-height", "8", "--json")

    seen = called("dataset", "create", archive, *sizes, root=server.root)
    sent = called("dataset", "create", archive, "--upload", "--wait", *sizes, root=server.root)

    assert (seen.returncode, sent.returncode) == (0, 0), seen.stderr + sent.stderr
    assert "Sending lights.zip" in sent.stderr
    shown = json.loads(called("dataset", "show", json.loads(sent.stdout)["id"], "--json", root=server.root).stdout)
    assert (shown["name"], shown["ParseFolderTasks"][0]["train_count"]) == ("lights", 12)


@pytest.mark.slow
def test_a_dataset_is_relabelled_extended_exported_and_verified(
    server: Running, made: dict[str, str], pictures: Path, tmp_path: Path
) -> None:
    records = json.loads(called("dataset", "explore", made["id"], "--json", root=server.root).stdout)["items"]
    (tmp_path / "changes.csv").write_text(f"db,key,label\ntrain,{records[0]['key']},\n")

    relabelled = called(
        "dataset", "relabel", made["id"], str(tmp_path / "changes.csv"), "--wait", "--json", root=server.root
    )
    extended = called("dataset", "extend", made["id"], str(pictures), "--wait", "--json", root=server.root)
    out = tmp_path / "out"
    exported = called("dataset", "export", made["id"], "--format", "imagefolder", "-o", str(out), root=server.root)
    boxes = called("dataset", "export", made["id"], "--format", "coco", "-o", str(tmp_path / "o"), root=server.root)
    whole = called("dataset", "verify", made["id"], "--json", root=server.root)

    shown = [json.loads(called("dataset", "show", each, "--json", root=server.root).stdout)
             for each in (made["id"], json.loads(relabelled.stdout)["id"], json.loads(extended.stdout)["id"])]  # fmt: skip
    first, fewer, more = ([task["entries"] for task in each["CreateDbTasks"]] for each in shown)
    assert fewer == [first[0] - 1, *first[1:]]
    assert sum(more) == 2 * sum(first)
    assert len({each["content_hash"] for each in shown}) == 3
    assert exported.returncode == 0, exported.stderr
    assert len(list(out.rglob("*.png"))) == sum(first)
    assert boxes.returncode == 2
    assert "one class a picture" in boxes.stderr
    assert whole.returncode == 0
    assert json.loads(whole.stdout)["damaged"] == []
