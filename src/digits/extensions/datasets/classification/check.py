"""What is said of a spec before a job exists, and which tasks the job will have. It runs in the web process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from digits.core.errors import DataError
from digits.core.jobfolder import TaskPlan
from digits.core.settings import Settings
from digits.extensions.datasets.classification import sources
from digits.extensions.datasets.classification.sources.derived.check import base_problems
from digits.extensions.datasets.classification.spec import ClassificationSpec, SourceChoice
from digits.extensions.datasets.paths import printable

_SOURCE: TypeAdapter[Any] = TypeAdapter(SourceChoice)


def recognise(path: Path) -> dict[str, Any]:
    """Return what lies at ``path``: ``format`` (the form's method), ``source`` (its fields, nested), ``words`` (the same for people).

    Raises:
        DataError: it is no source that is known, or cannot be read.
    """
    try:
        fields = sources.recognise(path.expanduser())
    except OSError as error:
        raise DataError(f"It cannot be read: {error.strerror or error}.", where=printable(str(path))) from error
    source = _SOURCE.validate_python(fields)
    return {"format": source.method, "source": fields, "words": sources.words(source, ())}


def tasks(spec: ClassificationSpec) -> tuple[TaskPlan, ...]:
    """Return the tasks of the job that builds ``spec``, in order."""
    verb = "Read Lists" if spec.source.method == "textfile" else "Parse Folder"
    found = sources.parsing(spec.base, spec.source)
    plans = [TaskPlan(name=name, title=f"{verb} ({'/'.join(dbs)})") for name, dbs in found.items()]
    dbs = sources.wanted(spec.base, spec.source)
    return (*plans, *(TaskPlan(name=f"create_{db}_db", title=f"Create DB ({db})") for db in dbs))


def check(spec: ClassificationSpec, settings: Settings) -> dict[str, list[str]]:
    """Return the problems by field; all of them, not the first alone. Empty where the job can be made."""
    problems = sources.check(spec.source, settings, least_classes=1 if spec.base.ids else 2)
    found = {f"source.{name}": texts for name, texts in problems.items()}
    if spec.source.method == "derived" and not spec.base.ids:
        found["source.method"] = ["Name the datasets that this one is made of, or another source."]
    return found | {f"base.{name}": texts for name, texts in base_problems(spec.base).items()}
