"""For those who watch the server: is it alive, and can it take and run jobs?"""

from __future__ import annotations

import os
import shutil

from starlette.requests import Request
from starlette.responses import Response

from digits.web.answers import as_json
from digits.web.site import settings, store


def healthz(request: Request) -> Response:
    """``GET /healthz``: this process answers."""
    del request
    return as_json({"status": "ok"})


def readyz(request: Request) -> Response:
    """``GET /readyz``: each condition by name; 503 if one does not hold."""
    own = settings(request)
    own.jobs.mkdir(parents=True, exist_ok=True)
    checks = {
        "database": bool(store(request).counts() is not None),
        "jobs folder": os.access(own.jobs, os.W_OK | os.X_OK),
        "disk": shutil.disk_usage(own.jobs).free >= own.min_free_disk_bytes,
        "runner": store(request).runner_alive(),
    }
    ready = all(checks.values())
    return as_json({"status": "ready" if ready else "not ready", "checks": checks}, status=200 if ready else 503)
