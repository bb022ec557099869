"""Testing a model: one picture, a list of them, and the pictures that look most like each class. No name is needed for it."""

from __future__ import annotations

import shlex
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import DigitsError
from digits.store import Job, SnapshotRow
from digits.web import services
from digits.web.answers import as_json, render, wants_json
from digits.web.classifying import (
    are_numbers,
    as_stream,
    asked_model,
    classify,
    infer,
    labels_of,
    one_picture,
    percent,
)
from digits.web.inside import layers_of, maps_of, visualizations, wants_layers
from digits.web.jobjson import plain_epoch
from digits.web.pages.layerlines import layer_lines
from digits.web.reading import argument, read_form, whole_number
from digits.web.tally import TOP
from digits.web.testsets import asked_set

SHOWN_ROWS = 100
SHOWN_CLASSES = 100


async def one(request: Request) -> Response:
    """``classify_one``: the five likeliest classes; with ``show_visualizations`` every layer's numbers and pictures too.

    Template ``models/classify_one.html`` gets ``job``, ``snapshot``, ``name`` (of the picture, as its owner calls it), ``predictions``
    ([(label, percent)], or with ``numbers`` those of a regression), ``picture`` (a data address: as the network sees it), ``width``, ``height``,
    ``curl`` (the same question for a shell), ``json`` (its address, "" for an upload), ``seconds``, ``maps`` ([``digits.web.inside.ClassMap``], of the predictions), ``lines`` ([``digits.web.pages.layerlines.LayerLine``],
    None unless asked for) and ``num_parameters``.
    """
    await read_form(request)
    job, snapshot = await run_in_threadpool(asked_model, request)
    async with one_picture(request) as (path, name):
        body = {"paths": [str(path)], "top": TOP}
        try:
            answer = await infer(request, job, snapshot, "/classify", body)
        except services.FailedInServiceError as error:
            if wants_json(request):
                return as_json({"predictions": [], "error": {"message": str(error)}}, status=error.http_status)
            raise
        result = answer["results"][0]
        if not result["ok"]:
            trouble = result["error"]
            raise DigitsError(trouble["message"], where=name, hint=trouble.get("hint") or "")
        numbers = are_numbers(answer)
        top = result["top"]
        predictions = [[label, value] for _, label, value in top] if numbers else percent(top)
        layers = await layers_of(request, job, snapshot, str(path)) if wants_layers(request) else None
        if wants_json(request):
            return as_json({"predictions": predictions} | (visualizations(request, layers) if layers else {}))
        seen = await infer(request, job, snapshot, "/picture", {"path": str(path)})
        maps = [] if numbers else await maps_of(request, job, snapshot, str(path), top)
    return render(
        request,
        "models/classify_one.html",
        job=job,
        snapshot=snapshot,
        name=name,
        predictions=predictions,
        numbers=numbers,
        picture="data:image/png;base64," + seen["png_base64"],
        width=seen["width"],
        height=seen["height"],
        curl=_curl(request, job, snapshot, name),
        json=_json_address(request, job, snapshot),
        seconds=answer["seconds"],
        maps=maps,
        lines=layer_lines(layers) if layers else None,
        num_parameters=layers["num_parameters"] if layers else 0,
    )


def _curl(request: Request, job: Job, snapshot: SnapshotRow, name: str) -> str:
    """Return the question as a command for a shell; an upload is named as its owner calls it."""
    words = ["curl", str(request.url.replace(query="")).removesuffix(".json") + ".json"]
    words += ["-F", f"job_id={job.id}", "-F", f"snapshot_epoch={plain_epoch(snapshot.epoch)}"]
    if request.state.form.file("image_file") is None:
        words += ["--form-string", f"image_path={name}"]
    else:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        words += ["-F", f'image_file=@"{quoted}"']
    return shlex.join(words)


def _json_address(request: Request, job: Job, snapshot: SnapshotRow) -> str:
    """Return where the same answer stands as JSON; "" for an upload, which is gone."""
    if request.state.form.file("image_file") is not None:
        return ""
    asked = {
        "job_id": job.id,
        "snapshot_epoch": plain_epoch(snapshot.epoch),
        "image_path": argument(request, "image_path"),
    }
    return f"{request.url.path}.json?{urlencode(asked)}"


async def many(request: Request) -> Response:
    """``classify_many``: the five likeliest classes of each picture of a list or of a dataset's database.

    Template ``models/classify_many.html`` gets ``job``, ``snapshot``, ``report`` (``digits.web.tally.Report``), ``rows``
    ([(path, true label, [(label, probability)])], the first 100), ``refused`` ([Refused]), ``pictures`` (data addresses of
    ``report.mistakes``, "" where one cannot be read) and ``seconds``.
    """
    await read_form(request)
    job, snapshot = await run_in_threadpool(asked_model, request)
    pictures = await run_in_threadpool(lambda: asked_set(request, labels_of(job)))
    if wants_json(request):
        return await as_stream(request, job, snapshot, pictures)
    answers = await classify(request, job, snapshot, pictures)
    report = await run_in_threadpool(answers.tally.report)
    shown = [await pictures.picture(request, job, snapshot, answers.places[each.row]) for each in report.mistakes]
    return render(
        request,
        "models/classify_many.html",
        job=job,
        snapshot=snapshot,
        report=report,
        rows=report.rows(0, SHOWN_ROWS),
        refused=answers.refused,
        pictures=shown,
        seconds=answers.seconds,
    )


async def top_n(request: Request) -> Response:
    """``top_n``: of a list or of a dataset's database, the pictures with the highest score of each class.

    Template ``models/top_n.html`` gets ``job``, ``snapshot``, ``classes`` ([(label, [(path, probability, data address)])], the first
    100 classes), ``num_classes``, ``count`` (pictures looked at), ``refused`` and ``seconds``.
    """
    await read_form(request)
    job, snapshot = await run_in_threadpool(asked_model, request)
    count = whole_number(request, "top_n", 9, least=1, most=100)
    pictures = await run_in_threadpool(lambda: asked_set(request, labels_of(job)))
    answers = await classify(request, job, snapshot, pictures, best_of=count)
    labels, paths = answers.tally.labels, answers.tally.paths
    if wants_json(request):
        best = [[[paths[row], round(100 * score, 2)] for row, score in answers.best.of(i)] for i in range(len(labels))]
        refused = [{"path": each.path, "reason": each.reason} for each in answers.refused]
        rows = [{"label": label, "pictures": pictures} for label, pictures in zip(labels, best, strict=True)]
        return as_json({"classes": rows, "count": len(paths), "refused": refused})
    classes = []
    for class_id, label in enumerate(labels[:SHOWN_CLASSES]):
        cells = [
            (paths[row], score, await pictures.picture(request, job, snapshot, answers.places[row]))
            for row, score in answers.best.of(class_id)
        ]
        classes.append((label, cells))
    return render(
        request,
        "models/top_n.html",
        job=job,
        snapshot=snapshot,
        classes=classes,
        num_classes=len(labels),
        count=len(paths),
        refused=answers.refused,
        seconds=answers.seconds,
    )
