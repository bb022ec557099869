"""Datasets made of datasets, as forms ask for them: whose ids and names, whose form, which changes.

What a derived dataset is made of stands in its spec (``base``), as flat fields: ``base``, ``base_dbs``, ``rename`` and a file of changes. The
rest of the spec is the first dataset's, so that its records are copied as they are.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from digits.core.errors import DataError, JobError, NotFoundError, SpecError
from digits.core.extensions import DatasetExtension, extension
from digits.core.spec import Spec
from digits.core.states import JobState
from digits.store import Job, Store
from digits.store.uploads import Uploads
from digits.web.forms import flatten_stored
from digits.web.reading import Form
from digits.web.shape import Choice, shape
from digits.web.site import settings, store

NOTHING_MORE = "derived"
_OWN = ("name", "group", "check_health", "source", "base")
"""Fields that a derived dataset does not take over."""


@dataclass(frozen=True)
class Lineage:
    """What a dataset was made of, in words and ids."""

    bases: list[tuple[str, str]]
    """(id, name) of each dataset that it begins with; the name is "" where that is gone."""
    notes: list[str]
    """What was done to them."""


def kind_of(dataset: Job) -> DatasetExtension:
    """Return the kind of a finished dataset that others can be made of.

    Raises:
        JobError: it is not finished, or its kind cannot be.
    """
    if dataset.state is not JobState.DONE:
        raise JobError(f'"{dataset.name}" is {dataset.state}; a new dataset is made of a finished one.')
    kind: DatasetExtension = extension("datasets", dataset.extension)
    if "base" not in kind.spec.model_fields:
        raise JobError(f"A {kind.title} cannot be made of another.")
    return kind


def derived_fields(kept: Store, dataset: Job, kind: DatasetExtension, form: Form) -> dict[str, list[str]]:
    """Return the fields of the create form that ask for a dataset made of ``dataset``, as ``form`` says.

    ``form`` has a source's fields (its ``method`` tells which, else the first source whose fields are given; without any there is
    nothing more), ``rename`` old=new, repeated, and ``merge`` with ids of further datasets, repeated.

    Raises:
        SpecError: a dataset to be merged is none, or not finished.
    """
    node = shape(kind.spec)
    source = node.parts["source"]
    assert isinstance(source, Choice)
    others = [_other(kept, each, dataset) for text in form.all("merge") for each in text.replace(",", " ").split()]
    dbs = [db for db in ("train", "val", "test") if any(db in each.facts["dbs"] for each in (dataset, *others))]
    own = {name: value for name, value in dataset.spec.items() if name not in _OWN}
    fields = flatten_stored(kind.spec, own) | form.fields
    given = {leaf.flat for branch in source.branches.values() for leaf in branch.leaves() if form.text(leaf.flat)}
    asked = form.text(source.flat) or _method(source, given | {name for name in form.files if form.file(name)})
    return fields | {
        source.flat: [asked],
        "base": [",".join(each.id for each in (dataset, *others))],
        "base_dbs": [",".join(dbs)],
        "rename": ["\n".join(form.all("rename"))],
        "dataset_name": [form.text("dataset_name").strip() or _name(dataset, others, asked)],
    }


def _other(kept: Store, job_id: str, dataset: Job) -> Job:
    missing = SpecError({"merge": [f"There is no other dataset {job_id[:64]!r}."]})
    try:
        other = kept.job(job_id)
    except NotFoundError as error:
        raise missing from error
    if other.kind != "dataset" or other.id == dataset.id:
        raise missing
    if other.state is not JobState.DONE:
        raise SpecError({"merge": [f'"{other.name}" is {other.state}; only finished datasets can be merged.']})
    if other.extension != dataset.extension:
        raise SpecError({"merge": [f'"{other.name}" is a {other.title}.']})
    return other


def _method(source: Choice, given: set[str]) -> str:
    """Return the source whose own fields are given."""
    for tag, branch in source.branches.items():
        own = [leaf.flat for leaf in branch.leaves() if leaf.flat.startswith(branch.spec.prefix) and leaf.kind == "str"]
        if given & {name for flat in own for name in (flat, flat.removesuffix("_file") + "_upload")}:
            return tag
    return NOTHING_MORE


def _name(dataset: Job, others: Sequence[Job], method: str) -> str:
    if method != NOTHING_MORE:
        return f"{dataset.name} extended"
    return " + ".join(each.name for each in (dataset, *others)) if others else f"{dataset.name} renamed"


def changes_text(form: Form) -> str:
    """Return the ``changes`` of a form or a JSON body as JSON text."""
    if form.json is not None and not isinstance(form.json.get("changes"), str):
        return json.dumps(form.json.get("changes"))
    return form.text("changes")


def relabel_fields(request: Request, dataset: Job, kind: DatasetExtension, form: Form) -> dict[str, list[str]]:
    """Return the fields of the create form for ``dataset`` with the changes in ``form``, which are kept as an upload.

    Raises:
        SpecError: the changes do not fit the dataset.
    """
    from digits.data.changes import read_changes

    text = changes_text(form)
    try:
        count = read_changes(text, dataset.folder.path, dataset.facts).count
    except DataError as error:
        raise SpecError({"changes": [str(error)]}) from error
    uploads = Uploads(settings(request))
    data = text.encode()
    upload = uploads.begin(name="changes.json", username=request.state.user, size=len(data))
    uploads.put(upload, 0, io.BytesIO(data))
    named = form.text("dataset_name").strip() or f"{dataset.name}, {count:,} label{'s' * (count != 1)} changed"
    fields = derived_fields(store(request), dataset, kind, Form({"dataset_name": [named]} | _kept(form)))
    return fields | {"base_changes_file": [f"upload:{upload.id}"]}


def _kept(form: Form) -> dict[str, list[str]]:
    return {name: form.fields[name] for name in ("group_name", "check_health") if name in form.fields}


def first_base(spec: Spec) -> str:
    """Return the id of the dataset that ``spec`` begins with, "" where it begins with none."""
    base = getattr(spec, "base", None)
    return str(getattr(base, "ids", "")).partition(",")[0]


def lineage(kept: Store, dataset: Job) -> Lineage | None:
    """Return what ``dataset`` was made of; None where that is no other dataset."""
    base: dict[str, Any] = dataset.spec.get("base") or {}
    ids = [each for each in str(base.get("ids", "")).split(",") if each]
    if not ids:
        return None
    names = kept.lists.names(set(ids))
    notes = []
    if base.get("changes"):
        notes.append("labels changed or pictures left out")
    notes += [f"{line.replace('=', ' → ', 1)}" for line in str(base.get("rename", "")).splitlines() if line.strip()]
    if (dataset.spec.get("source") or {}).get("method") != NOTHING_MORE:
        notes.append("more pictures added")
    return Lineage([(each, names.get(each, "")) for each in ids], notes)


def derived_from(kept: Store, dataset: Job) -> list[Job]:
    """Return the datasets that were made of ``dataset``, newest first."""
    return kept.jobs(kind="dataset", depends_on=dataset.id, limit=20)
