"""What is said of a manifest before a job exists. It runs in the web process, and reads no further than the header."""

from __future__ import annotations

from pathlib import Path

from digits.core.errors import DataError
from digits.core.settings import Settings
from digits.data.archive.kinds import kind_of as archive_kind
from digits.data.tables import has_pyarrow, kind_of, open_table, without_pyarrow
from digits.extensions.datasets.classification.sources.columns import wanted
from digits.extensions.datasets.classification.sources.manifest.spec import ManifestSource
from digits.extensions.datasets.classification.sources.shares import wanted_dbs
from digits.extensions.datasets.paths import file_problem

WORDS = ("A table of pictures", "A table of pictures for {dbs}")


def dbs(source: ManifestSource) -> tuple[str, ...]:
    """Return the databases that the shares ask for."""
    return wanted_dbs(source.pct_val, source.pct_test)


def check(source: ManifestSource, settings: Settings) -> dict[str, list[str]]:
    """Return the problems by field."""
    text = source.file or source.path
    if not text.strip():
        return {"file": ["Choose a manifest to send, or name one on the server."]}
    problems = {"file" if source.file else "path": "" if source.file else file_problem(text, settings)}
    if not any(problems.values()):
        problems["file" if source.file else "path"] = _table_problem(Path(text).expanduser())
    if source.labels_path and not source.labels_file:
        problems["labels_path"] = file_problem(source.labels_path, settings)
    return {field: [problem] for field, problem in problems.items() if problem}


def _table_problem(path: Path) -> str:
    try:
        if kind_of(path) in ("parquet", "arrow"):  # the web process does not load what reads it
            return "" if has_pyarrow() else str(without_pyarrow())
        wanted(open_table(path).columns)
    except OSError as error:
        return f"The manifest cannot be read: {error.strerror or error}."
    except DataError as error:
        return str(error)
    return ""


def recognise(path: Path) -> dict[str, str] | None:
    """Return the fields of the manifest at ``path``; None where there is none."""
    if not path.is_file() or archive_kind(path) or not (kind := kind_of(path)):
        return None
    if kind in ("csv", "jsonl"):
        try:
            wanted(open_table(path).columns)
        except DataError:
            return None  # a list, perhaps
    return {"path": str(path)}
