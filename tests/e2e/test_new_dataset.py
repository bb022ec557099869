"""The form of a new dataset in a real browser: lists, archives, dropped folders, mistakes, and a connection that breaks."""

from __future__ import annotations

import base64
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.conftest import watched
from tests.extensions.datasets.classification.folders import draw_classes

NEW = "/datasets/images/classification/new"
LONG = "a picture whose name is longer than any header of an old archive can hold " + "and " * 12 + "more.png"
REFUSED = ("status of 400",)
BROKEN = ("ERR_FAILED", "ERR_CONNECTION")
PIECE = 8 << 20


@contextmanager
def form(browser: Browser, server: str, *, expected: tuple[str, ...] = ()) -> Iterator[Page]:
    """Open the form, and delete what was made with it."""
    with watched(browser, server, user="ana", expected=expected) as watch:
        watch.page.goto(NEW)
        yield watch.page
        for row in watch.page.request.get("/completed_jobs.json").json()["datasets"]:
            watch.page.request.delete(f"/datasets/{row['id']}", headers={"Origin": server})


def create(page: Page, name: str) -> None:
    """Press Create, and wait for the dataset."""
    page.get_by_label("Dataset Name").fill(name)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.locator("#job-head .state")).to_have_text("Done", timeout=40_000)


@pytest.mark.slow
def test_lists_are_sent_and_looked_at_and_stay_chosen_when_another_field_is_wrong(
    browser: Browser, server: str, tmp_path: Path
) -> None:
    for db, count in {"train": 6, "val": 2}.items():
        root = draw_classes(tmp_path / db, {"cat": count, "dog": count})
        lines = [
            f"{path} {label}" for label, name in enumerate(("cat", "dog")) for path in sorted((root / name).iterdir())
        ]
        (tmp_path / f"{db}.txt").write_text("\n".join(lines))
    (tmp_path / "labels.txt").write_text("Cat\nDog\n")

    with form(browser, server, expected=REFUSED) as page:
        page.get_by_role("radio", name="Use Text Files").check()
        page.locator("#textfile_train_images").set_input_files(tmp_path / "train.txt")
        page.locator("#textfile_val_images").set_input_files(tmp_path / "val.txt")
        expect(page.locator("#holds")).to_contain_text("Choose the lists and the names of the classes")
        page.locator("#textfile_labels_file").set_input_files(tmp_path / "labels.txt")
        expect(page.locator("#holds")).to_contain_text("Lists of pictures for train and val", timeout=40_000)
        expect(page.locator("#holds .figure").first).to_have_text("16pictures")
        expect(page.locator("#holds .sample-rows img")).to_have_count(8)
        expect(page.locator("#makes")).to_contain_text("12 pictures")
        expect(page.locator("#makes")).to_contain_text("Time")

        page.get_by_label("Width, px").fill("x")
        page.get_by_role("button", name="Create").click()
        expect(page.locator("div.alert-danger")).to_contain_text("Width")
        expect(page.get_by_role("radio", name="Use Text Files")).to_be_checked()
        expect(page.locator('[data-file="textfile_train_images"]')).to_contain_text("train.txt")

        page.get_by_label("Width, px").fill("8")
        create(page, "Sent lists")
        expect(page.locator("#tasks")).to_contain_text("Read Lists (train/val)")


