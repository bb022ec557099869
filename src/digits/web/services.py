"""Asking the processes that the runner keeps warm: an inference worker for one snapshot, and the inspector.

They are wanted by a row in the store, started by the runner, and listen on 127.0.0.1 with a token; the first request waits while one starts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

import anyio
import httpx
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from digits.core.errors import DigitsError, NotFoundError
from digits.store import Service
from digits.web.answers import to_json
from digits.web.site import store

START_S = 90.0
"""How long a service may take to start: it imports torch, on a machine that may be busy training."""
RUNNER_S = 5.0
"""How long to wait for a runner, which may be starting beside the web server."""
POLL_S = 0.1
ANSWER_S = 300.0
MAX_SCAN_S = 60.0
SCAN_POLL_S = 0.25


class ServiceError(DigitsError):
    """No process answers: it did not start, or went away."""

    code = "service"
    http_status = 503


class RefusedByServiceError(DigitsError):
    """The service looked at what it was given and says what is wrong with it."""

    code = "refused"


class FailedInServiceError(DigitsError):
    """The service failed over what it was given."""

    code = "service-failed"
    http_status = 500


async def call(
    request: Request,
    kind: Literal["infer", "inspect"],
    path: str,
    body: Mapping[str, Any],
    *,
    job_id: str = "",
    epoch: float | None = None,
) -> dict[str, Any]:
    """Return what the service answers to ``body`` at ``path``, having it started first if need be.

    Raises:
        NotFoundError: there is no such job or snapshot.
        ServiceError: it does not come up, in words of why.
        RefusedByServiceError: what was given is at fault.
        FailedInServiceError: it failed.
    """
    deadline = time.monotonic() + START_S
    while True:
        service = await _ready(request, kind, job_id, epoch, deadline)
        response: httpx.Response | None
        try:
            response = await _client(request).post(
                f"http://{service.address}{path}",
                content=to_json(dict(body)),  # httpx's own JSON fails over the bytes of odd file names
                headers={"Authorization": f"Bearer {service.token}", "Content-Type": "application/json"},
            )
        except httpx.TimeoutException as error:
            raise ServiceError("The answer took too long.", hint="Ask for less at a time.") from error
        except httpx.TransportError:
            response = None  # it left for idleness or died
        if response is not None and response.status_code != HTTPStatus.UNAUTHORIZED:
            return _read(response)
        # The row is of a process that has gone, and its port may be another's by now: the runner will see that.
        if time.monotonic() > deadline:
            raise ServiceError("The process that should answer has gone.", hint="Try again.")
        await anyio.sleep(POLL_S)


async def scan(request: Request, path: str, question: Mapping[str, Any], wait_s: float | None = None) -> dict[str, Any]:
    """Return what the inspector's scan at ``path`` has found, ``state`` "running" or "done"; it is waited for, at most a minute.

    Raises:
        DigitsError: see :func:`call`.
    """
    deadline = time.monotonic() + (MAX_SCAN_S if wait_s is None else min(max(wait_s, 0.0), MAX_SCAN_S))
    while True:
        found = await call(request, "inspect", path, question)
        if found.get("state") != "running" or time.monotonic() >= deadline:
            return found
        await anyio.sleep(SCAN_POLL_S)


def _client(request: Request) -> httpx.AsyncClient:
    state = request.app.state
    if state.http is None:
        # Services listen on loopback alone; a proxy from the environment has no business between us and them.
        state.http = httpx.AsyncClient(timeout=ANSWER_S, trust_env=False)
    client: httpx.AsyncClient = state.http
    return client


async def _ready(
    request: Request, kind: Literal["infer", "inspect"], job_id: str, epoch: float | None, deadline: float
) -> Service:
    service = await run_in_threadpool(store(request).ask_service, kind, job_id, epoch)
    runner_deadline = time.monotonic() + RUNNER_S
    while service.state != "ready":
        if service.state == "failed":
            trouble = service.error
            raise ServiceError(
                trouble.message if trouble else "The process that should answer did not start.",
                where=trouble.where if trouble else "",
                hint=trouble.hint if trouble else "",
            )
        now = time.monotonic()
        if now > runner_deadline and not await run_in_threadpool(store(request).runner_alive):
            raise ServiceError("No runner works here, so nothing can be computed.", hint="Start `digits-devserver`.")
        if now > deadline:
            raise ServiceError(
                f"The process that should answer did not start in {START_S:g} seconds.", hint="Try again."
            )
        await anyio.sleep(POLL_S)
        try:
            service = await run_in_threadpool(store(request).service, service.id)
        except NotFoundError:  # it came and went
            service = await run_in_threadpool(store(request).ask_service, kind, job_id, epoch)
    return service


def _read(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if response.status_code == 200 and isinstance(answer, dict):
        return answer
    error = answer.get("error", {}) if isinstance(answer, dict) else {}
    kind = RefusedByServiceError if 400 <= response.status_code < 500 else FailedInServiceError
    raise kind(
        str(error.get("message") or f"The service answered {response.status_code}."),
        where=str(error.get("where") or ""),
        hint=str(error.get("hint") or ""),
    )
