from __future__ import annotations

import io
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digits.core.errors import NotFoundError
from digits.core.jobfolder import JobFolder
from digits.data import browse
from digits.data.createdb import Encoding, Items, PictureForm, create_db
from digits.data.encode import encode_png
from digits.data.refused import RefusedWriter

COUNT = 60


def database(folder: Path, encoding: Encoding = "png", channels: int = 3) -> tuple[JobFolder, np.ndarray]:
    """A database whose picture i has class i % 3, and the pictures."""
    pixels = np.random.default_rng(1).integers(0, 256, (COUNT, 5, 7, channels), dtype=np.uint8)
    (folder / "in").mkdir(parents=True)
    for index in range(COUNT):
        (folder / "in" / f"Pic{index:02d}.png").write_bytes(encode_png(pixels[index]))
    refused = RefusedWriter(folder / "refused.csv")
    items = Items(
        lambda index: bytes(folder / "in" / f"Pic{index:02d}.png"), lambda index: index % 3, np.arange(COUNT), 3
    )
    create_db(
        folder, "val", items, PictureForm(5, 7, channels, "squash", encoding, 0), num_threads=2,
        progress=lambda **told: None, stop=lambda: False, refused=refused,
    )  # fmt: skip
    refused.close()
    return JobFolder(folder), pixels


def test_pages_go_through_the_database_in_the_order_of_its_keys(tmp_path: Path) -> None:
    folder, _ = database(tmp_path)

    pages = [browse.page(folder, "val", page=number, size=25) for number in range(4)]

    assert [len(page.items) for page in pages] == [25, 25, 10, 0]
    assert [item.key for page in pages for item in page.items] == [f"{i:08d}_{i % 3}" for i in range(COUNT)]
    assert pages[1].items[0] == browse.Item("00000025_1", 1, str(tmp_path / "in" / "Pic25.png"))
    assert pages[3].total == COUNT


def test_a_page_can_show_one_class_or_what_a_search_finds_or_both(tmp_path: Path) -> None:
    folder, _ = database(tmp_path)

    of_class = browse.page(folder, "val", label=2, size=10, page=1)
    found = browse.page(folder, "val", search="pic1")
    both = browse.page(folder, "val", search="pic1", label=2)

    assert (of_class.total, of_class.items[0].key) == (20, "00000032_2")
    assert [item.path[-9:-4] for item in found.items] == [f"Pic1{i}" for i in range(10)]
    assert [item.key for item in both.items] == ["00000011_2", "00000014_2", "00000017_2"]
    assert browse.page(folder, "val", search="nowhere").total == browse.page(folder, "val", label=9).total == 0


@pytest.mark.parametrize("encoding", ["png", "none"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_handed_out_with_its_pixels(tmp_path: Path, encoding: Encoding, channels: int) -> None:
    folder, pixels = database(tmp_path, encoding, channels)

    data, kind = browse.picture(folder, "val", "00000031_1")

    assert kind == "image/png"
    assert (np.asarray(Image.open(io.BytesIO(data))).reshape(5, 7, channels) == pixels[31]).all()


def test_a_jpeg_is_handed_out_as_it_is_stored(tmp_path: Path) -> None:
    folder, _ = database(tmp_path, "jpg")

    data, kind = browse.picture(folder, "val", "00000031_1")

    assert kind == "image/jpeg"
    assert Image.open(io.BytesIO(data)).size == (7, 5)


def test_many_threads_may_ask_for_pictures_at_once(tmp_path: Path) -> None:
    folder, _ = database(tmp_path)
    expected = [browse.picture(folder, "val", f"{i:08d}_{i % 3}") for i in range(COUNT)]
    right: list[bool] = []

    def work() -> None:
        right.extend(browse.picture(folder, "val", f"{i:08d}_{i % 3}") == expected[i] for i in range(COUNT))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(right) == 6 * COUNT
    assert all(right)


def test_a_record_is_told_by_its_key(tmp_path: Path) -> None:
    folder, _ = database(tmp_path)

    assert browse.item(folder, "val", "00000007_1").path.endswith("Pic07.png")


@pytest.mark.parametrize("key", ["", "0", "00000031_2", "00000099_0", "../../etc/passwd", "00000031_1\n", "٠٠٠٠٠٠٣١_1"])
def test_a_key_that_is_none_is_not_found(tmp_path: Path, key: str) -> None:
    folder, _ = database(tmp_path)

    with pytest.raises(NotFoundError):
        browse.picture(folder, "val", key)
    with pytest.raises(NotFoundError):
        browse.item(folder, "val", key)


@pytest.mark.parametrize("db", ["train", "", "..", "val/../val", "VAL", "val_db"])
def test_a_database_that_is_none_is_not_found(tmp_path: Path, db: str) -> None:
    folder, _ = database(tmp_path)

    with pytest.raises(NotFoundError):
        browse.page(folder, db)
    with pytest.raises(NotFoundError):
        browse.picture(folder, db, "00000031_1")


def test_browsing_loads_no_decoder_and_no_torch(tmp_path: Path) -> None:
    database(tmp_path, "none")
    code = (
        "import sys; from pathlib import Path; from digits.core.jobfolder import JobFolder; from digits.data import browse\n"
        f"folder = JobFolder(Path({str(tmp_path)!r}))\n"
        "item = browse.page(folder, 'val').items[0]; browse.picture(folder, 'val', item.key)\n"
        "print([name for name in ('torch', 'cv2', 'PIL', 'simplejpeg', 'google.protobuf') if name in sys.modules])"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
