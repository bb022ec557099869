"""What is said, before a job exists, of the datasets that a new one begins with. It runs in the web process."""

from __future__ import annotations

from pathlib import Path

from digits.core.settings import Settings
from digits.extensions.datasets.classification.sources.derived.spec import Base, DerivedSource, split

WORDS = ("Other datasets", "Other datasets with {dbs}")


def dbs(source: DerivedSource) -> tuple[str, ...]:
    """Return the databases that the source itself fills: none."""
    del source
    return ()


def check(source: DerivedSource, settings: Settings) -> dict[str, list[str]]:
    """Return the problems by field: there is nothing that could be wrong."""
    del source, settings
    return {}


def recognise(path: Path) -> None:
    """Tell that no dataset is recognised by a path."""
    del path


def base_dbs(base: Base) -> tuple[str, ...]:
    """Return the databases that ``base`` fills."""
    return tuple(split(base.dbs))


def base_problems(base: Base) -> dict[str, list[str]]:
    """Return what is wrong with ``base``, by its fields."""
    if base.ids and not base.dbs:
        return {"dbs": ["Say which databases the datasets have: train,val,test or a part of these."]}
    if base.changes and not base.ids:
        return {"ids": ["Say which dataset is changed."]}
    return {}
