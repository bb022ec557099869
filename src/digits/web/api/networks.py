"""Networks and rates before they are trained: the text to change, the graph, the table of layers, the curve of the learning rate."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.beginning import Beginning
from digits.core.errors import DigitsError, NotFoundError
from digits.core.extensions import load
from digits.core.jobfolder import JOB_ID
from digits.core.trainspec import LrPolicy, TrainSpec
from digits.store import Job
from digits.web import beginnings, jobjson, netron, networkview, services
from digits.web.answers import as_json, json_as_html, render, takes_json
from digits.web.forms import fold
from digits.web.pages import layertable
from digits.web.reading import TRAINED, argument, path_job, read_form
from digits.web.shape import Choice, shape
from digits.web.site import store
from digits.web.snapshots import asked_epoch, choose

MAX_RATES = 100
POINTS = 101
_POLICY: TypeAdapter[LrPolicy] = TypeAdapter(LrPolicy)


async def customize(request: Request) -> Response:
    """``POST /models/customize``: the text of a standard network, or of a model with the path of its snapshot."""
    await read_form(request)
    name = argument(request, "network")
    if not name:
        raise DigitsError("network not provided")
    return json_as_html(await run_in_threadpool(_text_of, request, name))


def _text_of(request: Request, name: str) -> dict[str, Any]:
    if not JOB_ID.fullmatch(name):
        framework = networkview.asked_framework(request)
        return {"network": load(framework.standard)(name)}
    job = store(request).job(name)
    if job.kind not in TRAINED:
        raise NotFoundError("Job not found")
    python = beginnings.python_layers_of(job)
    return {
        "network": beginnings.definition_of(job),
        "snapshot": _weights_of(request, job),
        "python_layer": str(python) if python else None,
    }


def _weights_of(request: Request, job: Job) -> str | None:
    """Return the path of the snapshot that is asked for; none for epoch 0, as on DIGITS; at -1 what the model itself began with."""
    asked, epoch = asked_epoch(request, job)
    if job.kind == "pretrained_model":  # it has but one
        return str(
            job.folder.path / jobjson.snapshot_name(choose(store(request).snapshots(job.id), None), job.framework)
        )
    if (not argument(request, "snapshot_epoch") and not argument(request, "epoch")) or asked == "0.0":
        return None
    if epoch is None:
        return ":".join(str(path) for path, _ in Beginning.read(job.folder).files(job.folder)) or None
    return str(job.folder.path / jobjson.snapshot_name(choose(store(request).snapshots(job.id), epoch), job.framework))


async def visualize(request: Request) -> Response:
    """``POST /models/visualize-network``: the graph as an image, the layers as a table, the way to Netron; or what is wrong, at its line."""
    await read_form(request)
    try:
        found = await networkview.asked_network(request)
    except services.RefusedByServiceError as error:
        if takes_json(request):
            raise
        return layertable.problem(request, error, argument(request, "custom_network"))
    links = []
    if networkview.asked_framework(request).definition_suffix == netron.TEXT_SUFFIX:
        links = [("this text", netron.opening_text(request, str(found.get("text", "")), "network.prototxt"))]
    return render(request, "models/_network.html", **layertable.view(found), netron=links)


async def table(request: Request) -> Response:
    """``POST /models/network-table``: every layer with its output, parameters, multiply-adds and receptive field."""
    await read_form(request)
    found = await networkview.asked_network(request)
    return as_json(networkview.layer_table(found, details=argument(request, "details") == "true"))


async def of_model(request: Request) -> Response:
    """``GET /models/<id>/network``: the same table of a model's own network."""
    job = await run_in_threadpool(path_job, request, *TRAINED)
    return as_json(networkview.layer_table(await networkview.network_of(request, job)))


def _warmup(text: str) -> float:
    """Return the percent that ``lr_warmup`` says; what is no percent counts as none, as a form that is being typed has such."""
    try:
        percent = float(text or 0)
    except ValueError:
        return 0.0
    return percent if 0 <= percent < 100 else 0.0


async def visualize_lr(request: Request) -> Response:
    """``POST /models/visualize-lr``: 101 points of each rate that is given."""
    from digits.training.policies import curve

    form = await read_form(request)
    choice = shape(TrainSpec).parts["lr"]
    assert isinstance(choice, Choice)
    if form.text(choice.flat, choice.default) not in choice.branches:
        raise DigitsError("Invalid policy", hint=f"Known: {', '.join(choice.branches)}.")
    try:
        policy = _POLICY.validate_python(fold(shape(TrainSpec), form.fields)["lr"])
    except ValidationError as error:
        first = error.errors()[0]
        raise DigitsError(f"Invalid policy: {first['loc'][-1]}: {first['msg']}.") from error
    texts = [text.strip() for text in form.text("learning_rate", "0.01").strip().strip("[]").split(",")]
    try:
        rates = [float(text) for text in texts if text]
    except ValueError:
        raise DigitsError("learning_rate is a comma-separated list of numbers.") from None
    if len(rates) > MAX_RATES:
        raise DigitsError(f"At most {MAX_RATES} rates at a time.")
    columns = [
        [f"Learning Rate {index}", *curve(policy, rate, _warmup(form.text("lr_warmup")), POINTS)]
        for index, rate in enumerate(rates)
    ]
    return json_as_html({"data": {"columns": columns}})
