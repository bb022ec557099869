"""Folders that lie elsewhere: index pages of web servers, buckets of S3, and what else fsspec reaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from digits.core.errors import DataError
from digits.data.addresses import UrlSettings, is_address

MAX_DEPTH = 16
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".gif", ".webp", ".tif", ".tiff")
"""A file that is called otherwise is not fetched to see what it is."""


@dataclass
class Listing:
    """What one folder holds: addresses by name."""

    folders: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


class Tree(Protocol):
    """Folders that can be listed, and files that can be fetched; used by several threads."""

    def __enter__(self) -> Self:
        """Open it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Close its connections."""

    def list(self, address: str) -> Listing:
        """Return what the folder at ``address`` holds.

        Raises:
            DataError: it cannot be listed.
        """

    def get(self, address: str) -> bytes:
        """Return the file at ``address``.

        Raises:
            DataError: it cannot be fetched.
        """


def is_remote(text: str) -> bool:
    """Whether ``text`` is an address and no path."""
    return "://" in text[:40]


def open_tree(
    address: str, settings: UrlSettings, *, endpoint: str = "", secrets: Mapping[str, str] | None = None
) -> Tree:
    """Return the tree that the folder at ``address`` belongs to; a person typed it.

    Args:
        address: http://host/folder/, s3://bucket/prefix ...
        settings: which hosts may be asked.
        endpoint: the address of a server of S3 that is not Amazon's.
        secrets: "key" and "secret" of S3.

    Raises:
        DataError: it may not be reached, or a library for it is not installed.
    """
    if is_address(address):
        from digits.data.remote.webindex import WebTree

        return WebTree(address, settings)
    from digits.data.remote.buckets import Bucket

    options: dict[str, Any] = {"endpoint": endpoint, "secrets": secrets or {}}
    return Bucket(address, settings, **options)


def files_below(tree: Tree, address: str, depth: int = 0) -> Iterator[tuple[str, str] | DataError]:
    """Yield name and address of every file below a folder, sorted by name; an error for a folder that cannot be listed.

    An error's ``where`` is the folder's address.
    """
    if depth > MAX_DEPTH:
        yield DataError("The folders are nested too deep.", where=address, rule="LINK_LOOP")
        return
    try:
        listing = tree.list(address)
    except DataError as error:
        yield DataError(error.message, where=address, hint=error.hint, rule=error.rule)
        return
    yield from sorted(listing.files.items())
    for _, folder in sorted(listing.folders.items()):
        yield from files_below(tree, folder, depth + 1)
