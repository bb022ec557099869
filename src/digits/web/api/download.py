"""The trained model as one flat archive, with the names DIGITS gave its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from digits.core.errors import DigitsError, NotFoundError
from digits.core.files import read_json
from digits.store import Job, SnapshotRow
from digits.web import jobjson, services
from digits.web.answers import to_json
from digits.web.archive import EXTENSIONS, MEDIA_TYPES, Member, archive
from digits.web.exporting import exported, then_remove
from digits.web.pretrained import preprocessing
from digits.web.reading import TRAINED, path_job, read_form
from digits.web.site import store
from digits.web.snapshots import asked_epoch, choose

FILES = (
    "solver.prototxt", "train_val.prototxt", "deploy.prototxt", "original.prototxt", "network.py", "digits_python_layers.py", "labels.txt",
    "mean.binaryproto",
)  # fmt: skip


EXAMPLE = Path(__file__).parents[1] / "templates" / "standalone" / "example.py.txt"
"""A script that runs model.onnx on pictures without the product."""


async def download(request: Request) -> Response:
    """``GET, POST /models/<id>/download[.ext]``: built while it is sent, in constant memory."""
    extension = str(request.path_params.get("extension", "tar.gz"))
    if extension not in EXTENSIONS:
        raise DigitsError("Invalid extension", hint=f"Known: {', '.join(EXTENSIONS)}.")
    await read_form(request)
    job = await run_in_threadpool(path_job, request, *TRAINED)
    given, epoch = await run_in_threadpool(asked_epoch, request, job)
    snapshot = choose(await run_in_threadpool(store(request).snapshots, job.id), epoch)
    weights = await exported(request, job, snapshot)
    network = await _network(request, job, snapshot)
    members = await run_in_threadpool(_members, request, job, snapshot, weights)
    if network is not None:
        members += [Member("model.onnx", network), Member("example.py", EXAMPLE.read_bytes())]
    name = f"{job.id}_epoch_{given}.{extension}"
    return StreamingResponse(
        then_remove(then_remove(archive(members, extension), weights), network),
        media_type=MEDIA_TYPES[extension],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _network(request: Request, job: Job, snapshot: SnapshotRow) -> Path | None:
    """Return the network as ONNX, for the example that goes along; None where it cannot go out so: then the rest goes without."""
    framework = jobjson.framework_of(job.framework)
    if framework is None or "onnx" not in framework.exports or not (job.folder.path / "model.json").is_file():
        return None
    try:
        return await exported(request, job, snapshot, "onnx")
    except services.RefusedByServiceError:  # a layer in Python, or what writes ONNX is not installed
        return None


def _members(request: Request, job: Job, snapshot: SnapshotRow, weights: Path) -> list[Member]:
    try:
        dataset = store(request).job(job.depends_on)
    except NotFoundError:
        dataset = None
    info = dict(sorted((jobjson.model(job, dataset, snapshot) | _told(job, snapshot)).items()))
    found = [Member(name, job.folder.path / name) for name in FILES if (job.folder.path / name).is_file()]
    return [
        *found,
        Member(jobjson.snapshot_name(snapshot, job.framework), weights),
        Member("info.json", to_json(info, indent=4)),
    ]


def _told(job: Job, snapshot: SnapshotRow) -> dict[str, Any]:
    """Return what DIGITS' keys do not tell of a model, so that it can come back and answer the same."""
    try:
        facts: dict[str, Any] = read_json(job.folder.path / "model.json")
    except (OSError, ValueError):  # of a training that has not begun
        return {}
    told = {
        "preprocessing": preprocessing(job, facts),
        "epoch": jobjson.plain_epoch(snapshot.epoch),
        "image dimensions": [facts["height"], facts["width"], facts["channels"]],
        "image resize mode": facts["resize_mode"],
    }
    return told if job.kind == "model" else told | {"dataset_id": ""}
