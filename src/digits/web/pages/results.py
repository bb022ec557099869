"""What the pages of test results show: the confusion matrix in 16 colours, and tables with the worst first.

Lists of pictures (``digits.web.api.classify``) and evaluations of whole databases (``digits.web.pages.evaluations``) look alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from digits.web.pages import words

if TYPE_CHECKING:
    from jinja2 import Environment

    from digits.scoring.confusion import ClassRow, Confusion

COLOURS = 16
WHOLE_CLASSES = 100
"""A larger matrix cannot be read: some of its classes are shown."""
SHOWN_CLASSES = 30
CLOSE_CLASSES = 20
"""From here on the cells stand close."""


@dataclass(frozen=True)
class Cell:
    """A cell of the matrix: its count in words, its share of the row, and its class of colour ("right", "zero", "v0" ... "v15")."""

    text: str
    share: str
    css: str
    title: str


@dataclass(frozen=True)
class Matrix:
    """Rows are labels, columns predictions; ``most`` is the largest number of mistakes in one cell."""

    ids: list[int]
    labels: list[str]
    rows: list[list[Cell]]
    recalls: list[str]
    precisions: list[str]
    most: int
    num_classes: int
    """Of the model, ``ids`` may be some of them."""

    @property
    def close(self) -> bool:
        """Whether the cells stand close."""
        return len(self.ids) >= CLOSE_CLASSES


@dataclass(frozen=True)
class ClassLine:
    """A row of the table of classes; ``bar`` is where F1 stands between the worst and 1."""

    id: int
    label: str
    count: int
    wrong: int
    precision: str
    recall: str
    f1: str
    bar: float


def confusion_matrix(confusion: Confusion, of: int | None = None) -> Matrix | None:
    """Return the matrix, of many classes a part of it: round class ``of``, or of those confused most; None without labels."""
    if not confusion.count:
        return None
    ids = _shown_classes(confusion, of)
    shown = set(ids)
    counts = {(row, column): count for row, column, count in confusion.cells if row in shown and column in shown}
    most = max((count for (row, column), count in counts.items() if row != column), default=0)
    labels, per_class = confusion.labels, confusion.per_class
    rows = [
        [_cell(labels, row, column, counts.get((row, column), 0), per_class[row].count, most) for column in ids]
        for row in ids
    ]
    return Matrix(
        ids,
        [labels[index] for index in ids],
        rows,
        [words.percent(per_class[index].recall) for index in ids],
        [words.percent(per_class[index].precision, 1) for index in ids],
        most,
        len(labels),
    )


def _shown_classes(confusion: Confusion, of: int | None) -> list[int]:
    """Return the ids to show, in order; a class stands beside those that it is confused with."""
    num_classes = len(confusion.labels)
    if num_classes <= WHOLE_CLASSES and of is None:
        return list(range(num_classes))
    chosen: dict[int, None] = {} if of is None else {of: None}
    for pair in confusion.pairs:
        both = (pair.true_id, pair.predicted_id)
        if of is None or of in both:
            chosen |= dict.fromkeys(both)
        if len(chosen) >= SHOWN_CLASSES:
            break
    if of is None:
        chosen |= dict.fromkeys(range(min(SHOWN_CLASSES, num_classes)))
    return list(chosen)[:SHOWN_CLASSES]


def _cell(labels: Sequence[str], row: int, column: int, count: int, total: int, most: int) -> Cell:
    title = f"{labels[row]} taken for {labels[column]}: {count:,} of {total:,}"
    share = words.percent(count / total, 1) if total else ""
    if row == column:
        return Cell(f"{count:,}", share, "right", f"{labels[row]} recognised: {count:,} of {total:,}")
    if not count:
        return Cell("·", "·", "zero", title)
    step = round((count - 1) / max(1, most - 1) * (COLOURS - 1))
    return Cell(f"{count:,}", share, f"v{step}", title)


def class_lines(per_class: Sequence[ClassRow]) -> list[ClassLine]:
    """Return the classes that occur, the worst first."""
    rows = sorted(
        ((index, each) for index, each in enumerate(per_class) if each.f1 is not None),
        key=lambda row: (row[1].f1 or 0.0, row[1].label),
    )
    low = class_floor(per_class)
    return [
        ClassLine(
            index, each.label, each.count, each.wrong, words.percent(each.precision), words.percent(each.recall),
            words.percent(each.f1), ((each.f1 or 0.0) - low) / max(1e-9, 1 - low),
        )
        for index, each in rows
    ]  # fmt: skip


def class_floor(per_class: Sequence[ClassRow]) -> float:
    """Return where the bars of F1 begin: a whole percent below the worst."""
    worst = min((each.f1 for each in per_class if each.f1 is not None), default=0.0)
    return max(0.0, int(worst * 100 - 1) / 100)


def reliability(bins: Sequence[dict[str, Any]], *, width: int = 760, height: int = 220) -> Markup:
    """Return the reliability diagram: of pictures about so sure the share that was right, and the line on which both are equal."""
    left, bottom = 48, 22
    wide, tall = width - left - 6, height - bottom - 8

    def place(x: float, y: float) -> tuple[str, str]:
        return f"{left + x * wide:.1f}", f"{8 + (1 - y) * tall:.1f}"

    parts = []
    for y in (0, 0.5, 1):
        start, at = place(0, y)
        text = Markup(
            '<line class="grid-line" x1="{x1}" x2="{x2}" y1="{y}" y2="{y}"/><text class="end" x="{x}" y="{ty}">{v}</text>'
        )
        parts.append(text.format(x1=start, x2=place(1, y)[0], y=at, x=left - 6, ty=float(at) + 4, v=f"{y:.0%}"))
    for each in bins:
        if not each["count"]:
            continue
        title = "{:.0%} to {:.0%} sure: {:,} pictures, {:.1%} right".format(
            each["from"], each["to"], each["count"], each["accuracy"]
        )
        left_px, top_px = place(each["from"], each["accuracy"])
        parts.append(
            Markup('<rect class="s1" x="{x}" y="{y}" width="{w}" height="{h}"><title>{title}</title></rect>').format(
                x=left_px,
                y=top_px,
                w=f"{wide / len(bins) - 2:.1f}",
                h=f"{max(1.0, each['accuracy'] * tall):.1f}",
                title=title,
            )
        )
    (x1, y1), (x2, y2) = place(0, 0), place(1, 1)
    parts.append(Markup('<line class="ideal" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(x1, y1, x2, y2))
    for part in (0, 0.5, 1):
        css = "start" if part == 0 else "end" if part == 1 else ""
        parts.append(
            Markup('<text class="{}" x="{}" y="{}">{}</text>').format(css, place(part, 0)[0], height - 5, f"{part:.0%}")
        )
    label = "Share of right answers against how sure the model was"
    return Markup('<svg class="reliability" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        width, height, label, Markup("").join(parts)
    )


def install(environment: Environment) -> None:
    """Give these to the templates."""
    environment.globals |= {
        "confusion_matrix": confusion_matrix, "class_lines": class_lines, "class_floor": class_floor, "reliability": reliability,
    }  # fmt: skip
