"""A dataset: the form that makes one, its page while it is built and after, and its pictures to leaf through."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import SpecError
from digits.core.exportspec import TITLES as FORMAT_TITLES
from digits.core.exportspec import formats_of
from digits.core.extensions import DatasetExtension, absence
from digits.web import datasetexports, deriving
from digits.web.answers import render
from digits.web.api.create import clone_fields
from digits.web.api.datasets import asked_page
from digits.web.boxes import has_boxes
from digits.web.fields import FormView, form_view
from digits.web.formfiles import FormFiles
from digits.web.pages import boxfacts, datasetfacts, exploring, healthchecks, jobpage, resuming, words
from digits.web.pages.live import live_page
from digits.web.reading import Form, asked_job, path_job
from digits.web.site import Site, settings, store

if TYPE_CHECKING:
    from digits.store import Job

SHOWN_REFUSED = 20
MOST_OTHERS = 100


def new(request: Request) -> Response:
    """``GET /datasets/<kind>/new?clone=``: the form, with defaults or filled from another dataset."""
    kind: DatasetExtension = request.state.extension
    fields = clone_fields(request, kind.spec)
    return form_page(request, kind, form_view(kind.spec, fields or None, submitted=bool(fields)))


def form_page(request: Request, kind: DatasetExtension, form: FormView, *, status: int = 200) -> Response:
    """Return the form of a kind of dataset; a refused one comes back whole, its problems below its fields."""
    options = settings(request)
    form = replace(form, files=FormFiles.of(request).chosen(form))
    folder = options.jobs if options.jobs.is_dir() else options.root
    return render(
        request,
        "datasets/new.html",
        status=status,
        kind=kind,
        form=form,
        free_bytes=shutil.disk_usage(folder).free if folder.is_dir() else 0,
    )


@dataclass(frozen=True)
class RefusedForm:
    """A form of a dataset's page that comes back: "extend" or "export", what was typed, and what is wrong with it."""

    name: str
    typed: Form
    problems: list[str]


def show_refused(request: Request, name: str, error: SpecError) -> Response:
    """Return the dataset's page with its form ``name`` as it was sent, and what is wrong with it."""
    problems = [text for texts in error.problems.values() for text in texts]
    response = show(request, RefusedForm(name, request.state.form, problems))
    response.status_code = HTTPStatus.BAD_REQUEST
    return response


def show(request: Request, refused_form: RefusedForm | None = None) -> Response:
    """``GET /datasets/<id>``: what it is made of, how far it is, what it refused."""
    job = path_job(request, "dataset")
    tasks = store(request).tasks(job.id)
    facts = datasetfacts.known_facts(job, tasks)
    names = ["labels.txt", *(f"{db}.txt" for db in facts.dbs), "mean.binaryproto", "parse_folder.log", "output.log"]
    return live_page(
        request,
        "datasets/show.html",
        **(jobpage.common(request, job) | _derivable(request, job)),
        **healthchecks.panel(request, job),
        absent=absence("datasets", job.extension),
        refused_form=refused_form,
        class_search=_class_search(request, job, facts),
        resume=resuming.dataset_resume_of(job),
        tasks=tasks,
        facts=facts,
        chart=datasetfacts.class_chart(request, job, facts),
        boxes=boxfacts.box_facts(request, job),
        frequencies=datasetfacts.class_frequencies(request, job),
        floor=datasetfacts.floor_of(job),
        refused=_refused(job),
        refused_count=facts.refused,
        folder=words.home_path(job.folder.path),
        new_path=datasetfacts.new_path(job),
        model_path=datasetfacts.new_model_path(job),
        explore_path=datasetfacts.explore_path(job),
        files=jobpage.file_links(request, job, names),
    )


def _derivable(request: Request, job: Job) -> dict[str, object]:
    """Return what the page shows of datasets made of this one, of those it is made of, and of its exports."""
    kept = store(request)
    kind = datasetfacts.extension_of(job)
    is_done = bool(job.facts) and kind is not None and "base" in kind.spec.model_fields and bool(Site(request).user)
    running = datasetexports.exports(kept, job.id)
    others = kept.jobs(kind="dataset", limit=MOST_OTHERS) if is_done else []
    return {
        "lineage": deriving.lineage(kept, job),
        "derived": deriving.derived_from(kept, job),
        "may_derive": is_done,
        "export_formats": _export_formats(job) if is_done or (has_boxes(job) and Site(request).user) else [],
        "other_datasets": [
            each for each in others if each.facts and each.id != job.id and each.extension == job.extension
        ],
        "exports": running,
        "live": job.is_running or any(each.is_running for each in running),
    }


def _export_formats(job: Job) -> list[tuple[str, str]]:
    return [(name, FORMAT_TITLES[name]) for name in formats_of(job.facts.get("target_kind", "class"))]


def _class_search(request: Request, job: Job, facts: datasetfacts.Facts) -> tuple[str, str] | None:
    """Return where all classes are asked for and what leads to one, of a dataset with more than its chart shows."""
    if not job.facts or len(facts.labels) <= datasetfacts.CHART_CLASSES:
        return None
    db = next(iter(facts.dbs))
    site = Site(request)
    base = site.url(datasetfacts.explore_path(job), job_id=job.id, db=db)
    return exploring.classes_url(site, job, db), f"{base}&label="


def _refused(job: Job) -> list[object]:
    from digits.data.refused import read_refused

    return list(islice(read_refused(job.folder.path / "refused.csv"), SHOWN_REFUSED))


def explore(request: Request) -> Response:
    """``GET /datasets/<kind>/explore?job_id=&db=&page=&size=&label=&search=``: pictures with their labels, page by page."""
    job = asked_job(request, "dataset")
    page = asked_page(request)
    return render(request, "datasets/explore.html", job=job, **exploring.view(request, job, page))
