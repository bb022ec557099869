"""The table of a network's layers as people read it, and a mistake in a network shown at its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import DigitsError
from digits.web.answers import render
from digits.web.networkview import drawing, layer_table, lines_around
from digits.web.pages import words

STATES = ("train", "val", "deploy")


@dataclass(frozen=True)
class LayerLine:
    """A row of the table; what does not apply is ""."""

    name: str
    type: str
    only: str
    """The states that have it; "" for all."""
    frozen: bool
    """It stays as it is: lr_mult 0."""
    output: str
    parameters: str
    multiply_adds: str
    kernel: str
    stride: str
    pad: str
    receptive_field: str
    cumulative_scale: str


def view(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``models/_network.html`` shows of the inspector's answer."""
    table = layer_table(found, details=True)
    return table | {"graph": drawing(found), "rows": [_line(layer) for layer in table["layers"]]}


def _line(layer: Mapping[str, Any]) -> LayerLine:
    states = layer["states"] or ()
    shapes = [" × ".join(map(str, shape[1:])) for shape in layer["output"] or ()]
    return LayerLine(
        name=layer["name"],
        type=layer["type"],
        only="" if len(states) in (0, len(STATES)) else ", ".join(states),
        frozen=bool(layer["frozen"]),
        output=", ".join(dict.fromkeys(filter(None, shapes))),
        parameters=_count(layer["parameters"]),
        multiply_adds=_count(layer["multiply_adds"]),
        kernel=_sides(layer["kernel"]),
        stride=_sides(layer["stride"]),
        pad=_sides(layer["pad"]),
        receptive_field=_sides(layer["receptive_field"]),
        cumulative_scale=_sides(layer["cumulative_scale"]),
    )


def _count(value: int | None) -> str:
    return words.commas(value) if value else ""


def _sides(values: Sequence[float] | None) -> str:
    """Return (5, 5) as "5" and (1, 7) as "1 × 7"; what is below 1 as a fraction: "1/2"."""
    distinct = list(values or ())
    return " × ".join(map(_short, distinct[:1] if len(set(distinct)) == 1 else distinct))


def _short(value: float) -> str:
    return words.commas(value) if float(value).is_integer() else str(Fraction(value).limit_denominator(1000))


def problem(request: Request, error: DigitsError, text: str) -> Response:
    """Return the fragment that says what is wrong with a network, with the lines around it."""
    return render(
        request,
        "models/_network_problem.html",
        status=error.http_status,
        error=error,
        lines=lines_around(text, error.where),
    )
