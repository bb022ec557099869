"""``/store``: what the model stores offer, and an entry brought in."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import DigitsError
from digits.web import modelstore
from digits.web.answers import as_json, json_as_html, plain, wants_json
from digits.web.reading import argument
from digits.web.site import settings, store


def models(request: Request) -> Response:
    """``GET /store/models?refresh=1``: every store by its address, with its entries; ``refresh`` reads them anew."""
    found = modelstore.catalogues(settings(request), refresh=argument(request, "refresh") == "1")
    body = {each.base_url: asdict(each) for each in found}
    return as_json(body) if wants_json(request) else json_as_html(body)


def push(request: Request) -> Response:
    """``GET, POST /store/push?id=``: bring an entry in; answers the id of the new job."""
    entry_id = argument(request, "id")
    if not entry_id:
        raise DigitsError("id is a required field")
    job = modelstore.bring_in(store(request), entry_id, request.state.user)
    return (
        as_json({"id": job.id, "name": job.name, "status": job.state.value}) if wants_json(request) else plain(job.id)
    )
