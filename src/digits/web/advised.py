"""What to try next with a job: its facts gathered for the rules of ``advice``, and what they say with the addresses that do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from digits.core.measures import chosen
from digits.core.metrics import series_names
from digits.core.states import JobState
from digits.web import healthchecks, modelkinds
from digits.web.advice import Advice, Training, advise, all_well
from digits.web.advicefacts import Boxes
from digits.web.diagnosis import History
from digits.web.jobjson import picture_shape
from digits.web.pages import datasetfacts
from digits.web.site import Site, store

if TYPE_CHECKING:
    from digits.store import Job, Store

_POINTS = 200  # of a curve: rules look at means over parts of it


@dataclass(frozen=True)
class Step:
    """An advice as a page shows it."""

    advice: Advice
    href: str
    """Where its link leads; "" where it is a button that trains further."""


@dataclass(frozen=True)
class Steps:
    """What to try next; where there is nothing, ``all_well`` says with which figures, "" while it is too early to tell."""

    steps: list[Step]
    all_well: str


def steps_of(request: Request, training: Training, job: Job, dataset: Job | None) -> Steps:
    """Return what to try next with a training."""
    found = [Step(each, _href(request, each, job, dataset)) for each in advise(training)]
    return Steps(found, "" if found else all_well(training))


def as_json(steps: Steps) -> list[dict[str, Any]]:
    """Return the advice for the REST API: ``href`` opens the form, or ``train_epochs`` goes to the job's ``resume``."""
    return [
        {"name": step.advice.name, "text": step.advice.text, "action": step.advice.action}
        | ({"change": dict(step.advice.change)} if step.advice.change else {})
        | ({"train_epochs": step.advice.epochs} if step.advice.epochs else {"href": step.href})
        for step in steps.steps
    ]


def _href(request: Request, advice: Advice, job: Job, dataset: Job | None) -> str:
    site = Site(request)
    if advice.epochs:
        return ""
    if advice.page == "dataset" and dataset:
        return site.url(datasetfacts.new_path(dataset), clone=dataset.id)
    if advice.page and dataset:
        return site.url(f"/datasets/{dataset.id}/health", show=advice.page)
    return site.url(modelkinds.form(dataset), clone=job.id, **advice.change)


def training_of(request: Request, job: Job, dataset: Job | None) -> Training:
    """Return what the rules look at."""
    from digits.store import metrics

    facts = dataset.facts if dataset else {}
    has_classes = facts.get("target_kind", "class") == "class"
    names = [name for name in series_names(job.folder.metrics) if name != "lr"]
    curves = metrics.read(job.folder, names, points_=_POINTS)
    is_mask = facts.get("target_kind") == "mask"
    has_many = is_mask or facts.get("target_kind") == "boxes"  # a picture counts for many classes
    counts = {
        db: () if has_many else facts.get("dbs", {}).get(db, {}).get("class_counts") or () for db in ("train", "val")
    }
    height, width, channels = picture_shape(dataset) or (0, 0, 0)
    history = History(
        curves={name: buckets["last"] for name, buckets in curves.items()},
        num_classes=len(facts.get("labels", ())) if has_classes else 0,
        labels=facts.get("labels", ()),
        val_counts=counts["val"],
        val_pixels=datasetfacts.class_pixels(dataset, "val") if is_mask and dataset else (),
        error=f"{job.error}" if job.error else "",
    )
    return Training(
        history,
        spec=job.spec,
        is_done=job.state is JobState.DONE and not job.facts.get("stopped_early"),
        train_counts=counts["train"],
        train_pixels=datasetfacts.class_pixels(dataset, "train") if is_mask and dataset else (),
        picture=(height, width, channels),
        health=_health(store(request), dataset),
        epochs=curves[name]["epoch"] if (name := chosen("", curves)) else (),
        published=_published(job.spec),
        boxes=_boxes(job.spec, facts) if facts.get("target_kind") == "boxes" else None,
    )


def _health(store: Store, dataset: Job | None) -> dict[str, int]:
    done = healthchecks.newest_done(healthchecks.checks(store, dataset.id)) if dataset else None
    return dict(done.facts.get("counts", {})) if done else {}


def _boxes(spec: dict[str, Any], facts: Mapping[str, Any]) -> Boxes | None:
    from digits.networks.standard import standard_networks

    dbs = facts.get("dbs", {})
    if "train" not in dbs:
        return None
    network = spec.get("network") or {}
    known = (
        standard_networks(suffix=None).get(str(network.get("name"))) if network.get("method") == "standard" else None
    )
    train, val = dbs["train"], dbs.get("val", {})
    return Boxes(
        train["class_boxes"],
        val.get("boxes", 0),
        facts["box_size_edges"],
        train["box_sizes"],
        known.cell_px if known else 0,
    )


def _published(spec: dict[str, Any]) -> str:
    from digits.networks.standard import standard_networks

    network = spec.get("network") or {}
    if network.get("method") != "standard" or network.get("pretrained"):
        return ""
    card = standard_networks(suffix=None).get(str(network.get("name")))
    known = card.pretrained if card else None
    fits = known is not None and known.framework == spec.get("framework") and known.path() is not None
    return known.title if known and fits else ""
