"""The network of a model: its layers, its graph, and the way to Netron."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.web import jobjson, netron, services
from digits.web.answers import render
from digits.web.beginnings import definition_of
from digits.web.networkview import lines_around, network_of
from digits.web.pages import layertable
from digits.web.reading import TRAINED, path_job
from digits.web.site import store

if TYPE_CHECKING:
    from digits.store import Job

DEFINITIONS = {"deploy.prototxt": "deploy", "train_val.prototxt": "train and val", "original.prototxt": "original"}


async def show(request: Request) -> Response:
    """``GET /models/<id>/network``: the table and the graph, or what is wrong with the network at its line."""
    job = await run_in_threadpool(path_job, request, *TRAINED)
    links = await run_in_threadpool(netron_links, request, job)
    try:
        view = layertable.view(await network_of(request, job))
        error, lines = None, []
    except services.RefusedByServiceError as refused:
        view, error = {}, refused
        lines = lines_around(await run_in_threadpool(definition_of, job), refused.where)
    return render(request, "models/network.html", job=job, netron=links, error=error, lines=lines, **view)


def netron_links(request: Request, job: Job) -> list[tuple[str, str]]:
    """Return (title, address) of all that Netron can open of a model: its definitions, and its newest snapshot in two forms."""
    present = [(title, name) for name, title in DEFINITIONS.items() if (job.folder.path / name).is_file()]
    links = [(title, netron.opening(request, f"/files/{job.id}/{name}")) for title, name in present]
    snapshots = store(request).snapshots(job.id)
    if snapshots:
        weights = jobjson.snapshot_name(snapshots[-1], job.framework)
        links.append(("weights", netron.opening(request, f"/files/{job.id}/{weights}")))
        framework = jobjson.framework_of(job.framework)
    if snapshots and framework and "onnx" in framework.exports:
        links.append(("ONNX", netron.opening(request, f"/models/{job.id}/export/onnx", name=f"{job.id}.onnx")))
    return [(title, href) for title, href in links if href]
