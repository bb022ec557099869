"""Which weights would be copied into which layers, told while a form is filled in."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import SpecError
from digits.core.trainspec import TrainSpec
from digits.web import beginnings, networkview, services
from digits.web.answers import as_json
from digits.web.beginnings import Begun
from digits.web.forms import by_flat_name, fold, problems_of
from digits.web.reading import Form, argument, read_form
from digits.web.shape import shape
from digits.web.site import store


async def copy_table(request: Request) -> Response:
    """``POST /models/copy-table``: a row for each layer of the network and of the weight files, with what would become of it.

    The fields are those of the form. For a previous network the answer has its text too.
    """
    form = await read_form(request)
    try:
        begun = await run_in_threadpool(_begun, request, form)
    except SpecError as error:
        return as_json({"errors": error.problems}, status=HTTPStatus.BAD_REQUEST)
    body = await networkview.question(request, text=begun.text)
    if not begun.weights:
        return as_json({"files": [], "layers": [], "text": begun.text})
    body["weights"] = [{"path": str(each.path), "name": each.name} for each in begun.weights]
    if begun.python:
        body["python_source"] = begun.python
    return as_json(await services.call(request, "inspect", "/copies", body) | {"text": begun.text})


def _begun(request: Request, form: Form) -> Begun:
    """Return what the form's network begins with.

    Raises:
        SpecError: a field is wrong.
    """
    node = shape(TrainSpec)
    network = fold(node, form.fields)["network"]
    dataset, framework = argument(request, "dataset_id") or argument(request, "dataset"), argument(request, "framework")
    try:
        spec = TrainSpec.model_validate({"dataset": dataset, "name": "-", "framework": framework, "network": network})
    except ValidationError as error:
        raise SpecError(problems_of(node, error)) from error
    begun = beginnings.find(store(request), spec)
    if begun.problems:
        raise SpecError(by_flat_name(spec, begun.problems))
    return begun
