"""Every part of the pages once: the sheet to compare against."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from digits.core.states import JobState
from digits.web.answers import render

COLOURS = (
    "bg", "surface", "inset", "line", "line-strong", "muted", "text", "accent", "initialized", "waiting", "running", "done",
    "aborted", "error", "accent-soft", "wait-soft", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8",
)  # fmt: skip
COLOUR_NAMES = {"s1": "1 accuracy", "s2": "2 loss", "s3": "3 rate"} | {f"s{n}": str(n) for n in range(4, 9)}
STATES = (
    (JobState.INITIALIZED, "made, not yet in the queue"),
    (JobState.WAITING, "in the queue, or waits for a GPU"),
    (JobState.RUNNING, "works; progress and time left are shown"),
    (JobState.DONE, "finished, everything written"),
    (JobState.ABORTED, "stopped by a person; what is there stays usable"),
    (JobState.ERROR, "stopped by a fault; the page says what, where, what to do"),
)


def components(request: Request) -> Response:
    """``GET /components``."""
    colours = [(name, COLOUR_NAMES.get(name, name)) for name in COLOURS]
    return render(request, "components.html", colours=colours, states=STATES)
