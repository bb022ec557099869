"""Writes the corpus as a folder of class folders, a list of it, and archives of it: ``python -m tests.corpus.make FOLDER``."""

from __future__ import annotations

import io
import os
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from tests.corpus.bombs import BOMBS
from tests.corpus.cases import Case
from tests.corpus.names import NAMES, in_a_zip, text
from tests.corpus.pictures import ACCEPTED, BROKEN
from tests.data.corpus import picture

CLASSES = (b"cat", b"dog")
CASES = (*ACCEPTED, *BROKEN, *BOMBS)


def members() -> dict[bytes, tuple[Case, bytes]]:
    """Every file by its path below the corpus, with its case and its bytes; half of them in each class."""
    named = [
        (b"%03d %b" % (number, case.title.replace("/", " of ").encode()), case) for number, case in enumerate(CASES)
    ]
    named += [(name, Case(repr(name), lambda: picture("PNG"))) for name in NAMES]
    return {
        b"%b/%b" % (CLASSES[number % len(CLASSES)], name): (case, case.make())
        for number, (name, case) in enumerate(named)
    }


def write_folder(root: Path, files: dict[bytes, tuple[Case, bytes]]) -> dict[bytes, str]:
    """Write the files below ``root``, and beside them links and other things; return the rules of those by their paths."""
    for name in CLASSES:
        (root / text(name)).mkdir(parents=True)
    for path, (_, data) in files.items():
        (root / text(path)).write_bytes(data)
    outside = root.parent / "outside"
    (outside / "folder").mkdir(parents=True)
    (outside / "picture.png").write_bytes(picture("PNG"))
    cat = root / "cat"
    (cat / "deep" / "er").mkdir(parents=True)
    (cat / "deep" / "er" / "picture.png").write_bytes(picture("PNG"))
    (root / "empty class").mkdir()
    (root / ".hidden class").mkdir()
    (root / "readme.txt").write_text("beside the classes: passed over")
    (cat / "link to a picture").symlink_to(cat / "deep" / "er" / "picture.png")
    (cat / "link to nowhere").symlink_to(cat / "absent")
    (cat / "link to itself").symlink_to(cat / "link to itself")
    (cat / "link to the class").symlink_to(cat)
    (cat / "link to a picture outside").symlink_to(outside / "picture.png")
    (cat / "link to a folder outside").symlink_to(outside / "folder")
    (root / "class outside").symlink_to(outside / "folder")
    os.mkfifo(cat / "pipe")
    (cat / ".DS_Store").write_bytes(b"\0\0\0\1Bud1" + bytes(60))
    (cat / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    return {
        b"cat/deep/er/picture.png": "", b"cat/link to a picture": "", b"cat/link to nowhere": "LINK_BROKEN",
        b"cat/link to itself": "IMG_UNREADABLE", b"cat/link to the class": "LINK_LOOP",
        b"cat/link to a picture outside": "LINK_OUTSIDE", b"cat/link to a folder outside": "LINK_OUTSIDE",
        b"class outside": "LINK_OUTSIDE", b"cat/pipe": "IMG_NOT_A_PICTURE", b"cat/.DS_Store": "IMG_NOT_A_PICTURE",
        b"cat/Thumbs.db": "IMG_NOT_A_PICTURE",
    }  # fmt: skip


def write_tar(path: Path, files: dict[bytes, tuple[Case, bytes]]) -> dict[bytes, str]:
    """Write the files into a tar, with links, a device and names that lead out; return the rules of those by their names."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, (_, data) in files.items():
            archive.addfile(_info(text(name), len(data)), io.BytesIO(data))
        for special, kind in (("link", tarfile.SYMTYPE), ("hard link", tarfile.LNKTYPE), ("pipe", tarfile.FIFOTYPE),
                              ("device", tarfile.CHRTYPE)):  # fmt: skip
            info = _info(f"cat/{special}", 0)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        for odd in ("../../out.png", "cat/../../out.png", "/cat/absolute.png", "beside.png"):
            data = picture("PNG")
            archive.addfile(_info(odd, len(data)), io.BytesIO(data))
    return {
        b"cat/link": "ARCHIVE_LINK", b"cat/hard link": "ARCHIVE_LINK", b"cat/pipe": "IMG_NOT_A_PICTURE",
        b"cat/device": "IMG_NOT_A_PICTURE", b"../../out.png": "ARCHIVE_PATH", b"cat/../../out.png": "ARCHIVE_PATH",
        b"/cat/absolute.png": "", b"beside.png": "NO_CLASS", b"cat/.hidden.png": "HIDDEN",
    }  # fmt: skip


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    return info


def write_zip(path: Path, files: dict[bytes, tuple[Case, bytes]]) -> dict[bytes, str]:
    """Write those that a zip can name into one, packed; return the rules of what else is in it by name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (_, data) in files.items():
            if in_a_zip(name):
                archive.writestr(name.decode(), data)
        archive.writestr("dog/zeros.png", bytes(20_000_000), zipfile.ZIP_DEFLATED, 9)
        archive.writestr("__MACOSX/dog/._1.png", b"x")
    return {
        b"dog/zeros.png": "ARCHIVE_BOMB", b"__MACOSX/dog/._1.png": "IMG_NOT_A_PICTURE", b"cat/.hidden.png": "HIDDEN",
    }  # fmt: skip


def write_list(path: Path, lines: Iterable[tuple[bytes, int]]) -> None:
    """Write ``path label`` lines."""
    path.write_bytes(b"".join(b"%b %d\n" % line for line in lines))


if __name__ == "__main__":
    print(f"{len(write_folder(Path(sys.argv[1]), made := members())) + len(made)} files")
