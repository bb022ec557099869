from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import pytest

from digits.core.errors import DataError
from digits.core.settings import Settings
from digits.core.work import WorkerSettings
from digits.data.refused import read_refused
from digits.data.remote.webindex import listing
from digits.extensions.datasets.classification.check import check
from digits.extensions.datasets.classification.inspect import inspect_source
from tests.extensions.datasets.classification.folders import Built, draw, draw_classes, spec_of

OUTSIDE = WorkerSettings(is_loopback=False, num_threads=2)


class Quiet(SimpleHTTPRequestHandler):
    """Python's own file server, which makes index pages."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder of pictures, and its address on a web server."""
    root = tmp_path_factory.mktemp("served")
    draw_classes(root / "train", {"big_cat": 6, "dog & co": 6})
    draw_classes(root / "val", {"dog & co": 2})
    draw(root / "train" / "big_cat" / "deeper" / "ä #1?.png", 77)
    (root / "train" / "big_cat" / "notes.txt").write_text("hello")
    (root / "train" / "big_cat" / "page.jpg").write_text("<html>hello")
    (root / "train" / ".hidden").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root)))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield root, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_the_index_pages_of_a_web_server_are_class_folders(tmp_path: Path, served: tuple[Path, str]) -> None:
    _, address = served
    source = {
        "train": f"{address}/train",
        "pct_val": 0,
        "has_val_folder": True,
        "val": f"{address}/val/",
        "val_min_per_class": 1,
    }
    spec = spec_of(source)

    assert check(spec, Settings()) == {}
    built = Built(tmp_path / "job", spec)

    assert built.facts["labels"] == ["big cat", "dog & co"]
    assert {db: facts["class_counts"] for db, facts in built.facts["dbs"].items()} == {"train": [7, 6], "val": [0, 2]}
    rows = {row.path.rpartition("/")[2]: row.rule for row in read_refused(built.path / "refused.csv")}
    assert rows == {"notes.txt": "IMG_NOT_A_PICTURE", "page.jpg": "IMG_NOT_A_PICTURE"}
    assert f"{address}/train/big_cat/deeper/%C3%A4%20%231%3F.png 0" in built.lines("train.txt")


def test_records_of_fetched_pictures_are_those_of_the_folder_itself(tmp_path: Path, served: tuple[Path, str]) -> None:
    root, address = served
    near = Built(tmp_path / "near", spec_of({"train": str(root / "train"), "pct_val": 0}))
    far = Built(tmp_path / "far", spec_of({"train": f"{address}/train/", "pct_val": 0}))

    mean = "mean.binaryproto"
    assert (near.path / mean).read_bytes() == (far.path / mean).read_bytes()


def test_a_look_fetches_the_first_pictures_of_each_class_alone(
    served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, address = served
    monkeypatch.setattr("digits.data.gather.LOOKED_AT", 2)

    told, _ = inspect_source(path=f"{address}/train/")

    assert (told["format"], told["source"]["train"]) == ("folder", f"{address}/train/")
    assert [(each["label"], each["count"]) for each in told["classes"]] == [("big cat", 8), ("dog & co", 6)]
    assert told["refused_count"] == 1
    pictures = list((served[0] / "train").rglob("*.png"))
    sizes = [path.stat().st_size for path in pictures]
    assert told["fetch"]["count"] == len(pictures) + 1, "and the web page that is called .jpg"
    assert min(sizes) * 10 < told["fetch"]["bytes"] < max(sizes) * 16
    assert told["fetch"]["seconds"] > 0, "those that were left take time, too"
    assert told["unpacked_bytes"] == 0


def test_the_form_says_why_an_address_cannot_be_used(served: tuple[Path, str]) -> None:
    _, address = served

    def said(train: str, settings: Settings | None = None) -> str:
        return check(spec_of({"train": train}), settings or Settings()).get("source.train", [""])[0]

    assert "answered 404" in said(f"{address}/none/")
    assert "has no links to sub-folders" in said(f"{address}/train/dog%20&%20co/")
    assert "could not be fetched" in said("http://127.0.0.1:1/")
    assert "url_hosts" in said(f"{address}/train/", Settings(host="0.0.0.0", trust_network=True))
    assert "must not hold a name or password" in said("http://me:secret@127.0.0.1/")
    assert "metadata" in said("http://169.254.169.254/latest/")
    for text in (
        "file:///etc",
        "ftp://host/in",
        "git:///srv/x",
        "simplecache::s3://bucket/x",
        "zip://a.zip::s3://b/c",
        "nonsense://x",
    ):
        assert "is not read" in said(text), text


@pytest.mark.parametrize(
    ("protocol", "library", "package"),
    [("sftp", "paramiko", "paramiko"), ("gs", "gcsfs", "gcsfs"), ("s3", "s3fs", "opendigits[s3]")],
)
def test_the_form_names_the_package_that_a_store_needs(
    protocol: str, library: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = find_spec
    monkeypatch.setattr("digits.data.remote.buckets.find_spec", lambda name: None if name == library else there(name))

    (said,) = check(spec_of({"train": f"{protocol}://host/pictures"}), Settings())["source.train"]

    assert "need a library that is not installed" in said
    assert f"'{package}'" in said


def test_a_server_for_others_fetches_no_folder_either(tmp_path: Path, served: tuple[Path, str]) -> None:
    _, address = served

    with pytest.raises(DataError, match="url_hosts"):
        Built(tmp_path / "job", spec_of({"train": f"{address}/train/"}), settings=OUTSIDE)


def test_links_of_index_pages_lead_directly_below_the_folder_or_nowhere() -> None:
    apache = [
        "?C=N;O=D",
        "/data/",
        "cat/",
        "two%20words/",
        "a.png",
        "a%2Fb.png",
        "deep/er/",
        "../",
        ".",
        "cat/?C=M;O=A",
    ]
    away = [
        "http://elsewhere.example/data/set/x/",
        "javascript:alert(1)",
        "mailto:a@b.c",
        "//h.example/x/",
        "http://[",
        "%2e%2e/",
    ]
    found = listing("http://h.example/data/set/", [*apache, *away, "http://h.example/data/set/dog/"])

    root = "http://h.example/data/set/"
    assert found.folders == {"cat": f"{root}cat/", "two words": f"{root}two%20words/", "dog": f"{root}dog/"}
    assert found.files == {"a.png": f"{root}a.png"}
    assert listing("http://h.example/data/index.html", ["cat/"]).folders == {"cat": "http://h.example/data/cat/"}
    assert listing("http://h.example", ["cat/"]).folders == {"cat": "http://h.example/cat/"}
