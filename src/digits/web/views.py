"""Views of what networks answer: which is offered for which model, its settings in a form, and the page that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import DigitsError, NotFoundError
from digits.core.extensions import ViewExtension, installed
from digits.core.files import read_json
from digits.core.spec import Spec
from digits.store import Job, SnapshotRow
from digits.web import modelkinds
from digits.web.answers import render
from digits.web.classifying import infer
from digits.web.fields import FormView, form_view
from digits.web.forms import Fields, parse
from digits.web.inside import layers_of, wants_layers
from digits.web.jobjson import framework_of
from digits.web.looks import Look
from digits.web.pages.layerlines import layer_lines
from digits.web.pages.paging import page_links
from digits.web.reading import argument, whole_number
from digits.web.site import Site, store

PLAIN = "all-raw-data"
"""The view of answers for which no other is the default."""
_IOU = "iou/"
_LONG = ("dbs", "refused", "class_frequencies")
"""Facts of datasets that no view asks for."""


@dataclass(frozen=True)
class Shown:
    """One picture on the page; ``error`` (message, hint) where it could not be looked at."""

    name: str
    told: Mapping[str, Any]
    pngs: Mapping[str, str]
    """Data addresses by name."""
    height: int
    width: int
    seconds: float
    error: Mapping[str, str] | None = None

    @classmethod
    def of(cls, result: Mapping[str, Any], title: str) -> Shown:
        """Return a worker's answer for the picture that people know as ``title``."""
        if not result["ok"]:
            return cls(title, {}, {}, 0, 0, 0.0, result["error"])
        pngs = {name: "data:image/png;base64," + data for name, data in result["pngs"].items()}
        return cls(title, result["told"], pngs, result["height"], result["width"], result["seconds"])


def target_kind(job: Job) -> str:
    """Return the kind of target that a model was trained for; "" of one that does not tell."""
    if job.kind != "model":
        return str(job.facts.get("target_kind", ""))
    try:
        return str(read_json(job.folder.path / "model.json").get("target_kind", ""))
    except (OSError, ValueError):
        return ""


def offered(job: Job, dataset: Job | None = None) -> list[ViewExtension]:
    """Return the views for the answers of a model of ``dataset``, its default first."""
    kind = target_kind(job) or (modelkinds.target_kind(dataset) if dataset else "")
    made_of = dataset.extension if dataset else ""
    found: list[ViewExtension] = [
        each for each in installed("views").values() if not kind or not each.kinds or kind in each.kinds
    ]
    return sorted(
        found, key=lambda each: (made_of not in each.default_of, kind not in each.default_of, each.name != PLAIN)
    )


def named(name: str) -> ViewExtension:
    """Return the view ``name``.

    Raises:
        DigitsError: there is none.
    """
    known: dict[str, ViewExtension] = installed("views")
    if name not in known:
        raise DigitsError(f"There is no view {name[:60]!r}.", hint=f"Installed: {', '.join(sorted(known))}.")
    return known[name]


def asked_view(request: Request, job: Job) -> ViewExtension:
    """Return the view that the request asks for, else the model's default.

    Raises:
        DigitsError: there is none of that name.
    """
    name = argument(request, "view_extension_id").strip()
    return named(name) if name else offered(job, _dataset(request, job.depends_on))[0]


def asked_fields(request: Request, view: ViewExtension) -> tuple[Spec, FormView]:
    """Return the view's settings that the request brings, and the form that shows them.

    Raises:
        DigitsError: one is out of its bounds.
    """
    form = getattr(request.state, "form", None)
    fields: Fields = {name: request.query_params.getlist(name) for name in request.query_params}
    fields = {**(form.fields if form else {}), **fields}
    parsed = parse(view.spec, fields)
    if parsed.spec is None:
        name, texts = next(iter(parsed.problems.items()))
        raise DigitsError(" ".join(texts), where=name)
    own = {name: texts for name, texts in fields.items() if name in view.spec.model_fields}
    return parsed.spec, form_view(view.spec, own, submitted=bool(argument(request, "view_extension_id")) and bool(own))


def template_source(name: str) -> str | None:
    """Return the text of a view's template, None where there is no such view."""
    view: ViewExtension | None = installed("views").get(name)
    if view is None:
        return None
    package, _, file = view.template.partition(":")
    return files(package).joinpath(file).read_text("utf-8")


def static_file(name: str, file: str) -> bytes:
    """Return a file of a view's folder ``static``.

    Raises:
        NotFoundError: there is none.
    """
    view: ViewExtension | None = installed("views").get(name)
    if view is None or file not in (view.script, view.style):
        raise NotFoundError("There is no such file.")
    return files(view.package).joinpath("static").joinpath(file).read_bytes()


async def page(request: Request, job: Job, snapshot: SnapshotRow, look: Look) -> Response:
    """Return the page that shows what the model answers about the pictures of a look, from number ``place`` on."""
    view = asked_view(request, job)
    spec, form = asked_fields(request, view)
    place = whole_number(request, "place", 0)
    dataset = await run_in_threadpool(_dataset, request, look.dataset_id or job.depends_on)
    facts = dataset.facts if dataset else {}
    question = look.question(place, view.most) | {"view": view.name, "fields": spec.model_dump(mode="json")}
    question["dataset"] = {name: value for name, value in facts.items() if name not in _LONG}
    answer = await infer(request, job, snapshot, "/view", question)
    asks_layers = wants_layers(request)
    can_tell = (
        len(look.paths) > place and not look.whole
    )  # a record is no file, and layers are told at the network's own size
    layers = await layers_of(request, job, snapshot, look.paths[place]) if asks_layers and can_tell else None
    count = look.count if look.count is not None else int(answer["count"])
    rows = [Shown.of(each, look.title(place + number, each["name"])) for number, each in enumerate(answer["results"])]
    address = f"/models/looks/{look.name}"
    site = Site(request)
    chosen = {"view_extension_id": view.name} | {name: form.value(name) for name in form.fields}
    chosen |= {"show_visualizations": "1"} if asks_layers else {}

    def page_at(number: int) -> str:
        return site.url(address, place=number * view.most, **chosen)

    return await run_in_threadpool(
        render, request, "models/view.html", status=HTTPStatus.BAD_REQUEST if count == 1 and rows and rows[0].error else HTTPStatus.OK,
        job=job, snapshot=snapshot, view=view, views=offered(job, dataset), form=form, rows=rows, look=look, place=place,
        count=count, pages=page_links(place // view.most, -(-count // view.most), page_at), address=address,
        json=site.url(address + ".json", place=place), dataset=dataset, framework=framework_of(job.framework),
        val_iou=_val_iou(snapshot), asks_layers=asks_layers, can_tell=can_tell,
        lines=layer_lines(layers) if layers else None, num_parameters=layers["num_parameters"] if layers else 0,
    )  # fmt: skip


def _dataset(request: Request, dataset_id: str) -> Job | None:
    try:
        return store(request).job(dataset_id) if dataset_id else None
    except NotFoundError:
        return None


def _val_iou(snapshot: SnapshotRow) -> dict[str, float]:
    """Return the intersection over union of each class in validation, by its name; of the mean under ""."""
    found = {
        name.removesuffix("/val").removeprefix(_IOU): value
        for name, value in snapshot.metrics.items()
        if name.startswith(_IOU) and value is not None
    }
    mean = snapshot.metrics.get("mean_iou/val")
    return found | ({} if mean is None else {"": mean})
