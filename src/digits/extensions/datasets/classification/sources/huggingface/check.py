"""What is said of a Hugging Face folder before a job exists. It runs in the web process, and opens no table but small ones of text."""

from __future__ import annotations

from pathlib import Path

from digits.core.errors import DataError
from digits.core.settings import Settings
from digits.data.tables import has_pyarrow, without_pyarrow
from digits.extensions.datasets.classification.sources.huggingface.layout import layout
from digits.extensions.datasets.classification.sources.huggingface.spec import HuggingFaceSource
from digits.extensions.datasets.classification.sources.shares import Splits, wanted_dbs
from digits.extensions.datasets.paths import folder_problem

WORDS = ("A Hugging Face dataset", "A Hugging Face dataset with {dbs}")
UNKNOWN = "There are no Parquet files, nothing that save_to_disk wrote, and no metadata.csv or metadata.jsonl that names classes."


def dbs(source: HuggingFaceSource) -> tuple[str, ...]:
    """Return the databases that are splits, and those that the shares ask for."""
    try:
        found = layout(Path(source.path).expanduser())
    except (DataError, OSError):  # said by ``check``
        found = None
    return (
        Splits.of(part.db for part in found.parts).dbs(source) if found else wanted_dbs(source.pct_val, source.pct_test)
    )


def check(source: HuggingFaceSource, settings: Settings) -> dict[str, list[str]]:
    """Return the problems by field."""
    problem = folder_problem(source.path, settings) or _problem(Path(source.path).expanduser())
    return {"path": [problem]} if problem else {}


def _problem(path: Path) -> str:
    try:
        found = layout(path)
    except (DataError, OSError) as error:
        return str(error)
    if found is None:
        return UNKNOWN
    return str(without_pyarrow()) if found.needs_pyarrow and not has_pyarrow() else ""


def recognise(path: Path) -> dict[str, str] | None:
    """Return the fields of the dataset at ``path``; None where there is none."""
    return {"path": str(path)} if path.is_dir() and layout(path) else None
