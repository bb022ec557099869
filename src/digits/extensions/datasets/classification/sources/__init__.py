"""Where the pictures of a classification dataset come from: one folder a source, found by the form's ``method``.

    sources/folder/
      spec.py      FolderSource: the source's fields, a branch of ``ClassificationSpec.source``
      check.py     dbs(source) -> the databases asked for; check(source, settings) -> problems by field, before a job exists
      collect.py   collect(source, writer) -> Inventory: finds every picture; in a worker, and may take long

``check`` runs in the web process: it imports nothing heavy and looks at paths and names alone. ``collect`` raises DataError where the source
as a whole cannot be used; a single file that cannot is refused to the writer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from digits.core.extensions import load

if TYPE_CHECKING:
    from digits.core.settings import Settings
    from digits.data.inventory import Inventory, InventoryWriter


class Source(Protocol):
    """A branch of ``ClassificationSpec.source``."""

    @property
    def method(self) -> Any:
        """The form's ``method``: the name of the source's folder here."""


def dbs(source: Source) -> tuple[str, ...]:
    """Return the databases that are asked for: of "train", "val" and "test"."""
    found: tuple[str, ...] = load(f"{__name__}.{source.method}.check:dbs")(source)
    return found


def check(source: Source, settings: Settings) -> dict[str, list[str]]:
    """Return what is wrong, by the name of the source's field."""
    problems: dict[str, list[str]] = load(f"{__name__}.{source.method}.check:check")(source, settings)
    return problems


def collect(source: Source, writer: InventoryWriter) -> Inventory:
    """Find every picture.

    Raises:
        DataError: the source as a whole cannot be used.
        StoppedError: asked to stop.
    """
    inventory: Inventory = load(f"{__name__}.{source.method}.collect:collect")(source, writer)
    return inventory
