"""What is said of an archive before a job exists. It runs in the web process, and reads its first bytes alone."""

from __future__ import annotations

from pathlib import Path

from digits.core.settings import Settings
from digits.data.archive.kinds import kind_of
from digits.extensions.datasets.classification.sources.archive.spec import ArchiveSource
from digits.extensions.datasets.classification.sources.shares import wanted_dbs
from digits.extensions.datasets.paths import file_problem

WORDS = ("An archive with one folder for each class", "An archive with {dbs} folders")


def dbs(source: ArchiveSource) -> tuple[str, ...]:
    """Return the databases that the shares ask for."""
    return wanted_dbs(source.pct_val, source.pct_test)


def check(source: ArchiveSource, settings: Settings) -> dict[str, list[str]]:
    """Return the problems by field."""
    field = "file" if source.file else "path"
    text = source.file or source.path
    if not text.strip():
        return {"file": ["Choose an archive to send, or name one on the server."]}
    problem = "" if source.file else file_problem(text, settings)
    if not problem:
        problem = _archive_problem(Path(text).expanduser())
    return {field: [problem]} if problem else {}


def _archive_problem(path: Path) -> str:
    try:
        if kind_of(path):
            return ""
    except OSError as error:
        return f"The archive cannot be read: {error.strerror or error}."
    return "This is no archive: a .zip or .tar file is needed, the latter perhaps with .gz, .bz2 or .xz."


def recognise(path: Path) -> dict[str, str] | None:
    """Return the fields of the archive at ``path``; None where there is none."""
    return {"path": str(path)} if path.is_file() and kind_of(path) else None
