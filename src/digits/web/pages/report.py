"""A model told in one file to hand on: what it learned from, how, how well, and what it is made of; nothing in it points outside."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from starlette.requests import Request

from digits.core.errors import DigitsError, NotFoundError
from digits.core.files import read_json
from digits.core.measures import of_class
from digits.web import comparing, evaluations
from digits.web.api.pictures import media_type_of, stored_picture
from digits.web.beginnings import definition_of
from digits.web.browse import browse
from digits.web.pages import comparing as compared
from digits.web.pages import datasetfacts, drawing, joblists, modelfacts, plot, words
from digits.web.site import store

if TYPE_CHECKING:
    from digits.store import Job

POINTS = 400  # more than the figure is wide would not be seen
MOST_EXAMPLES = 24
MATRIX_CLASSES = 25
WORST_PAIRS = 15
SHADES = 5
LOSS_HUES, SHARE_HUES = (2, 4, 5, 7, 8), (1, 6, 3)


@dataclass(frozen=True)
class Figure:
    """Curves on common axes, and the key to them: (class of colour, bold, name, last value)."""

    title: str
    svg: Markup
    keys: list[tuple[int, bool, str, str]]


@dataclass(frozen=True)
class Example:
    """A picture as it is stored, in a data: address, with its label and its path."""

    src: str
    label: str
    path: str


@dataclass(frozen=True)
class Evaluated:
    """What the newest evaluation of a model found."""

    job: Job
    dataset: str
    metrics: list[tuple[str, str]]
    classes: list[list[str]]
    matrix: list[list[tuple[str, str]]]
    """Rows of (class of colour, count); empty where there are too many classes to read it."""
    labels: list[str]
    pairs: list[tuple[str, str, int]]
    """The classes that were mistaken for others most often."""


def view(request: Request, job: Job) -> dict[str, Any]:
    """Return all that ``models/report.html`` shows of a model."""
    kept = store(request)
    run = modelfacts.run_of(job, kept.tasks(job.id))
    dataset = _dataset(request, job)
    return {
        "job": job,
        "facts_rows": modelfacts.facts_of(job, run),
        "dataset": dataset,
        "dataset_rows": modelfacts.dataset_rows(job, dataset),
        "classes": class_chart(dataset) if dataset else None,
        "figures": figures(job),
        "ends": ends(job),
        "snapshots": modelfacts.snapshots_of(kept.snapshots(job.id)),
        "settings": [
            (compared.title(name), compared.brief(values[0]))
            for name, values in comparing.settings_of([job]).items()
            if name != "dataset"
        ],
        "layers": layers(job),
        "definition": definition_of(job),
        "evaluated": evaluated(request, job),
        "examples": examples(dataset) if dataset else [],
    }


def _dataset(request: Request, job: Job) -> Job | None:
    try:
        return store(request).job(job.depends_on)
    except NotFoundError:
        return None


def figures(job: Job) -> list[Figure]:
    """Return the figures of a training: losses, accuracies, the learning rate; those it has."""
    from digits.store import metrics

    found = metrics.read(job.folder, points_=POINTS)
    found = {name: found[name] for name in found if of_class(name) is None}
    shares = [name for name in found if joblists.is_accuracy(name)]
    losses = [name for name in found if name not in shares and name != "lr"]
    wanted = [("Loss", losses, LOSS_HUES), ("Accuracy", shares, SHARE_HUES), ("Learning rate", ["lr"], (3,))]
    return [
        figure for title, names, hues in wanted
        if (figure := _figure(title, {name: found[name] for name in names if name in found}, hues)).svg
    ]  # fmt: skip


def _figure(title: str, series: dict[str, Any], hues: Sequence[int]) -> Figure:
    numbers = count()
    hue_of: dict[str, int] = {}
    lines = []
    for name in sorted(series, key=lambda name: (name.endswith("/val"), name)):
        output, _, split = name.rpartition("/")
        if output not in hue_of:
            hue_of[output] = hues[next(numbers) % len(hues)]
        buckets = series[name]
        lines.append(
            plot.Line(joblists.series_title(name), hue_of[output], split != "train", buckets["epoch"], buckets["last"])
        )
    percent = title == "Accuracy"
    keys = [(line.hue, line.bold, line.name, _written(line.ys, percent)) for line in lines]
    return Figure(title, plot.chart(lines, percent=percent), keys)


def _written(values: Sequence[float | None], percent: bool) -> str:
    last = next((value for value in reversed(values) if value is not None), None)
    return f"{words.percent(last)} %" if percent and last is not None else words.figure(last)


def ends(job: Job) -> list[tuple[str, str, str, str]]:
    """Return (curve, best, epoch of that, last) of each curve."""
    found = []
    for name, (end,) in comparing.measured([job]).items():
        if end is not None:
            write = words.percent if joblists.is_accuracy(name) else words.figure
            found.append((compared.measure_title(name), write(end.best), words.epoch(end.epoch), write(end.last)))
    return found


def class_chart(dataset: Job) -> Markup:
    """Return the bars of training pictures per class."""
    facts = datasetfacts.known_facts(dataset)
    counts: list[int] = next((db["class_counts"] for db in facts.dbs.values() if db.get("class_counts")), [])
    if len(counts) != len(facts.labels) or len(counts) > datasetfacts.CHART_CLASSES:
        return Markup("")
    return drawing.histogram(facts.labels, [("fill-bar", counts)], height=160)


def layers(job: Job) -> list[tuple[str, str, str, str]]:
    """Return (name, type, output shape, parameters) of each layer, as training made it; [] before it began."""
    try:
        found = read_json(job.folder.path / "network.json")["layers"]
    except (OSError, ValueError, KeyError):
        return []
    return [
        (
            str(layer["name"]), str(layer["type"]),
            ", ".join(dict.fromkeys(" × ".join(map(str, shape[1:])) for shape in layer["output_shapes"] if len(shape) > 1)),
            words.commas(layer["num_parameters"]) if layer["num_parameters"] else "",
        )
        for layer in found
    ]  # fmt: skip


def examples(dataset: Job) -> list[Example]:
    """Return pictures of the dataset, as many of each class as there is room for; [] where it is not finished."""
    dbs = [db for db in ("val", "test", "train") if db in dataset.facts.get("dbs", {})]
    if not dbs:
        return []
    found: list[Example] = []
    try:
        first = browse(dataset, dbs[0], 0, MOST_EXAMPLES)
        places = range(min(len(first.counts), MOST_EXAMPLES))
        pages = [browse(dataset, dbs[0], 0, max(1, MOST_EXAMPLES // len(first.counts)), label) for label in places] or [
            first
        ]
        for item in (item for page in pages for item in page.items):
            data = stored_picture(dataset, dbs[0], item.index)
            src = f"data:{media_type_of(data)};base64,{base64.b64encode(data).decode()}"
            found.append(Example(src, item.label, item.path))
    except (DigitsError, OSError):
        return found
    return found


def evaluated(request: Request, job: Job) -> Evaluated | None:
    """Return what the newest finished evaluation of a model found."""
    for each in evaluations.of_model(store(request), job.id):
        result = evaluations.found(each)
        if result is not None:
            return _evaluated(each, result)
    return None


def _evaluated(job: Job, result: evaluations.Found) -> Evaluated:
    cells = [(true, said, int(number)) for true, said, number in result.json["confusion"]]
    wrong = sorted((cell for cell in cells if cell[0] != cell[1]), key=lambda cell: -cell[2])
    by_place = {(true, said): number for true, said, number in cells}
    few = len(result.labels) <= MATRIX_CLASSES
    return Evaluated(
        job=job,
        dataset=job.name,
        metrics=[(name.replace("_", " "), words.figure(value)) for name, value in result.json["metrics"].items()],
        classes=[
            [row.label, words.commas(row.count), words.percent(row.precision), words.percent(row.recall), words.percent(row.f1)]
            for row in result.class_rows
        ],
        matrix=[
            [_cell(true, said, by_place.get((true, said), 0), wrong[0][2] if wrong else 1) for said in result.labels]
            for true in result.labels
        ] if few and cells else [],
        labels=result.labels,
        pairs=wrong[:WORST_PAIRS],
    )  # fmt: skip


def _cell(true: str, said: str, number: int, most: int) -> tuple[str, str]:
    if true == said:
        return "right", words.commas(number)
    if not number:
        return "zero", "·"
    return f"shade-{1 + round((SHADES - 1) * number / most)}", words.commas(number)
