"""A model: the form that trains one, its page while it learns and after, its curves alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import NotFoundError
from digits.core.extensions import installed
from digits.core.metrics import series_names
from digits.core.trainspec import TrainSpec
from digits.web import advised, diagnosis, modelkinds, views
from digits.web.answers import render
from digits.web.api.create import clone_fields
from digits.web.beginnings import definition_of
from digits.web.fields import FormView, describe, form_view
from digits.web.jobjson import best_measure, copied, framework_of, picture_shape
from digits.web.modelkinds import ModelKind
from digits.web.networkview import lines_around
from digits.web.pages import (
    classrates,
    copies,
    datasetfacts,
    evaluations,
    hardware,
    jobpage,
    modelfacts,
    pretrained,
    previous,
    resuming,
    words,
)
from digits.web.pages.live import live_page
from digits.web.pages.networks import netron_links
from digits.web.reading import asked_job, path_job
from digits.web.site import store
from digits.web.standardlist import Offer, offers

if TYPE_CHECKING:
    from digits.core.extensions import FrameworkExtension
    from digits.store import Job

FILES = (
    "solver.prototxt",
    "train_val.prototxt",
    "deploy.prototxt",
    "original.prototxt",
    "network.py",
    "digits_python_layers.py",
    "labels.txt",
    "mean.binaryproto",
)
MOST_DATASETS = 200
_FAR = math.log(2)
"""How far in size the networks of the first framework may be before another is offered instead."""


def new(request: Request) -> Response:
    """``GET /models/<kind>/new?dataset=&clone=&<field>=``: the form, with defaults or filled from another model; fields of the address win."""
    cloned = clone_fields(request, TrainSpec)
    fields = previous.with_renamed(request, cloned) or previous.fields_from(request)
    kind = modelkinds.asked(request)
    form = form_view(TrainSpec, (fields | _of_the_address(request)) or None, submitted=bool(cloned))
    return form_page(request, kind, form, fitting=not fields)


def _of_the_address(request: Request) -> dict[str, list[str]]:
    """Return the fields that the address sets: numbers, choices and names. Code and files are nobody's to put into another's form."""
    known = describe(TrainSpec)
    asked = {name: request.query_params.getlist(name) for name in request.query_params if name in known}
    return {
        name: texts for name, texts in asked.items() if known[name].widget in ("number", "select", "checkbox", "text")
    }


def form_page(
    request: Request, kind: ModelKind, form: FormView, *, status: int = 200, fitting: bool = False
) -> Response:
    """Return the form of a model of such a dataset; a refused one comes back whole, its problems below its fields.

    ``fitting``: nothing was chosen yet: begin as models of such a dataset do, with the standard network for pictures of about this size.
    """
    datasets = _datasets(request, kind)
    wanted = form.value("dataset") or request.query_params.get("dataset", "")
    chosen = next((each for each in datasets if each.id == wanted), None)
    if chosen is None and not wanted:
        chosen = next((each for each in datasets if each.facts), datasets[0] if datasets else None)
    shape = picture_shape(chosen)
    framework = framework_of(form.value("framework")) or next(iter(installed("frameworks").values()))
    target_kind = modelkinds.target_kind(chosen, kind)
    offered = _offered(framework, target_kind, chosen)
    if fitting and not request.query_params.keys() & {"framework", "standard_networks"}:
        framework, offered = _usual(framework, offered, target_kind, chosen)
    if fitting:
        form = _begun(request, form, modelkinds.defaults(chosen, kind), shape, framework, offered)
    return render(
        request,
        "models/new.html",
        status=status,
        kind=kind,
        form=form,
        datasets=datasets,
        chosen=chosen,
        shape=shape,
        frameworks=list(installed("frameworks").values()),
        offers=offered,
        previous=previous.rows(request, kind, form),
        pretrained=pretrained.rows(request),
        policies=list(modelfacts.POLICIES.items()),
        gpus=store(request).gpus(),
        target_kind=target_kind,
        floor=datasetfacts.floor_of(chosen) if chosen else None,
        explore_path=datasetfacts.explore_path,
        model_form=modelkinds.form,
    )


def _offered(framework: FrameworkExtension, target_kind: str, dataset: Job | None) -> list[Offer]:
    shape = picture_shape(dataset)
    return offers(
        target_kind,
        framework,
        shape=(shape[0], shape[1], shape[2]) if shape else None,
        num_classes=len(dataset.facts.get("labels", ())) if dataset else None,
    )


def _usual(
    framework: FrameworkExtension, offered: list[Offer], target_kind: str, dataset: Job | None
) -> tuple[FrameworkExtension, list[Offer]]:
    """Return a framework with its networks: another one where only that has networks for pictures of about this size."""
    shape = picture_shape(dataset)
    found = [(framework, offered)]
    if not shape or (offered and _distance(_nearest(offered, shape), shape) <= _FAR):
        return found[0]
    others = (each for each in installed("frameworks").values() if each is not framework)
    found += [(each, _offered(each, target_kind, dataset)) for each in others]
    known = [pair for pair in found if pair[1]] or found[:1]
    return min(known, key=lambda pair: _distance(_nearest(pair[1], shape), shape) if pair[1] else 0.0)


def _distance(offer: Offer, shape: list[int]) -> float:
    """Return how far the pictures of a network are in size from those of the dataset."""
    return abs(math.log(offer.card.width / max(1, shape[1])))


def _nearest(offered: list[Offer], shape: list[int] | None) -> Offer:
    return min(offered, key=lambda offer: _distance(offer, shape)) if shape else offered[0]


def _begun(
    request: Request, form: FormView, defaults: Mapping[str, str], shape: list[int] | None,
    framework: FrameworkExtension, offered: list[Offer],
) -> FormView:  # fmt: skip
    values = dict(defaults)
    if offered and "standard_networks" not in request.query_params:
        best = _nearest(offered, shape)
        values |= best.card.begin
        values |= {"standard_networks": best.card.name, "framework": framework.name}
        if not best.weights:
            values.pop("standard_pretrained", None)
    asked = {name: [text] for name, text in values.items() if name not in request.query_params}
    return replace(form, values={**form.values, **asked})


def _datasets(request: Request, kind: ModelKind) -> list[Job]:
    """Return the datasets that such a model can be trained on: done or being made, newest first."""
    jobs = store(request).jobs(kind="dataset", limit=5 * MOST_DATASETS)
    return [job for job in jobs if kind.takes(job) and (job.facts or job.is_running)][:MOST_DATASETS]


def show(request: Request) -> Response:
    """``GET /models/<id>``: progress, curves, snapshots, hardware, and the forms that test it."""
    job = path_job(request, "model")
    return live_page(request, "models/show.html", **_view(request, job))


def large_graph(request: Request) -> Response:
    """``GET /models/<kind>/large_graph?job_id=``: the curves alone, as large as the window."""
    job = asked_job(request, "model")
    return live_page(request, "models/large_graph.html", **_view(request, job))


def _view(request: Request, job: Job) -> dict[str, Any]:
    kept = store(request)
    tasks = kept.tasks(job.id)
    run = modelfacts.run_of(job, tasks)
    dataset = _dataset(request, job)
    rows = kept.snapshots(job.id)
    training = advised.training_of(request, job, dataset)
    return jobpage.common(request, job) | {
        **evaluations.panel(request, job),
        "run": run,
        "facts": modelfacts.facts_of(job, run),
        "folder": words.home_path(job.folder.path),
        "dataset": dataset,
        "dataset_rows": modelfacts.dataset_rows(job, dataset),
        "solver_rows": modelfacts.solver_rows(job, run),
        "words_on": diagnosis.findings(training.history),
        "steps": advised.steps_of(request, training, job, dataset),
        "early_end": modelfacts.early_end(job),
        "snapshots": modelfacts.snapshots_of(rows, best_measure(job)),
        "resume": resuming.resume_of(job, rows),
        "exports": modelfacts.exports_of(job),
        "devices": hardware.used_by(job),
        "copies": copies.view(copied(job), done=True),
        "files": jobpage.file_links(
            request,
            job,
            (*FILES, *(each.log for each in installed("frameworks").values()), "output.log", *_traces(job)),
        ),
        "netron": netron_links(request, job),
        "has_curves": bool(series_names(job.folder.metrics)),
        "bad_lines": _bad_lines(job),
        "route": modelkinds.route(dataset),
        "form_path": modelkinds.form(dataset),
        **_answering(job, dataset),
    }


def _traces(job: Job) -> list[str]:
    """Return the files of the steps whose time was traced, in the order of the steps."""
    found = (job.folder.path / "traces").glob("timeline_*.json")
    return [f"traces/{path.name}" for path in sorted(found, key=lambda path: (len(path.name), path.name))]


def _answering(job: Job, dataset: Job | None) -> dict[str, Any]:
    """Return what depends on the kind of answer: how it is tested, and how well each class is told."""
    generic = modelkinds.is_generic(dataset)
    offered = views.offered(job, dataset) if generic else []
    made = modelkinds.made_of(dataset) if dataset else None
    return {
        "target_kind": modelkinds.target_kind(dataset),
        "class_rates": classrates.class_rates(job, dataset),
        "generic": generic,
        "views": offered,
        "current": offered[0] if offered else None,
        "form": form_view(offered[0].spec) if offered else None,
        "inference": form_view(made.inference.spec) if made and made.inference else None,
    }


def _bad_lines(job: Job) -> list[tuple[int, str, bool]]:
    """Return the lines of the network that the training failed over, nothing where it failed over something else."""
    where = job.error.where if job.error else ""
    framework = framework_of(job.framework)
    ours = framework is not None and where.startswith(f"{framework.definition}:")
    return lines_around(definition_of(job), where) if ours else []


def _dataset(request: Request, job: Job) -> Job | None:
    try:
        return store(request).job(job.depends_on)
    except NotFoundError:
        return None
