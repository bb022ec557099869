"""Draws a network from top to bottom: a row for each depth, boxes in the order that crosses fewest lines, one self-contained SVG.

Only attributes are used, no style sheet and no script, and every text is escaped: the picture may be shown anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

_WIDTH, _GAP, _ROW_GAP, _MARGIN = 236, 28, 30, 16
_LINE, _PAD = 16, 9
_MAX_BOXES, _MAX_POINTS = 2_000, 40_000
_WORK = 400_000  # points looked at while lines are straightened
_LONGEST = 38  # letters that fit a box
_FONT = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif"
_COLOURS = (
    (("Data",), "#e9ecef", "#868e96"),
    (("Convolution", "Deconvolution", "Conv1d", "Conv2d", "ConvTranspose2d"), "#dbe9f6", "#0072b2"),
    (("Pooling", "Pool2d"), "#d6f0e6", "#009e73"),
    (("InnerProduct", "Linear"), "#fdeecf", "#b87800"),
    (("Loss", "Accuracy"), "#f9e0d3", "#d55e00"),
    (("Softmax",), "#f3e1ec", "#a8487d"),
)
_PLAIN = ("#f4f5f7", "#6c757d")


@dataclass
class Box:
    """One layer: ``above`` are the places, in the list of boxes, of those that feed it."""

    name: str
    type: str
    window: str
    """Kernel and stride in words: "5×5 / 2"."""
    output: str
    """Shape of the output in words."""
    num_parameters: int
    above: tuple[int, ...]
    states: tuple[str, ...] = ()
    inside: list[str] = field(default_factory=list)
    """Lines for what happens in place, and for inputs that are not drawn."""

    @property
    def height(self) -> int:
        """Pixels."""
        return 2 * _PAD + _LINE * (2 + bool(self.output or self.num_parameters) + len(self.inside))


@dataclass
class _Point:
    """A box, or a bend where a line crosses a row."""

    row: int
    box: int | None
    above: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)
    x: float = 0.0

    @property
    def width(self) -> int:
        return _WIDTH if self.box is not None else 8


def draw(boxes: Sequence[Box]) -> str:
    """Return the graph as SVG text; of a network too large to draw, a picture that says so.

    Args:
        boxes: each stands after those that feed it.
    """
    points, lines = _points(boxes)
    if len(boxes) > _MAX_BOXES or not points:
        return _words(f"{len(boxes):,} layers: too many to draw")
    rows = _ordered_rows(points)
    _place(points, rows)
    left = min(point.x - point.width / 2 for point in points)
    right = max(point.x + point.width / 2 for point in points)
    for point in points:
        point.x += _MARGIN - left
    tops, heights, y = [], [], float(_MARGIN)
    for row in rows:
        height = max(boxes[box].height for box in (points[index].box for index in row) if box is not None)
        tops.append(y)
        heights.append(height)
        y += height + _ROW_GAP
    width, total = round(right - left + 2 * _MARGIN), round(y - _ROW_GAP + _MARGIN)
    parts = [_line([points[index] for index in line], boxes, tops, heights) for line in lines]
    parts += [_box(boxes[p.box], p.x - _WIDTH / 2, tops[p.row]) for p in points if p.box is not None]
    return _svg(width, total, "\n".join(parts))


def _points(boxes: Sequence[Box]) -> tuple[list[_Point], list[list[int]]]:
    """Return boxes and bends as points, and each line as the points it goes through; nothing for a graph that is too large."""
    depths: list[int] = []
    for box in boxes:
        depths.append(max((depths[index] + 1 for index in box.above), default=0))
    if sum(depths[i] - depths[j] for i, box in enumerate(boxes) for j in box.above) > _MAX_POINTS:
        return [], []
    points = [_Point(depth, index) for index, depth in enumerate(depths)]
    lines = []
    for index, box in enumerate(boxes):
        for start in box.above:
            line = [start]
            for row in range(depths[start] + 1, depths[index]):
                points.append(_Point(row, None))
                line.append(len(points) - 1)
            line.append(index)
            for upper, lower in pairwise(line):
                points[upper].below.append(lower)
                points[lower].above.append(upper)
            lines.append(line)
    return points, lines


def _ordered_rows(points: Sequence[_Point]) -> list[list[int]]:
    """Return the points of each row, left to right, ordered by the mean place of their neighbours."""
    rows: list[list[int]] = [[] for _ in range(max(point.row for point in points) + 1)]
    for index, point in enumerate(points):
        rows[point.row].append(index)
    place = {index: position for row in rows for position, index in enumerate(row)}
    for sweep in range(_sweeps(points)):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            row.sort(key=lambda index: _mean(points[index].above if down else points[index].below, place, place[index]))
            place.update({index: position for position, index in enumerate(row)})
    return rows


def _sweeps(points: Sequence[_Point]) -> int:
    return max(2, min(24, _WORK // (5 * len(points))))


def _mean(neighbours: Sequence[int], place: dict[int, int], own: float) -> float:
    return sum(place[index] for index in neighbours) / len(neighbours) if neighbours else own


def _place(points: Sequence[_Point], rows: Sequence[Sequence[int]]) -> None:
    """Set each point's x near the mean of its neighbours', keeping order and gaps."""
    for row in rows:
        _settle(points, row, [float(position * _WIDTH) for position in range(len(row))])
    for sweep in range(4 * _sweeps(points)):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = []
            for index in row:
                near = points[index].above + points[index].below
                wanted.append(sum(points[i].x for i in near) / len(near) if near else points[index].x)
            _settle(points, row, wanted)
    _straighten(points, rows)


def _straighten(points: Sequence[_Point], rows: Sequence[Sequence[int]]) -> None:
    """Put boxes that are alone in their rows and follow each other under one x."""
    chain: list[int] = []
    for row in [*rows, ()]:
        if len(row) == 1 and (not chain or points[row[0]].above == chain[-1:]):
            chain.append(row[0])
            continue
        middle = sum(points[index].x for index in chain) / max(1, len(chain))
        for index in chain:
            points[index].x = middle
        chain = list(row) if len(row) == 1 else []


def _settle(points: Sequence[_Point], row: Sequence[int], wanted: Sequence[float]) -> None:
    """Set x as near to ``wanted`` as order and gaps allow: least squares, by pooling neighbours that would overlap."""
    offsets, offset = [], 0.0
    for position, index in enumerate(row):
        if position:
            offset += (points[row[position - 1]].width + points[index].width) / 2 + _GAP
        offsets.append(offset)
    blocks: list[tuple[float, int]] = []  # sum and number of the pooled
    for x, before in zip(wanted, offsets, strict=True):
        blocks.append((x - before, 1))
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            (total, count), (last, number) = blocks[-2], blocks.pop()
            blocks[-1] = (total + last, count + number)
    settled = [total / count for total, count in blocks for _ in range(count)]
    for index, base, before in zip(row, settled, offsets, strict=True):
        points[index].x = base + before


def _line(line: Sequence[_Point], boxes: Sequence[Box], tops: Sequence[float], heights: Sequence[int]) -> str:
    first = line[0]
    assert first.box is not None
    x, y = first.x, tops[first.row] + boxes[first.box].height
    path = [f"M{x:.1f} {y:.1f}"]
    for point in line[1:]:
        target = tops[point.row]
        bend = (target - y) / 2
        path.append(f"C{x:.1f} {y + bend:.1f} {point.x:.1f} {target - bend:.1f} {point.x:.1f} {target:.1f}")
        x, y = point.x, target
        if point.box is None:
            y = target + heights[point.row]
            path.append(f"V{y:.1f}")
    arrow = f'<path d="M{x - 4:.1f} {y - 7:.1f}L{x:.1f} {y:.1f}L{x + 4:.1f} {y - 7:.1f}" fill="none" stroke="#868e96" stroke-width="1.5"/>'
    return f'<path d="{"".join(path)}" fill="none" stroke="#868e96" stroke-width="1.5"/>{arrow}'


def _box(box: Box, x: float, y: float) -> str:
    fill, stroke = next(
        ((fill, stroke) for names, fill, stroke in _COLOURS if any(box.type.endswith(name) for name in names)), _PLAIN
    )
    kind = f"{box.type}  {box.window}".strip()
    learned = f"{box.num_parameters:,} parameters" if box.num_parameters else ""
    lines = [(box.name, ", ".join(box.states)), (kind, "")]
    if box.output or learned:
        lines.append((box.output, learned))
    lines += [(line, "") for line in box.inside]
    title = escape("\n".join(" ".join(filter(None, line)) for line in lines))
    parts = [
        f"<g><title>{title}</title>"
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{_WIDTH}" height="{box.height}" rx="6" fill="{fill}" stroke="{stroke}"/>'
    ]
    for number, (left, right) in enumerate(lines):
        baseline = y + _PAD + 11 + number * _LINE
        look = 'font-weight="600" fill="#212529"' if number == 0 else 'font-size="11" fill="#343a40"'
        parts.append(_text(x + _PAD, baseline, left, look, room=_LONGEST - len(right)))
        if right:
            look = f'font-size="10" text-anchor="end" fill="{stroke if number == 0 else "#495057"}"'
            parts.append(_text(x + _WIDTH - _PAD, baseline, right, look))
    return "".join(parts) + "</g>"


def _text(x: float, y: float, words: str, attributes: str, *, room: int = _LONGEST) -> str:
    """Return words at a place, cut to about ``room`` letters."""
    shown = words if len(words) <= room else words[: room - 1] + "…"
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(shown)}</text>'


def _words(words: str) -> str:
    return _svg(360, 60, _text(180, 35, words, 'text-anchor="middle" fill="#343a40"'))


def _svg(width: int, height: int, body: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="{_FONT}" font-size="12" role="img">\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>\n{body}\n</svg>\n'
    )
