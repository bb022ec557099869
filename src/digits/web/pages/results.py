"""What the pages of test results show: the confusion matrix in 16 colours, and tables with the worst first.

The handlers that ask the inference worker are in ``digits.web.api.classify``; their templates call these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from digits.web.pages import words

if TYPE_CHECKING:
    from jinja2 import Environment

    from digits.web.tally import ClassRow, Report

COLOURS = 16
MATRIX_CLASSES = 100
"""A larger matrix cannot be read; its worst pairs are listed instead."""
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

    labels: list[str]
    rows: list[list[Cell]]
    recalls: list[str]
    precisions: list[str]
    most: int
    close: bool


@dataclass(frozen=True)
class ClassLine:
    """A row of the table of classes; ``bar`` is where F1 stands between the worst and 1."""

    label: str
    count: int
    wrong: int
    precision: str
    recall: str
    f1: str
    bar: float


def confusion_matrix(report: Report) -> Matrix | None:
    """Return the matrix; None where nothing had a label, or there are too many classes to read it."""
    labels = list(report.labels)
    if not report.labelled or len(labels) > MATRIX_CLASSES:
        return None
    counts = {(row, column): count for row, column, count in report.confusion}
    most = max((count for (row, column), count in counts.items() if row != column), default=0)
    totals = [each.count for each in report.per_class]
    rows = [
        [_cell(labels, row, column, counts.get((row, column), 0), totals[row], most) for column in range(len(labels))]
        for row in range(len(labels))
    ]
    return Matrix(
        labels,
        rows,
        [words.percent(each.recall) for each in report.per_class],
        [words.percent(each.precision, 1) for each in report.per_class],
        most,
        len(labels) >= CLOSE_CLASSES,
    )


def _cell(labels: list[str], row: int, column: int, count: int, total: int, most: int) -> Cell:
    title = f"{labels[row]} taken for {labels[column]}: {count:,} of {total:,}"
    share = words.percent(count / total, 1) if total else ""
    if row == column:
        return Cell(f"{count:,}", share, "right", f"{labels[row]} recognised: {count:,} of {total:,}")
    if not count:
        return Cell("·", "·", "zero", title)
    step = round((count - 1) / max(1, most - 1) * (COLOURS - 1))
    return Cell(f"{count:,}", share, f"v{step}", title)


def class_lines(report: Report) -> list[ClassLine]:
    """Return the classes that occur, the worst first."""
    rows: list[ClassRow] = sorted(
        (each for each in report.per_class if each.f1 is not None), key=lambda each: (each.f1 or 0.0, each.label)
    )
    right = dict.fromkeys(report.labels, 0)
    for row, column, count in report.confusion:
        if row == column:
            right[report.labels[row]] += count
    low = class_floor(report)
    return [
        ClassLine(
            each.label, each.count, each.count - right[each.label], words.percent(each.precision), words.percent(each.recall),
            words.percent(each.f1), ((each.f1 or 0.0) - low) / max(1e-9, 1 - low),
        )
        for each in rows
    ]  # fmt: skip


def class_floor(report: Report) -> float:
    """Return where the bars of F1 begin: a whole percent below the worst."""
    worst = min((each.f1 for each in report.per_class if each.f1 is not None), default=0.0)
    return max(0.0, int(worst * 100 - 1) / 100)


def install(environment: Environment) -> None:
    """Give these to the templates."""
    environment.globals |= {
        "confusion_matrix": confusion_matrix, "class_lines": class_lines, "class_floor": class_floor,
    }  # fmt: skip
