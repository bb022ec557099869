"""What ``infer_extension`` asks about: pictures that a kind of dataset makes of the fields of its own form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.requests import Request

from digits.core.errors import DigitsError, NotFoundError
from digits.core.extensions import InferenceForm, load
from digits.core.spec import Spec
from digits.store import Job
from digits.web import modelkinds
from digits.web.forms import parse
from digits.web.looks import Look, folder_of
from digits.web.paths import require_allowed
from digits.web.shape import shape
from digits.web.site import settings, store

MOST = 100_000


def form_of(request: Request, model: Job) -> tuple[InferenceForm | None, Mapping[str, Any]]:
    """Return the form of the kind of dataset that a model was trained on, None where one picture is asked for; and the dataset's facts."""
    try:
        dataset = store(request).job(model.depends_on) if model.depends_on else None
    except NotFoundError:
        dataset = None
    made = modelkinds.made_of(dataset) if dataset else None
    return (made.inference, {**dataset.facts, "folder": str(dataset.folder.path)}) if made and dataset else (None, {})


def filled(request: Request, form: InferenceForm, facts: Mapping[str, Any], look: Look) -> Look:
    """Return a look with the pictures that the form's fields ask for, written into its folder.

    Raises:
        DigitsError: a field is wrong (its words are those of DIGITS: the problems by field), or a path may not be named.
    """
    parsed = parse(form.spec, request.state.form.fields | {name: [text] for name, text in request.query_params.items()})
    if parsed.spec is None:
        raise DigitsError(repr({name: list(texts) for name, texts in parsed.problems.items()}))
    _require_allowed(request, parsed.spec)
    found: list[tuple[str, Path]] = []
    for key, path in load(form.inputs)(parsed.spec, folder_of(request, look.name), facts):
        if len(found) == MOST:
            raise DigitsError(f"At most {MOST:,} pictures are answered at a time.")
        found.append((str(key), path))
    if not found:
        raise DigitsError("There is nothing to be answered.")
    return replace(look, paths=[str(path) for _, path in found], titles=[key for key, _ in found])


def _require_allowed(request: Request, spec: Spec) -> None:
    for leaf in shape(type(spec)).leaves():
        if leaf.extra.get("widget") in ("path", "paths") and (text := getattr(spec, leaf.name)):
            require_allowed(Path(text).expanduser(), settings(request))
