"""Fetches the pictures of a bucket."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath

from digits.core.errors import DataError
from digits.core.files import write_bytes
from digits.core.secretfiles import read_secrets
from digits.data.gather import Gatherer
from digits.data.inventory import Inventory, InventoryWriter
from digits.data.remote import open_tree
from digits.data.rules import UNDECIDED
from digits.extensions.datasets.classification.sources.s3.spec import S3Source
from digits.extensions.datasets.classification.sources.shares import rules
from digits.extensions.datasets.classification.sources.trees import FolderClasses, take_tree

COPIES = "copies"


def collect(source: S3Source, writer: InventoryWriter) -> Inventory:
    """List the bucket, and fetch.

    Raises:
        DataError: it cannot be listed.
        StoppedError: asked to stop.
    """
    classes, root = FolderClasses(), source.address
    tree = open_tree(root, writer.settings, endpoint=source.endpoint_url, secrets=_keys(source, writer))
    with tree, Gatherer(writer) as gatherer:
        get = partial(_kept, tree.get, root, writer.folder / COPIES) if source.keepcopiesondisk else tree.get
        take_tree(tree, root, db=UNDECIDED, classes=classes, gatherer=gatherer, get=get)
        read = gatherer.finish()
    return writer.finish(
        labels=classes.labels, read=read, rules=rules(source, source.pct_val, source.pct_test), origin=root
    )


def _keys(source: S3Source, writer: InventoryWriter) -> dict[str, str]:
    """Return the keys: of a look they come with the question, of a job they lie apart."""
    kept: dict[str, str] = {}
    if writer.settings.secrets and not writer.is_look:
        kept = read_secrets(Path(writer.settings.secrets), writer.folder.name)
    names = {"key": "accesskey", "secret": "secretkey"}
    return {name: getattr(source, field) or kept.get(f"source.{field}", "") for name, field in names.items()}


def _kept(get: Callable[[str], bytes], root: str, copies: Path, address: str) -> bytes:
    """Fetch a file, and keep a copy under its own name; one that leads elsewhere is fetched alone."""
    data = get(address)
    parts = PurePosixPath(address.removeprefix(root).lstrip("/")).parts
    if ".." not in parts:
        place = copies.joinpath(*parts)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(place, data)
        except (OSError, ValueError) as error:
            raise DataError(f"Its copy cannot be written: {error}.", rule="COPY_FAILED") from error
    return data
