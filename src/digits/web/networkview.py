"""A network as people and clients are told of it: the question to the inspector, the table of layers, the drawing, the place of a mistake."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from digits.core.errors import DigitsError, NotFoundError
from digits.core.extensions import FrameworkExtension, extension
from digits.core.files import read_json
from digits.store import Job
from digits.web import beginnings, jobjson, modelkinds, services
from digits.web.beginnings import Begun
from digits.web.reading import argument, read_form, whole_number
from digits.web.site import store

MAX_SIDE = 30_000
DEFAULT_SHAPE = (256, 256, 3)
LAYER_KEYS = {
    "name": "name", "type": "type", "output": "output_shapes", "parameters": "num_parameters", "multiply_adds": "multiply_adds",
    "stride": "stride", "pad": "pad", "kernel": "kernel", "receptive_field": "receptive_field",
    "cumulative_scale": "cumulative_stride",
}  # fmt: skip
"""Key of the REST API to field of ``LayerInfo``."""
DETAILS = ("line", "bottoms", "tops", "states", "frozen")
NUM_AROUND = 2


def asked_framework(request: Request) -> FrameworkExtension:
    """Return the framework that the request names.

    Raises:
        DigitsError: it names none.
    """
    name = argument(request, "framework")
    if not name:
        raise DigitsError("framework not provided")
    found: FrameworkExtension = extension("frameworks", name)
    return found


async def asked_network(request: Request) -> dict[str, Any]:
    """Let the inspector build the network that the request names, at the sizes that it or its dataset gives; see ``describe``.

    Raises:
        DigitsError: nothing is named, or a size is none.
        RefusedByServiceError: the network cannot be built; ``where`` is its line.
    """
    begun = None
    if argument(request, "method") in ("previous", "pretrained"):
        begun = await run_in_threadpool(beginnings.asked, request, await read_form(request))
    return await services.call(request, "inspect", "/network", await question(request, begun))


async def question(request: Request, begun: Begun | None = None) -> dict[str, Any]:
    """Return what the inspector is asked about the network that the request names, or that another model lends.

    Raises:
        DigitsError: nothing is named, a size is none, or the file of layers written in Python is no Python.
    """
    framework = asked_framework(request)
    lent = begun if begun and begun.model else None
    text, standard = lent.text if lent else argument(request, "custom_network"), argument(request, "standard_network")
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
    body |= await run_in_threadpool(_target_kind, request)
    python = lent.python if lent else await run_in_threadpool(beginnings.asked_python, request)
    body |= {"python_source": python} if python else {}
    return body | ({"text": text.replace("\r\n", "\n")} if text else {"standard": standard})


def _sizes(request: Request) -> tuple[int, int, int, int]:
    """Return (height, width, channels, number of classes) of the dataset that is named, else usual ones."""
    dataset_id = argument(request, "dataset_id") or argument(request, "dataset")
    if not dataset_id:
        return *DEFAULT_SHAPE, 10
    return _sizes_of(store(request).job(dataset_id))


def _target_kind(request: Request) -> dict[str, str]:
    """Return what the records of the dataset that is named are labelled with, if one is."""
    dataset_id = argument(request, "dataset_id") or argument(request, "dataset")
    return {"target_kind": modelkinds.target_kind(store(request).job(dataset_id))} if dataset_id else {}


def _sizes_of(dataset: Job) -> tuple[int, int, int, int]:
    height, width, channels = jobjson.picture_shape(dataset) or DEFAULT_SHAPE
    return height, width, channels, len(dataset.facts.get("labels", ())) or 10


async def network_of(request: Request, job: Job) -> dict[str, Any]:
    """Let the inspector build the network of a model, as its training built it.

    Raises:
        RefusedByServiceError: it cannot be built; ``where`` is its line.
    """
    body = await run_in_threadpool(question_of, request, job)
    return await services.call(request, "inspect", "/network", body)


def question_of(request: Request, job: Job) -> dict[str, Any]:
    """Return what the inspector is asked about a model's network: at the sizes that the training wrote down, else those of its dataset."""
    try:
        height, width, channels, num_classes = _sizes_of(store(request).job(job.depends_on))
    except NotFoundError:
        (height, width, channels), num_classes = DEFAULT_SHAPE, 10
    written, labels = job.folder.path / "model.json", job.folder.path / "labels.txt"
    facts = read_json(written) if written.is_file() else {}
    python = beginnings.python_layers_of(job)
    return {
        "framework": job.spec.get("framework", job.extension),
        "text": beginnings.definition_of(job),
        "target_kind": facts.get("target_kind", "class"),
        "python_source": python.read_text("utf-8") if python else "",
        "height": facts.get("height", height),
        "width": facts.get("width", width),
        "channels": facts.get("channels", channels),
        "num_classes": len(labels.read_text("utf-8").splitlines()) if labels.is_file() else num_classes,
        "crop_size": job.spec.get("crop_size") or None,
        "batch_size": job.spec.get("batch_size") or None,
    }


def layer_table(found: Mapping[str, Any], *, details: bool = False) -> dict[str, Any]:
    """Return what the inspector found under the names of the REST API.

    Args:
        found: the inspector's answer.
        details: also what the pages of this product need: lines of the text, states, costs of the whole.
    """
    keys = LAYER_KEYS | (dict(zip(DETAILS, DETAILS, strict=True)) if details else {})
    told: dict[str, Any] = {
        "layers": [{key: layer.get(name) for key, name in keys.items()} for layer in found.get("layers", ())],
        "parameters": found.get("parameters"),
        "activations_bytes": found.get("activations_bytes"),
    }
    if details:
        told |= {name: found.get(name) for name in ("multiply_adds", "batch_size", "picture_s")}
        told["warnings"] = found.get("warnings", [])
    return told


def drawing(found: Mapping[str, Any]) -> str:
    """Return the graph as the address of an image."""
    return "data:image/svg+xml;base64," + base64.b64encode(str(found.get("graph_svg", "")).encode()).decode()


def lines_around(text: str, where: str) -> list[tuple[int, str, bool]]:
    """Return (number, text, is it the one) of the lines about "line 12", nothing where ``where`` names no line of the text."""
    named = re.search(r"(?:line |:)(\d{1,7})", where)
    lines = text.splitlines()
    at = int(named[1]) if named else 0
    if not 0 < at <= len(lines):
        return []
    return [
        (number, lines[number - 1], number == at)
        for number in range(max(1, at - NUM_AROUND), min(len(lines), at + NUM_AROUND) + 1)
    ]
