"""Pictures of layers, which a model's worker left in the spool when it was asked for them."""

from __future__ import annotations

import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import NotFoundError
from digits.web.reading import spool_folder
from digits.web.site import settings

_FOLDER = re.compile(r"layers-[0-9a-f]{32}")
_NUMBER = re.compile(r"[0-9]{1,6}")
KEPT_S = 24 * 3600


async def picture(request: Request) -> Response:
    """``GET /models/inside/<look>/<number>.png``: one layer's tiles, for a day; the name of the look cannot be guessed."""
    look, number = str(request.path_params["look"]), str(request.path_params["number"])
    if not (_FOLDER.fullmatch(look) and _NUMBER.fullmatch(number)):
        raise NotFoundError("There is no such picture.")
    path = spool_folder(settings(request)) / look / f"{number}.png"
    try:
        data = await run_in_threadpool(path.read_bytes)
    except OSError as error:
        raise NotFoundError("This picture is gone: it is kept for a day.", hint="Classify the image again.") from error
    return Response(data, headers={"Cache-Control": f"private, max-age={KEPT_S}, immutable"}, media_type="image/png")
