"""Several trainings side by side: which settings set them apart, what each curve came to.

Settings go by the names of the form's fields, curves by their own ("accuracy/val"); lists have one place a model, in the order asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError
from starlette.requests import Request

from digits.core.errors import DigitsError, NotFoundError
from digits.core.metrics import series_names
from digits.core.trainspec import TrainSpec
from digits.web.forms import flatten, flatten_stored
from digits.web.pages.joblists import is_accuracy
from digits.web.reading import argument
from digits.web.site import link, store

if TYPE_CHECKING:
    from digits.store import Job

MOST_MODELS = 20
NAMES = frozenset({"model_name", "group_name"})
"""Fields that say what a model is called, not how it was trained."""


@dataclass(frozen=True)
class Measured:
    """What a curve came to; ``best`` is its greatest value where it is an accuracy, else its least, and ``epoch`` where that was."""

    last: float
    best: float
    epoch: float


def asked_models(request: Request) -> list[Job]:
    """Return the models that ``ids`` names, each once, in its order.

    Raises:
        DigitsError: they are fewer than two, or more than ``MOST_MODELS``.
        NotFoundError: there is no such model.
    """
    ids = list(dict.fromkeys(part.strip() for part in argument(request, "ids").split(",") if part.strip()))
    if not 2 <= len(ids) <= MOST_MODELS:
        raise DigitsError(
            f"{len(ids)} models cannot be compared.", where="ids", hint=f"Choose 2 to {MOST_MODELS} of them."
        )
    models = [store(request).job(each) for each in ids]
    for job in models:
        if job.kind != "model":
            raise NotFoundError(f"{job.name!r} is no model.", where=f"ids: {job.id}")
    return models


def address(request: Request, ids: Sequence[str]) -> str:
    """Return the address that compares the models of ``ids``, the first ``MOST_MODELS`` of them; "" where there are not two."""
    return link(request, "/models/compare?ids=" + ",".join(ids[:MOST_MODELS])) if len(ids) > 1 else ""


def settings_of(models: Sequence[Job]) -> dict[str, list[str | None]]:
    """Return every setting of every model as the form has it; None where a model has no such field."""
    flat = [_flat(job) for job in models]
    names = dict.fromkeys(name for fields in flat for name in fields if name not in NAMES)
    return {name: [_text(fields.get(name)) for fields in flat] for name in names}


def _flat(job: Job) -> dict[str, list[str]]:
    """Return a model's fields; those that an older version did not write have their defaults, so that they do not set it apart."""
    try:
        return flatten(TrainSpec.model_validate(job.spec))
    except ValidationError:  # of a version that knows more
        return flatten_stored(TrainSpec, job.spec)


def differing(settings: Mapping[str, Sequence[str | None]]) -> dict[str, list[str | None]]:
    """Return those settings that are not the same for all."""
    return {name: list(values) for name, values in settings.items() if len(set(values)) > 1}


def _text(values: Sequence[str] | None) -> str | None:
    return None if values is None else ", ".join(values)


def measured(models: Sequence[Job]) -> dict[str, list[Measured | None]]:
    """Return what each curve came to in each model; None where it has no such curve or no finite value."""
    curves = [set(series_names(job.folder.metrics)) for job in models]
    names = sorted(set().union(*curves), key=series_order)
    return {name: [_measure(job, name) for job in models] for name in names if name != "lr"}


def series_order(name: str) -> tuple[bool, bool, bool, str]:
    """Sort curves: of validation first, accuracies before losses, plain names before longer ones."""
    output = name.rpartition("/")[0]
    return not name.endswith("/val"), not is_accuracy(name), output not in ("accuracy", "loss"), name


def _measure(job: Job, name: str) -> Measured | None:
    from digits.store import metrics

    points = metrics.points(job.folder, name)
    points = points[np.isfinite(points["value"])]
    if not len(points):
        return None
    values = points["value"]
    at = int(values.argmax() if is_accuracy(name) else values.argmin())
    return Measured(float(values[-1]), float(values[at]), float(points["epoch"][at]))


def as_json(models: Sequence[Job]) -> dict[str, Any]:
    """Return ``/models/compare.json``."""
    return {
        "models": [
            {
                "id": job.id, "name": job.name, "group": job.group, "status": job.state.value, "framework": job.framework,
                "dataset_id": job.depends_on, "progress": round(job.progress * 100, 2),
                "parameters": job.facts.get("parameters"), "elapsed": round(job.elapsed_s, 3),
            }
            for job in models
        ],
        "differing": differing(settings_of(models)),
        "metrics": {
            name: [each and {"last": each.last, "best": each.best, "epoch": each.epoch} for each in found]
            for name, found in measured(models).items()
        },
    }  # fmt: skip
