"""The curves of a training, for the page that draws them and for those who take the numbers away."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from digits.core.errors import DigitsError
from digits.web.answers import as_json, tag_of, tagged, unchanged
from digits.web.reading import number, path_job, whole_number


def metrics(request: Request) -> Response:
    """``GET /models/<id>/metrics``: each series in at most ``points`` buckets; 304 while no curve has grown."""
    from digits.store import metrics as curves

    job = path_job(request, "model")
    tag = tag_of(job.id, job.attempt, curves.version(job.folder), request.url.query)
    same = unchanged(request, tag)
    if same is not None:
        return same
    wanted = [name for name in request.query_params.get("series", "").split(",") if name]
    after = number(request, "after")
    if after is not None and abs(after) > 2**62:
        raise DigitsError("after is no step.")
    series = curves.read(
        job.folder,
        wanted or None,
        number(request, "from"),
        number(request, "to"),
        whole_number(request, "points", curves.MAX_BUCKETS, least=1),
        None if after is None else int(after),
    )
    return tagged(request, as_json({"series": series}), tag)


def metrics_csv(request: Request) -> Response:
    """``GET /models/<id>/metrics.csv``: every point."""
    from digits.store import metrics as curves

    job = path_job(request, "model")
    return StreamingResponse(
        curves.csv_lines(job.folder),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{job.id}_metrics.csv"'},
    )
