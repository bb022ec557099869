"""What a model's worker says about its inside: each layer's numbers and pictures, and what in a picture speaks for a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from digits.store import Job, SnapshotRow
from digits.web import services
from digits.web.classifying import infer
from digits.web.pages.layerlines import pictures_of
from digits.web.reading import argument
from digits.web.site import link

_NO = ("", "0", "false", "no", "off")


@dataclass(frozen=True)
class ClassMap:
    """What speaks for a class: a picture to lay over the one that was classified."""

    label: str
    picture: str
    """A data address."""


def wants_layers(request: Request) -> bool:
    """Whether "Show visualizations and statistics" is ticked."""
    return argument(request, "show_visualizations").strip().lower() not in _NO


async def layers_of(request: Request, job: Job, snapshot: SnapshotRow, path: str) -> dict[str, Any]:
    """Return what the worker says of each layer while it looks at the picture at ``path``."""
    return await infer(request, job, snapshot, "/layers", {"path": path})


def visualizations(request: Request, layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a JSON answer that tells of layers; ``picture`` is an address, good for a day."""
    rows = [
        row | {"picture": link(request, picture) if picture else None}
        for row, picture in zip(layers["layers"], pictures_of(layers), strict=True)
    ]
    return {"visualizations": rows, "total_parameters": layers["num_parameters"]}


async def maps_of(
    request: Request, job: Job, snapshot: SnapshotRow, path: str, top: Sequence[Sequence[Any]]
) -> list[ClassMap]:
    """Return the class-activation maps of the best classes; none where the network has no places, or cannot be asked backwards."""
    question = {"path": path, "classes": [index for index, _, _ in top]}
    try:
        found = await infer(request, job, snapshot, "/maps", question)
    except (services.FailedInServiceError, services.RefusedByServiceError):  # a Python layer without backward, say
        return []
    labels = {index: str(label) for index, label, _ in top}
    return [
        ClassMap(labels[each["class"]], "data:image/png;base64," + str(each["png_base64"])) for each in found["maps"]
    ]
