"""Curves as SVG for a page without scripts: lines over epochs, a grid, numbers at round places. Colours are the classes of the page's style."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from digits.web.pages import words

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 8, 24
ROOM = 1.05
FEW = 60
"""Up to so many points are marked each."""


@dataclass(frozen=True)
class Line:
    """A curve: its name, its class of colour (1 to 8), whether it is bold, and its points; None where a value is no number."""

    name: str
    hue: int
    bold: bool
    xs: Sequence[float]
    ys: Sequence[float | None]


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about ``count`` round numbers (1, 2 or 5 times a power of ten apart) from ``low`` to ``high``."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return [low]
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def chart(lines: Sequence[Line], *, percent: bool = False) -> Markup:
    """Return the curves on common axes; "" where none has a point.

    A loss is drawn from 0 (or its least) and not so high that its first values flatten all that follows; ``percent``: values are shares.
    """
    lines = [line for line in lines if any(y is not None for y in line.ys)]
    if not lines:
        return Markup("")
    scale = 100.0 if percent else 1.0
    values = sorted(y * scale for line in lines for y in line.ys if y is not None)
    right = max(max(line.xs) for line in lines) or 1.0
    low, high = _percent_range(values) if percent else _range(values)
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    parts = [_across(y, TOP + height * (1 - (y - low) / (high - low)), percent) for y in ticks(low, high)]
    parts += [_up(x, LEFT + width * x / right) for x in ticks(0, right, 10)]
    drawn = [
        _drawn(line, [(width * x / right, height * (1 - (y * scale - low) / (high - low)))
                      for x, y in zip(line.xs, line.ys, strict=True) if y is not None])
        for line in lines
    ]  # fmt: skip
    parts.append(
        Markup('<svg x="{x}" y="{y}" width="{w}" height="{h}">{lines}</svg>').format(
            x=LEFT, y=TOP, w=width, h=height, lines=Markup("").join(drawn)
        )
    )
    label = "; ".join(f"{line.name}: {_last(line, percent)} at the end" for line in lines)
    return Markup('<svg class="plot" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">{parts}</svg>').format(
        w=WIDTH, h=HEIGHT, label=label, parts=Markup("").join(parts)
    )


def _last(line: Line, percent: bool) -> str:
    value = next(y for y in reversed(line.ys) if y is not None)
    return f"{words.percent(value)} %" if percent else words.figure(value)


def _range(values: Sequence[float]) -> tuple[float, float]:
    high = values[-1]
    usual = values[int(len(values) * 0.92)] * 1.6 if len(values) >= 12 else high * ROOM
    low = min(0.0, values[0] * ROOM)
    top = min(high * ROOM, max(usual, 1e-6))
    return low, top if top > low else low + 1.0


def _percent_range(values: Sequence[float]) -> tuple[float, float]:
    usual = values[math.ceil(len(values) * 0.12) if len(values) >= 4 else 0]
    low = min(90.0, max(0.0, math.floor((usual - 2) / 10) * 10.0))
    high = values[-1]
    return low, 100 + (100 - low) * 0.025 if high > 80 else max(low + 10, math.ceil((high + 2) / 10) * 10.0)


def _across(value: float, y: float, percent: bool) -> Markup:
    text = words.plain(value) + (" %" if percent else "")
    return Markup(
        '<line class="grid" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/><text class="y" x="{x}" y="{base}">{text}</text>'
    ).format(left=LEFT, right=WIDTH - RIGHT, y=f"{y:.1f}", x=LEFT - 8, base=f"{y + 4:.1f}", text=text)


def _up(value: float, x: float) -> Markup:
    return Markup(
        '<line class="grid" x1="{x}" x2="{x}" y1="{top}" y2="{bottom}"/><text class="x" x="{x}" y="{base}">{text}</text>'
    ).format(x=f"{x:.1f}", top=TOP, bottom=HEIGHT - BOTTOM, base=HEIGHT - 6, text=words.plain(value))


def _drawn(line: Line, places: Sequence[tuple[float, float]]) -> Markup:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    bold = " bold" if line.bold else ""
    found = Markup('<polyline class="line-{hue}{bold}" points="{points}"/>').format(
        hue=line.hue, bold=bold, points=points
    )
    if len(places) > FEW or not (line.bold or len(places) == 1):
        return found
    dots = [Markup('<circle cx="{x}" cy="{y}" r="2.5"/>').format(x=f"{x:.1f}", y=f"{y:.1f}") for x, y in places]
    return found + Markup('<g class="dot-{hue}">{dots}</g>').format(hue=line.hue, dots=Markup("").join(dots))
