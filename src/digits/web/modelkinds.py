"""Which models a form makes: those of one kind of dataset, or of all kinds that share DIGITS' generic path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request

from digits.core.extensions import GENERIC_MODELS, DatasetExtension, installed

if TYPE_CHECKING:
    from digits.store import Job

GENERIC_TITLE = "Generic Image Model"
CLASSIFIERS = "images/classification"
CLASSES = ("class", "classes")
"""Kinds of answer that are asked for as classes."""


@dataclass(frozen=True)
class ModelKind:
    """Models of the datasets that ``kinds`` make."""

    route: str
    """Below /models/: where the form goes to."""
    kinds: tuple[DatasetExtension, ...]

    @property
    def main(self) -> DatasetExtension | None:
        """The kind of dataset that such models are named after; None where many share the generic path."""
        return self.kinds[0] if len(self.kinds) == 1 or self.route != GENERIC_MODELS else None

    @property
    def model_title(self) -> str:
        """What such a model is called."""
        return self.main.model_title if self.main else GENERIC_TITLE

    @property
    def form(self) -> str:
        """The path of the form."""
        return self.main.model_form if self.main else f"/models/{self.route}/new"

    @property
    def new_dataset(self) -> str:
        """The path of the form that makes a dataset for it, "" where there are several."""
        return f"/datasets/{self.main.route}/new" if self.main else ""

    def takes(self, dataset: Job) -> bool:
        """Return whether such a model is trained on the dataset."""
        return any(dataset.extension == kind.name for kind in self.kinds)


def asked(request: Request) -> ModelKind:
    """Return the models that the path of the request is for."""
    kind: DatasetExtension | None = request.state.extension
    if kind is not None and kind.model_route == GENERIC_MODELS:
        return ModelKind(GENERIC_MODELS, (kind,))
    return of_route(kind.model_route if kind else GENERIC_MODELS)


def of_route(route: str) -> ModelKind:
    """Return the models whose form is below ``/models/<route>``; first the kind of dataset that has the same path of its own."""
    kinds = [each for each in installed("datasets").values() if each.model_route == route]
    return ModelKind(route, tuple(sorted(kinds, key=lambda each: each.route != route)))


def made_of(dataset: Job) -> DatasetExtension | None:
    """Return the kind of dataset, None where its extension is no longer installed."""
    found: DatasetExtension | None = installed("datasets").get(dataset.extension)
    return found


def target_kind(dataset: Job | None, kind: ModelKind | None = None) -> str:
    """Return what a dataset's records are labelled with: as it was found, or while it is made as its kind has it."""
    if dataset is not None:
        made = made_of(dataset)
        return str(dataset.facts.get("target_kind") or (made.target_kind if made else "class"))
    return kind.kinds[0].target_kind if kind and kind.kinds else "class"


def route(dataset: Job | None) -> str:
    """Return the path below which models of such a dataset are trained and tested."""
    made = made_of(dataset) if dataset else None
    return f"/models/{(made.model_route if made else '') or _route_of(dataset)}"


def _route_of(dataset: Job | None) -> str:
    """Return where models of a dataset are tested whose extension is gone."""
    return CLASSIFIERS if target_kind(dataset) in CLASSES else GENERIC_MODELS


def is_generic(dataset: Job | None) -> bool:
    """Return whether models of such a dataset are asked for all that they answer, and not for classes alone."""
    return route(dataset) == f"/models/{GENERIC_MODELS}"


def form(dataset: Job | None) -> str:
    """Return the path of the form of such models."""
    made = made_of(dataset) if dataset else None
    return (made.model_form if made else "") or f"/models/{_route_of(dataset)}/new"


def title(dataset: Job, kind: ModelKind) -> str:
    """Return what a model of the dataset is called."""
    made = made_of(dataset)
    return (made.model_title if made else "") or kind.model_title


def defaults(dataset: Job | None, kind: ModelKind) -> Mapping[str, str]:
    """Return the fields, by flat name, in which such models begin otherwise than others."""
    made = made_of(dataset) if dataset else kind.kinds[0] if len(kind.kinds) == 1 else None
    return made.model_defaults if made else {}
