"""What "Show visualizations and statistics" shows of each layer: numbers in words, the histogram as bars, the address of its picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from digits.web.pages import words

BARS_WIDTH, BARS_HEIGHT = 160, 44


@dataclass(frozen=True)
class LayerLine:
    """A row of the table."""

    name: str
    kind: str
    layer_type: str
    shape: str
    parameters: str
    """ "" but for weights."""
    mean: str
    std: str
    bars: str
    """The path of an SVG of 160 x 44: the root of each bin's count."""
    low: str
    high: str
    picture: str
    """Its address below the server's, "" where there is none."""
    width_px: int
    height_px: int
    remark: str
    """Why there is no picture, or how many of its tiles are shown."""


def layer_lines(found: Mapping[str, Any]) -> list[LayerLine]:
    """Return the rows of what the model's worker answered to ``/layers``."""
    return [_line(row, picture) for row, picture in zip(found["layers"], pictures_of(found), strict=True)]


def pictures_of(found: Mapping[str, Any]) -> list[str]:
    """Return the address of each row's picture, "" where there is none."""
    folder = found["folder"]
    return [
        f"/models/inside/{folder}/{number}.png" if row["tiles"] else "" for number, row in enumerate(found["layers"])
    ]


def _line(row: Mapping[str, Any], picture: str) -> LayerLine:
    counts, _, ticks = row["histogram"]
    tiles = row["tiles"] or {"width": 0, "height": 0, "count": 0, "shown": 0}
    remark = "" if picture else "No picture for the weights of a fully connected layer."
    if tiles["shown"] < tiles["count"]:
        remark = f"{words.commas(tiles['shown'])} of {words.commas(tiles['count'])} tiles, as many as are {words.commas(1200)} pixels wide"
    return LayerLine(
        name=row["name"], kind=row["kind"], layer_type=row["type"], shape=" × ".join(map(str, row["shape"])) or "one number",
        parameters=words.commas(row["param_count"]) if "param_count" in row else "",
        mean=words.figure(_number(row["mean"])), std=words.figure(_number(row["std"])),
        bars=_bars(counts), low=_short(ticks[0]), high=_short(ticks[-1]),
        picture=picture, width_px=tiles["width"], height_px=tiles["height"], remark=remark,
    )  # fmt: skip


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", words.MINUS)


def _bars(counts: Sequence[float]) -> str:
    most = math.sqrt(max(counts, default=0)) or 1.0
    step = BARS_WIDTH / max(1, len(counts))
    heights = [BARS_HEIGHT * math.sqrt(count) / most for count in counts]
    return "".join(
        f"M{index * step:g} {BARS_HEIGHT}v{-height:.1f}h{step - 1:g}v{height:.1f}z"
        for index, height in enumerate(heights)
        if height
    )
