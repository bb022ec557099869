"""Models whose networks can be trained on: the rows of the form's "Previous Networks", and forms that begin from one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request

from digits.core.beginning import Beginning
from digits.core.errors import NotFoundError
from digits.core.extensions import FrameworkExtension, extension, load
from digits.web import beginnings
from digits.web.fields import FormView
from digits.web.pages import modelfacts, words
from digits.web.reading import argument
from digits.web.site import store

if TYPE_CHECKING:
    from digits.store import Job
    from digits.web.modelkinds import ModelKind

MOST = 200
KEPT = ("framework", "use_mean", "crop_size")
"""Fields in which a training from another model's weights is best like that one: its pictures must look alike."""


@dataclass(frozen=True)
class PreviousRow:
    """A model that can be gone on from."""

    job: Job
    network: str
    dataset: str
    when: str
    choices: list[tuple[str, str]]
    """(epoch, words) of its snapshots, newest first, then its own weights and none."""
    epoch: str
    """The one that is chosen."""


def rows(request: Request, kind: ModelKind, form: FormView) -> list[PreviousRow]:
    """Return the models of such datasets that have a snapshot, newest first."""
    kept = store(request)
    datasets = {job.id: job for job in kept.jobs(kind="dataset") if kind.takes(job)}
    with_snapshot = kept.newest_snapshots()
    jobs = [job for job in kept.jobs(kind="model") if job.id in with_snapshot and job.depends_on in datasets][:MOST]
    return [_row(request, job, datasets[job.depends_on], form) for job in jobs]


def _row(request: Request, job: Job, dataset: Job, form: FormView) -> PreviousRow:
    epochs = [words.epoch(row.epoch) for row in reversed(store(request).snapshots(job.id))]
    choices = [(epoch, f"Epoch {epoch}") for epoch in epochs]
    if Beginning.read(job.folder).weights:
        choices.append(("-1", "what it began with"))
    choices.append(("0", "none: random weights"))
    is_chosen = form.value("previous_networks") == job.id
    epoch = form.value("previous_epoch") if is_chosen else ""
    return PreviousRow(
        job=job, network=modelfacts.network_title(job.spec), dataset=dataset.name, when=words.when(job.created),
        choices=choices, epoch=epoch or epochs[0],
    )  # fmt: skip


def fields_from(request: Request) -> dict[str, list[str]]:
    """Return the fields of a form that begins from the model that ``previous=`` or ``pretrained=`` names, {} without either.

    Raises:
        NotFoundError: there is no such model.
    """
    for method, kind in (("previous", "model"), ("pretrained", "pretrained_model")):
        job_id = argument(request, method)
        if not job_id:
            continue
        job = store(request).job(job_id)
        if job.kind != kind:
            raise NotFoundError("Job not found")
        kept = {name: [str(job.spec[name])] for name in KEPT if job.spec.get(name) not in (None, "")}
        chosen = {"method": [method], f"{method}_networks": [job_id]}
        return kept | chosen | ({"previous_epoch": [argument(request, "epoch")]} if kind == "model" else {})
    return {}


def with_renamed(request: Request, fields: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the fields of a clone with the layer that ``rename=`` names under another name: it then starts anew on purpose."""
    layer, clone = argument(request, "rename"), argument(request, "clone")
    if not layer or not clone:
        return fields
    job = store(request).job(clone)
    framework: FrameworkExtension = extension("frameworks", job.extension)
    text = load(framework.rename)(beginnings.definition_of(job), layer)
    custom = {"method": ["custom"], "custom_network": [text]}
    if fields.get("method") == ["previous"]:
        files = Beginning.read(job.folder).files(job.folder)
        custom["custom_network_snapshot"] = [":".join(str(path) for path, _ in files)]
    return fields | custom