def drop(page: Page, path: Path) -> None:
    """Drop a file or folder on the page, as the system's file manager does."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 700, "y": 600, "data": data})


@pytest.mark.slow
def test_a_dropped_folder_goes_up_as_one_archive_and_becomes_a_dataset(
    browser: Browser, server: str, tmp_path: Path
) -> None:
    root = draw_classes(tmp_path / "zoo", {"кошка": 5, "dog": 4})
    (root / "dog" / "0000.png").rename(root / "dog" / LONG)
    (root / "dog" / ".DS_Store").write_bytes(b"\0" * 10)

    with form(browser, server) as page:
        drop(page, root)
        expect(page.locator('[data-file="archive_file"]')).to_contain_text("zoo.tar")
        expect(page.locator("#holds")).to_contain_text("An archive with one folder for each class", timeout=40_000)
        expect(page.locator("#holds .class-bars")).to_contain_text("кошка")
        expect(page.locator("#holds .figure").first).to_have_text("9pictures")
        expect(page.locator("#holds")).to_contain_text("Refused files (1)")

        create(page, "Dropped folder")
        expect(page.locator("#refused")).to_contain_text(".DS_Store")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with train and val folders, and so much else that it goes up in two pieces."""
    folder = tmp_path_factory.mktemp("archive")
    draw_classes(folder / "set" / "train", {"cat": 4, "dog": 4})
    draw_classes(folder / "set" / "val", {"cat": 2, "dog": 2})
    (folder / "set" / "train" / "cat" / "film.bin").write_bytes(bytes(range(256)) * (PIECE // 256))
    with tarfile.open(folder / "set.tar", "w") as tar:
        tar.add(folder / "set", "set")
    return folder / "set.tar"


@pytest.mark.slow
def test_an_upload_goes_on_after_a_broken_connection(browser: Browser, server: str, archive: Path) -> None:
    offsets: list[str] = []

    def break_the_second(route: Route) -> None:
        offsets.append(route.request.url.partition("offset=")[2])
        if len(offsets) == 2:
            route.abort()
        else:
            route.continue_()

    with form(browser, server, expected=BROKEN) as page:
        page.route("**/uploads/*?offset=*", break_the_second)
        drop(page, archive)
        expect(page.locator("#holds")).to_contain_text("An archive with train and val folders", timeout=40_000)

        expect(page.locator("#holds .figure").first).to_have_text("12pictures")
        expect(page.locator("#makes")).to_contain_text("4 pictures")
        assert offsets == ["0", str(PIECE), str(PIECE)]
        upload = page.locator('[name="archive_upload"]').input_value()
        state = page.request.get(f"/uploads/{upload}").json()
        assert (state["complete"], state["offset"]) == (True, archive.stat().st_size)


def test_what_lies_at_a_path_is_said_and_its_fields_filled_in(browser: Browser, server: str, archive: Path) -> None:
    with form(browser, server) as page:
        page.get_by_label("Training Images").fill(str(archive))
        expect(page.locator("#holds")).to_contain_text("An archive with train and val folders", timeout=40_000)

        page.get_by_role("button", name="Fill in the fields for it").click()

        expect(page.get_by_role("radio", name="Upload an Archive")).to_be_checked()
        expect(page.get_by_label("Archive on the server")).to_have_value(str(archive))
        expect(page.locator("#folder_pct_val")).to_be_hidden()  # the archive has its own
        expect(page.locator("#folder_pct_test")).to_be_visible()
        expect(page.get_by_role("button", name="Fill in the fields for it")).to_have_count(0)


TAR = """async ([entries, cuts]) => {
  const { Tar } = await import("/static/js/tar.js");
  const tar = new Tar(entries.map(([path, text]) => ({ path, file: new File([text], "x", { lastModified: 1e12 }) })), "x.tar");
  const parts = cuts.map((start, index) => tar.slice(start, cuts[index + 1] ?? tar.size));
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return [btoa(text), tar.size];
}"""


def test_an_archive_made_in_the_browser_reads_as_any_other_whatever_its_slices(browser: Browser, server: str) -> None:
    names = ["cat/1.png", "кошка/2.png", "d" * 99 + "/" + "e" * 150 + ".png", "x" * 100, "x" * 101, "empty"]
    entries = [(name, "" if name == "empty" else name * number) for number, name in enumerate(names, start=1)]

    with watched(browser, server, user="ana") as watch:
        watch.page.goto("/login")
        encoded, size = watch.page.evaluate(TAR, [entries, [0, 1, 511, 512, 700, 1024, 1500, 3000, 3001, 5000]])

    data = base64.b64decode(encoded)
    assert len(data) == size
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = [(each.name, tar.extractfile(each).read().decode()) for each in tar]  # type: ignore[union-attr]  # all are files
        assert members == entries
        assert {each.mtime for each in tar} == {1_000_000_000}
