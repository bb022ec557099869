"""Pretrained models: the form that takes one in, the page of one, and the rows of the model form's "Pretrained Networks"."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from digits.core.extensions import installed
from digits.core.files import folder_bytes
from digits.core.pretrainedspec import RESIZE_MODES, PretrainedForm
from digits.core.states import JobState
from digits.core.trainspec import MEANS
from digits.web import modelkinds, views
from digits.web.answers import render
from digits.web.api.create import clone_fields
from digits.web.fields import FormView, form_view
from digits.web.formfiles import FormFiles
from digits.web.pages import joblists, jobpage, modelfacts, words
from digits.web.pages.live import live_page
from digits.web.pages.networks import netron_links
from digits.web.reading import path_job
from digits.web.site import store

if TYPE_CHECKING:
    from digits.store import Job

MOST = 200
SHOWN_LABELS = 200
ROUTE = "/models/images/classification"
FILES = (
    "deploy.prototxt", "train_val.prototxt", "original.prototxt", "network.py", "digits_python_layers.py", "labels.txt", "mean.binaryproto",
    "output.log",
)  # fmt: skip


def new(request: Request) -> Response:
    """``GET /pretrained_models/new?clone=``: the form, with defaults or filled from another one; files are chosen anew."""
    fields = clone_fields(request, PretrainedForm)
    return form_page(request, form_view(PretrainedForm, fields or None, submitted=bool(fields)))


def form_page(request: Request, form: FormView, *, archive_problem: str = "", status: int = 200) -> Response:
    """Return the form; a refused one comes back whole, its problems below its fields."""
    form = replace(form, files=FormFiles.of(request).chosen(form))
    frameworks = [each for each in installed("frameworks").values() if each.take_in]
    return render(
        request, "pretrained/new.html", status=status, form=form, frameworks=frameworks, archive_problem=archive_problem
    )  # fmt: skip


def show(request: Request) -> Response:
    """``GET /pretrained_models/<id>``: what it is, what it answers, and the ways on."""
    job = path_job(request, "pretrained_model")
    rows = store(request).snapshots(job.id)
    labels = list(job.facts.get("labels", ()))
    return live_page(
        request,
        "pretrained/show.html",
        **jobpage.common(request, job),
        facts=_facts(job),
        picture_rows=_picture_rows(job),
        folder=words.home_path(job.folder.path),
        tasks=store(request).tasks(job.id),
        labels=labels[:SHOWN_LABELS],
        num_labels=len(labels),
        snapshots=modelfacts.snapshots_of(rows),
        exports=modelfacts.exports_of(job),
        files=jobpage.file_links(request, job, FILES),
        netron=netron_links(request, job),
        route=ROUTE,
        **_answering(job),
    )


def _answering(job: Job) -> dict[str, Any]:
    """Return how it is tested: asked for classes, or for all that it answers."""
    kind = str(job.facts.get("target_kind") or "class")
    offered = views.offered(job) if kind not in modelkinds.CLASSES else []
    return {
        "target_kind": kind, "generic": bool(offered), "views": offered,
        "current": offered[0] if offered else None, "form": form_view(offered[0].spec) if offered else None,
        "fitting": [], "inference": None,
    }  # fmt: skip


def _facts(job: Job) -> list[tuple[str, str]]:
    rows = [("Framework", joblists.framework(job)), ("Network", str(job.facts.get("network", "")))]
    if job.facts.get("parameters"):
        rows.append(("Parameters", words.commas(job.facts["parameters"])))
    if job.facts.get("labels"):
        rows.append(("Classes", words.commas(len(job.facts["labels"]))))
    rows += [("Origin", str(job.spec.get("origin", ""))), ("Disk size", words.size(folder_bytes(job.folder.path)))]
    return [(name, value) for name, value in rows if value]


def _picture_rows(job: Job) -> list[tuple[str, str]]:
    """Return what happens to a picture before the network sees it."""
    spec = job.spec
    kind = "grayscale" if spec.get("image_type") == "1" else "color"
    rows = [("Size", f"{spec.get('width')} × {spec.get('height')}, {kind}")]
    rows.append(("Resize", RESIZE_MODES.get(str(spec.get("resize_mode")), "")))
    if spec.get("crop_size"):
        rows.append(("Crop", f"{spec['crop_size']} × {spec['crop_size']}"))
    rows.append(("Mean", MEANS.get(str(spec.get("use_mean")), "")))
    return [(name, value) for name, value in rows if value]


# ---------------------------------------------------------------- in the model form


@dataclass(frozen=True)
class PretrainedRow:
    """A pretrained model that can be trained on."""

    job: Job
    network: str
    classes: str
    when: str


def rows(request: Request) -> list[PretrainedRow]:
    """Return the pretrained models that can be trained on, newest first."""
    jobs = [each for each in store(request).jobs(kind="pretrained_model") if each.state is JobState.DONE][:MOST]
    return [
        PretrainedRow(
            job=job, network=str(job.facts.get("network", "")), classes=words.commas(len(job.facts.get("labels", ()))),
            when=words.when(job.created),
        )
        for job in jobs
    ]  # fmt: skip
