"""The standard networks, as a list for one dataset."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from digits.core.extensions import extension
from digits.web import jobjson, modelkinds
from digits.web.answers import as_json, render, wants_json
from digits.web.reading import argument, whole_number
from digits.web.site import store
from digits.web.standardlist import as_rows, offers


def networks(request: Request) -> Response:
    """``GET /models/standard-networks?dataset_id=&target_kind=&crop_size=&framework=``: each with what it learns on the dataset; the form's table, or JSON."""
    dataset_id = argument(request, "dataset_id")
    dataset = store(request).job(dataset_id) if dataset_id else None
    shape = jobjson.picture_shape(dataset)
    found = offers(
        argument(request, "target_kind") or modelkinds.target_kind(dataset),
        extension("frameworks", argument(request, "framework") or "caffe"),
        shape=(shape[0], shape[1], shape[2]) if shape else None,
        num_classes=len(dataset.facts.get("labels", ())) if dataset else None,
        crop_size=whole_number(request, "crop_size", 0, most=30_000) or None,
    )
    if wants_json(request):
        return as_json({"networks": as_rows(found)})
    chosen = argument(request, "standard_networks")
    return render(request, "models/form/_standard.html", offers=found, chosen_network=chosen, shape=shape)
