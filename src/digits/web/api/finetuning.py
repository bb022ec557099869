"""Which weights would be copied into which layers, told while a form is filled in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import SpecError
from digits.web import beginnings, networkview, services
from digits.web.answers import as_json, render, takes_json
from digits.web.pages import copies
from digits.web.reading import read_form


async def copy_table(request: Request) -> Response:
    """``POST /models/copy-table``: a row for each layer of the network and of the weight files, with what would become of it.

    The fields are those of the form.
    """
    form = await read_form(request)
    try:
        begun = await run_in_threadpool(beginnings.asked, request, form)
    except SpecError as error:
        return as_json({"errors": error.problems}, status=HTTPStatus.BAD_REQUEST)
    found: dict[str, Any] = {"files": [], "layers": []}
    if begun.weights:
        body = await networkview.question(request, begun)
        body["weights"] = [{"path": str(each.path), "name": each.name} for each in begun.weights]
        found = await services.call(request, "inspect", "/copies", body)
    if takes_json(request):
        return as_json(found)
    return render(request, "models/_copies.html", copies=copies.view(found), rename_href="")
