"""Where the pictures of a classification dataset come from: one folder a source, found by the form's ``method``.

    sources/folder/
      spec.py      FolderSource: the source's fields, a branch of ``ClassificationSpec.source``
      check.py     dbs(source) -> the databases asked for; check(source, settings) -> problems by field, before a job exists
                   check_further(source, settings) -> the same where one class is enough; only where ``check`` counts classes
                   recognise(path) -> the source's fields, where what lies at a path is one; None where it is not
                   WORDS: what such a source is, in a few words; and the same with "{dbs}" where it fills databases by itself
      collect.py   collect(source, writer) -> Inventory: finds every picture; in a worker, and may take long

``check`` runs in the web process: it imports nothing heavy and looks at paths and names alone. ``collect`` raises DataError where the source
as a whole cannot be used; a single file that cannot is refused to the writer.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from digits.core.errors import DataError
from digits.core.extensions import load
from digits.data.rules import DBS, PARSE_TASK
from digits.extensions.datasets.classification.sources.derived.check import base_dbs

if TYPE_CHECKING:
    from digits.core.settings import Settings
    from digits.data.inventory import Inventory, InventoryWriter
    from digits.extensions.datasets.classification.sources.derived.spec import Base


RECOGNISED = ("webdataset", "huggingface", "archive", "folder", "manifest", "textfile")
"""Sources that are told by what lies at a path, the most particular first."""


class Source(Protocol):
    """A branch of ``ClassificationSpec.source``."""

    @property
    def method(self) -> Any:
        """The form's ``method``: the name of the source's folder here."""


def dbs(source: Source) -> tuple[str, ...]:
    """Return the databases that are asked for: of "train", "val" and "test"."""
    found: tuple[str, ...] = load(f"{__name__}.{source.method}.check:dbs")(source)
    return found


def wanted(base: Base, source: Source) -> tuple[str, ...]:
    """Return the databases of a dataset: those that its base brings, and those that its source asks for."""
    found = {*base_dbs(base), *dbs(source)}
    return tuple(db for db in DBS if db in found)


def parsing(base: Base, source: Source) -> dict[str, tuple[str, ...]]:
    """Return the tasks that find the pictures, each with its databases: as DIGITS has them, one for each folder of the source."""
    found = wanted(base, source)
    apart = [db for db in found if not base.ids and getattr(source, f"has_{db}_folder", False)]
    own = {PARSE_TASK: tuple(db for db in found if db not in apart)}
    return own | {f"parse_{db}_folder": (db,) for db in apart}


def check(source: Source, settings: Settings, *, least_classes: int = 2) -> dict[str, list[str]]:
    """Return what is wrong, by the name of the source's field; a source that goes beside others' records may have one class."""
    module = import_module(f"{__name__}.{source.method}.check")
    further = getattr(module, "check_further", None) if least_classes < 2 else None
    problems: dict[str, list[str]] = (further or module.check)(source, settings)
    return problems


def collect(source: Source, writer: InventoryWriter) -> Inventory:
    """Find every picture.

    Raises:
        DataError: the source as a whole cannot be used.
        StoppedError: asked to stop.
    """
    inventory: Inventory = load(f"{__name__}.{source.method}.collect:collect")(source, writer)
    return inventory


def words(source: Source, decided: Iterable[str]) -> str:
    """Return what a source is, for people: ``WORDS`` of its check, two sentences, of which the second names databases.

    Args:
        source: the source.
        decided: the databases that it fills by itself; those that its fields ask for by name are added.
    """
    plain, split = load(f"{__name__}.{source.method}.check:WORDS")
    own = {db for db in DBS if getattr(source, f"has_{db}_folder", False) or getattr(source, f"use_{db}", False)}
    found = {*own, *decided}
    if not found:
        return str(plain)
    *first, last = [db for db in DBS if db in found | {"train"}]
    return str(split).format(dbs=f"{', '.join(first)} and {last}" if first else last)


def recognise(path: Path) -> dict[str, Any]:
    """Return the fields of the source that lies at ``path``, "method" among them.

    Raises:
        DataError: it is none that is known.
        OSError: it cannot be read.
    """
    path.stat()
    for method in RECOGNISED:
        fields: dict[str, Any] | None = load(f"{__name__}.{method}.check:recognise")(path)
        if fields is not None:
            return {"method": method, **fields}
    raise DataError(
        "This is no folder of class folders, no archive of them, and no list of pictures.",
        where=str(path),
        hint="Name the folder that holds one sub-folder for each class.",
        rule="SOURCE_UNKNOWN",
    )
