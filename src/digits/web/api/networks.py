"""Networks and rates before they are trained: the text to change, the graph, the table of layers, the curve of the learning rate."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import DigitsError, NotFoundError
from digits.core.extensions import FrameworkExtension, extension, load
from digits.core.jobfolder import JOB_ID
from digits.core.trainspec import LrPolicy, TrainSpec
from digits.web import jobjson, services
from digits.web.answers import as_json, json_as_html, render
from digits.web.forms import fold
from digits.web.reading import argument, read_form, whole_number
from digits.web.shape import Choice, shape
from digits.web.site import store
from digits.web.snapshots import asked_epoch, choose

MAX_RATES = 100
POINTS = 101
MAX_SIDE = 30_000
DEFAULT_SHAPE = (256, 256, 3)
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
        framework = _framework(request)
        return {"network": load(framework.standard)(name)}
    job = store(request).job(name)
    if job.kind != "model":
        raise NotFoundError("Job not found")
    asked, epoch = asked_epoch(request)
    snapshot = None
    if asked not in ("-1", "0.0"):  # DIGITS: 0 is none
        snapshot = choose(store(request).snapshots(job.id), epoch)
    try:
        text = (job.folder.path / "original.prototxt").read_text("utf-8", "replace")
    except OSError:
        text = _submitted_text(job.spec)
    path = str(job.folder.path / jobjson.snapshot_name(snapshot)) if snapshot else None
    return {"network": text, "snapshot": path, "python_layer": None}


def _submitted_text(spec: Mapping[str, Any]) -> str:
    """Return the network of a training that has not begun."""
    chosen = TrainSpec.model_validate(spec).network
    if chosen.method == "custom":
        return chosen.text
    framework: FrameworkExtension = extension("frameworks", str(spec.get("framework", "")))
    text: str = load(framework.standard)(chosen.name)
    return text


def _framework(request: Request) -> FrameworkExtension:
    name = argument(request, "framework")
    if not name:
        raise DigitsError("framework not provided")
    found: FrameworkExtension = extension("frameworks", name)
    return found


async def visualize(request: Request) -> Response:
    """``POST /models/visualize-network``: the graph as an ``image`` element (DIGITS' own word), and the layers as a table."""
    await read_form(request)
    found = await _network(request)
    graph = "data:image/svg+xml;base64," + base64.b64encode(str(found.get("graph_svg", "")).encode()).decode()
    return render(request, "models/_network.html", graph=graph, **layer_table(found))


async def table(request: Request) -> Response:
    """``POST /models/network-table``: every layer with its output, parameters, multiply-adds and receptive field."""
    await read_form(request)
    return as_json(layer_table(await _network(request)))


def layer_table(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the inspector found under the names of the REST API."""
    return {
        "layers": [
            {
                "name": layer["name"],
                "type": layer["type"],
                "line": layer.get("line"),
                "bottoms": layer.get("bottoms", []),
                "tops": layer.get("tops", []),
                "states": layer.get("states", []),
                "output": layer.get("output_shapes"),
                "parameters": layer.get("num_parameters"),
                "multiply_adds": layer.get("multiply_adds"),
                "stride": layer.get("stride"),
                "pad": layer.get("pad"),
                "kernel": layer.get("kernel"),
                "receptive_field": layer.get("receptive_field"),
                "cumulative_scale": layer.get("cumulative_stride"),
            }
            for layer in found.get("layers", ())
        ],
        "parameters": found.get("parameters"),
        "multiply_adds": found.get("multiply_adds"),
        "activations_bytes": found.get("activations_bytes"),
        "batch_size": found.get("batch_size"),
        "warnings": found.get("warnings", []),
    }


async def _network(request: Request) -> dict[str, Any]:
    """Ask the inspector to build the network that the request names, at the sizes that it or its dataset gives."""
    framework = _framework(request)
    text, standard = argument(request, "custom_network"), argument(request, "standard_network")
    if not text and not standard:
        raise DigitsError("custom_network is a required field")
    height, width, channels, num_classes = await run_in_threadpool(_sizes, request)
    body = {
        "framework": framework.name,
        "channels": whole_number(request, "channels", channels, least=1, most=4096),
        "height": whole_number(request, "height", height, least=1, most=MAX_SIDE),
        "width": whole_number(request, "width", width, least=1, most=MAX_SIDE),
        "num_classes": whole_number(request, "num_classes", num_classes, least=1),
        "crop_size": whole_number(request, "crop_size", 0, most=MAX_SIDE) or None,
        "batch_size": whole_number(request, "batch_size", 0, most=1_000_000) or None,
    }
    body |= {"text": text.replace("\r\n", "\n")} if text else {"standard": standard}
    return await services.call(request, "inspect", "/network", body)


def _sizes(request: Request) -> tuple[int, int, int, int]:
    """Return (height, width, channels, number of classes) of the dataset that is named, else usual ones."""
    dataset_id = argument(request, "dataset_id") or argument(request, "dataset")
    if not dataset_id:
        return *DEFAULT_SHAPE, 10
    job = store(request).job(dataset_id)
    height, width, channels = jobjson.picture_shape(job) or DEFAULT_SHAPE
    return height, width, channels, len(job.facts.get("labels", ())) or 10


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
    columns = [[f"Learning Rate {index}", *curve(policy, rate, POINTS)] for index, rate in enumerate(rates)]
    return json_as_html({"data": {"columns": columns}})
