"""What is said of shards before a job exists. It runs in the web process, and lists names alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from digits.core.errors import DataError
from digits.core.settings import Settings
from digits.data.archive.kinds import kind_of
from digits.extensions.datasets.classification.sources.shares import Splits, wanted_dbs
from digits.extensions.datasets.classification.sources.webdataset.shards import folder_of, is_pattern, shards
from digits.extensions.datasets.paths import file_problem, folder_problem

if TYPE_CHECKING:
    from digits.extensions.datasets.classification.sources.webdataset.spec import WebDatasetSource

WORDS = ("WebDataset shards", "WebDataset shards for {dbs}")


def dbs(source: WebDatasetSource) -> tuple[str, ...]:
    """Return the databases that the shards tell, and those that the shares ask for."""
    try:
        return Splits.of(shard.db for shard in shards(source.path)).dbs(source)
    except (DataError, OSError):  # said by ``check``
        return wanted_dbs(source.pct_val, source.pct_test)


def check(source: WebDatasetSource, settings: Settings) -> dict[str, list[str]]:
    """Return the problems by field."""
    problem = _problem(source.path, settings)
    return {"path": [problem]} if problem else {}


def _problem(text: str, settings: Settings) -> str:
    if not text.strip():
        return "Name a folder of shards, or a pattern."
    place = folder_of(text)
    is_folder = is_pattern(text) or not place.is_file()
    problem = folder_problem(str(place), settings) if is_folder else file_problem(str(place), settings)
    if problem:
        return problem
    try:
        first = shards(text)[0].path
        if not kind_of(first) or kind_of(first) == "zip":
            return f"{first} is no tar file."
    except (DataError, OSError) as error:
        return str(error)
    return ""


def recognise(path: Path) -> dict[str, str] | None:
    """Return the fields of the shards at ``path``: a folder of them, or one; None where there are none."""
    from digits.extensions.datasets.classification.sources.webdataset.samples import has_samples

    try:
        first = shards(str(path))[0].path
    except DataError:
        return None
    return {"path": str(path)} if kind_of(first) == "tar" and has_samples(first) else None
