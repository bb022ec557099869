from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from digits.web.archive import CHUNK_BYTES, EXTENSIONS, Member, archive


def unpacked(data: bytes, extension: str) -> dict[str, bytes]:
    """Return the members of an archive as the standard library reads them."""
    if extension == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            assert file.testzip() is None
            return {name: file.read(name) for name in file.namelist()}
    with tarfile.open(fileobj=io.BytesIO(data)) as file:
        found = {}
        for info in file:
            member = file.extractfile(info)
            assert member is not None
            found[info.name] = member.read()
        return found


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_an_archive_holds_every_member_byte_for_byte(tmp_path: Path, extension: str) -> None:
    big = bytes(range(256)) * 4096
    (tmp_path / "big").write_bytes(big)
    (tmp_path / "empty").write_bytes(b"")
    members = [
        Member("labels.txt", b"0\n1\n"), Member("weights.caffemodel", tmp_path / "big"), Member("empty", tmp_path / "empty"),
        Member("block", bytes(512)),
    ]  # fmt: skip

    data = b"".join(archive(members, extension))

    assert unpacked(data, extension) == {
        "labels.txt": b"0\n1\n",
        "weights.caffemodel": big,
        "empty": b"",
        "block": bytes(512),
    }


def test_a_tar_ends_on_a_full_record_as_tools_expect() -> None:
    for size in (0, 1, 511, 512, 9216, 9217):
        assert len(b"".join(archive([Member("x", bytes(size))], "tar"))) % tarfile.RECORDSIZE == 0


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_no_piece_of_a_large_archive_is_larger_than_a_few_chunks(tmp_path: Path, extension: str) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(40 * CHUNK_BYTES)

    sizes = [len(piece) for piece in archive([Member("weights", tmp_path / "sparse")], extension)]

    assert max(sizes) <= 2 * CHUNK_BYTES


def test_a_file_that_grows_while_it_is_sent_keeps_the_size_its_header_says(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a" * (2 * CHUNK_BYTES))
    pieces = archive([Member("log", path), Member("after", b"after")], "tar")

    data = next(pieces)
    with path.open("ab") as file:
        file.write(b"b" * CHUNK_BYTES)
    data += b"".join(pieces)

    assert unpacked(data, "tar") == {"log": b"a" * (2 * CHUNK_BYTES), "after": b"after"}
