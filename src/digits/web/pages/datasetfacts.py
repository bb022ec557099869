"""What is known of a dataset, while it is built and after: counts, sizes, classes, the mean picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from starlette.requests import Request

from digits.core.extensions import DatasetExtension, installed
from digits.web.pages import drawing, words
from digits.web.site import Site

if TYPE_CHECKING:
    from digits.store import Job, Task

CHANNELS = {1: "Grayscale", 3: "Color"}
MODES = {"squash": "Squash", "crop": "Crop", "fill": "Fill", "half_crop": "Half crop, half fill"}
TITLES = {"train": "Training", "val": "Validation", "test": "Testing"}
CHART_CLASSES = 200
EVEN_RATIO = 3.0
"""Above this a class has so many more pictures than another that it is worth a word."""


@dataclass(frozen=True)
class Facts:
    """A dataset in numbers; "" or empty where nothing is known yet."""

    labels: list[str]
    image: dict[str, int]
    resize: str
    backend: str
    encoding: str
    compression: str
    dbs: dict[str, dict[str, Any]]
    num_pictures: int | None
    num_classes: int | None
    num_bytes: int | None
    mean: dict[str, Any] | None
    refused: int
    are_numbers: bool = False
    """What ``labels`` name are numbers of each picture, not classes."""
    same_shape: bool = True
    rows: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Chart:
    """The bar chart of images per class, with its key and a word on it."""

    svg: Markup
    keys: list[tuple[str, str]]
    remark: str


def known_facts(job: Job, tasks: Sequence[Task] = ()) -> Facts:
    """Return what the finished job says, or what its tasks have said so far."""
    found, spec = job.facts, job.spec
    dbs: dict[str, dict[str, Any]] = found.get("dbs") or {
        task.name.removeprefix("create_").removesuffix("_db"): task.facts for task in tasks if task.facts.get("entries")
    }
    image = found.get("image") or {
        name: int(spec[f"resize_{name}"]) for name in ("width", "height", "channels") if spec.get(f"resize_{name}")
    }
    labels = found.get("labels") or _labels(job)
    pictures = sum(int(db.get("entries", 0)) for db in dbs.values()) or None
    facts = Facts(
        labels=labels, image=image, resize=MODES.get(found.get("resize_mode", spec.get("resize_mode", "")), ""),
        backend=str(found.get("backend") or spec.get("backend", "")), encoding=str(found.get("encoding") or spec.get("encoding", "")),
        compression=str(found.get("compression", "none")), dbs=dbs, num_pictures=pictures, num_classes=len(labels) or None,
        num_bytes=found.get("bytes") or sum(int(db.get("bytes", 0)) for db in dbs.values()) or None,
        mean=_mean(job), are_numbers=found.get("target_kind") == "vector", same_shape=found.get("same_shape", True), refused=int((found.get("refused") or {}).get("count", 0)) or sum(int(db.get("refused", 0)) for db in dbs.values()),
    )  # fmt: skip
    facts.rows.extend(_rows(facts))
    if "ignore_label" in found:
        ignored = found["ignore_label"]
        facts.rows.append(("Ignore label", "none" if ignored is None else str(ignored)))
    if found.get("content_hash"):
        facts.rows.append(("Content", words.brief_hash(found["content_hash"])))
    return facts


def _labels(job: Job) -> list[str]:
    try:
        return (job.folder.path / "labels.txt").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []


def _mean(job: Job) -> dict[str, Any] | None:
    found: dict[str, Any] | None = job.facts.get("mean")
    picture = (found or {}).get("picture") or job.previews.get("mean")
    return (found or {}) | {"picture": picture} if picture else None


def _rows(facts: Facts) -> list[tuple[str, str]]:
    rows = []
    if facts.image:
        size = f"{facts.image['width']} × {facts.image['height']}"
        rows.append(("Image dimensions", size if facts.same_shape else f"up to {size}"))
        rows.append(("Image type", CHANNELS.get(facts.image["channels"], f"{facts.image['channels']} channels")))
    rows += [
        ("Resize", facts.resize),
        ("DB backend", facts.backend),
        ("Image encoding", facts.encoding),
        ("DB compression", facts.compression),
    ]
    if facts.num_classes:
        rows.append(("Numbers" if facts.are_numbers else "Classes", words.commas(facts.num_classes)))
    if facts.num_pictures:
        rows.append(("Pictures", words.commas(facts.num_pictures)))
    if facts.num_bytes:
        rows.append(("Dataset size", words.size(facts.num_bytes)))
    return [(name, value) for name, value in rows if value]


def class_chart(request: Request, job: Job, facts: Facts) -> Chart | None:
    """Return the bars of images per class, each stacked of its databases; None before the first database is there, and of masks."""
    if job.facts.get("target_kind") == "mask":
        return None  # what counts there are pixels
    css = {"train": "fill-bar", "val": "fill-pale", "test": "fill-third"}
    stacks = [
        (css.get(db, "fill-third"), each["class_counts"]) for db, each in facts.dbs.items() if each.get("class_counts")
    ]
    stacks = [(name, counts) for name, counts in stacks if len(counts) == len(facts.labels)]
    if not stacks or not facts.labels:
        return None
    totals = [sum(counts[index] for _, counts in stacks) for index in range(len(facts.labels))]
    order = range(len(totals))
    if len(totals) > CHART_CLASSES:
        largest_first = sorted(order, key=lambda index: -totals[index])
        order = largest_first[: CHART_CLASSES // 2] + largest_first[-CHART_CLASSES // 2 :]  # type: ignore[assignment] # a list serves as well
    url = Site(request).url
    db = next(iter(facts.dbs))
    links = [url(explore_path(job), job_id=job.id, db=db, label=index) for index in order] if job.facts else []
    svg = drawing.histogram(
        [facts.labels[index] for index in order],
        [(name, [counts[index] for index in order]) for name, counts in stacks],
        links=links,
    )
    keys = [
        (css.get(db, "fill-third"), f"{TITLES.get(db, db)} {int(each.get('entries', 0)):,}")
        for db, each in facts.dbs.items()
    ]
    shown = f"The {CHART_CLASSES // 2} largest and the {CHART_CLASSES // 2} smallest of {len(totals):,} classes. "
    return Chart(svg, keys, (shown if len(totals) > CHART_CLASSES else "") + _balance(facts.labels, totals))


def _balance(labels: list[str], totals: list[int]) -> str:
    least, most = min(range(len(totals)), key=totals.__getitem__), max(range(len(totals)), key=totals.__getitem__)
    text = f"Smallest class {labels[least]} ({totals[least]:,}), largest {labels[most]} ({totals[most]:,})"
    if not totals[least]:
        return text + "."
    ratio = totals[most] / totals[least]
    verdict = "even enough" if ratio <= EVEN_RATIO else "uneven; a maximum per class evens this out"
    return f"{text}, ratio {ratio:.2f}: {verdict}."


@dataclass(frozen=True)
class Frequency:
    """How much of all pixels is of a class: its share, the bar's length against the largest, its colour and pictures that hold it."""

    label: str
    share: float
    bar: float
    colour: str
    pictures: int
    href: str


@dataclass(frozen=True)
class Frequencies:
    """The classes of a segmentation dataset, the most frequent first."""

    rows: list[Frequency]
    ignored: float
    """Share of all pixels that is ignored."""


def class_colours(job: Job) -> list[str]:
    """Return the colour of each class, "#804080", of a dataset of masks; none of another."""
    return ["#{:02x}{:02x}{:02x}".format(*colour) for colour in job.facts.get("palette", ())]


def class_frequencies(request: Request, job: Job) -> Frequencies | None:
    """Return how often each class is seen in a segmentation dataset; None of another, or while it is made."""
    shares: list[float] = job.facts.get("class_frequencies") or []
    if not shares:
        return None
    url, colours, dbs = Site(request).url, class_colours(job), job.facts["dbs"]
    pictures = [sum(counts) for counts in zip(*(db["class_counts"] for db in dbs.values()), strict=True)]
    first = next(iter(dbs))
    rows = [
        Frequency(
            label, shares[index], shares[index] / max(max(shares), 1e-9), colours[index], pictures[index],
            url(explore_path(job), job_id=job.id, db=first, label=index),
        )
        for index, label in enumerate(job.facts["labels"])
    ]  # fmt: skip
    rows.sort(key=lambda row: -row.share)
    counted = sum(sum(db["class_pixels"]) for db in dbs.values())
    ignored = sum(db["ignored_pixels"] for db in dbs.values())
    return Frequencies(rows, ignored / max(1, counted + ignored))


@dataclass(frozen=True)
class Floor:
    """What a network scores on the validation pictures that says the most frequent class of the training pictures everywhere."""

    label: str
    accuracy: float
    """Share of the pixels, 0 to 1."""
    mean_iou: float
    num_classes: int
    """That occur in those pictures."""
    measured: str
    """The database of those pictures: "val", or "train" where there is none."""


def floor_of(job: Job) -> Floor | None:
    """Return what saying one class scores on a dataset of masks; None of another, or while it is made."""
    dbs = {name: pixels for name in job.facts.get("dbs", {}) if sum(pixels := class_pixels(job, name))}
    if not dbs or not job.facts.get("labels"):
        return None
    learned = next(iter(dbs.values()))
    measured = dbs.get("val", learned)
    most = max(range(len(learned)), key=learned.__getitem__)
    share, present = measured[most] / sum(measured), sum(count > 0 for count in measured)
    return Floor(job.facts["labels"][most], share, share / present, present, "val" if "val" in dbs else next(iter(dbs)))


def class_pixels(job: Job, db: str) -> list[int]:
    """Return how many pixels of a database of masks are of each class; none of another."""
    return list(job.facts.get("dbs", {}).get(db, {}).get("class_pixels") or ())


def extension_of(job: Job) -> DatasetExtension | None:
    """Return the extension that made the dataset, None where it is no longer installed."""
    found: DatasetExtension | None = installed("datasets").get(job.extension)
    return found


def may_derive(job: Job) -> bool:
    """Whether new datasets can be made of this one: of its kind are those whose spec has a place for bases."""
    kind = extension_of(job)
    return (
        bool(job.facts)
        and kind is not None
        and "base" in kind.spec.model_fields
        and job.facts.get("target_kind", "class") == "class"
    )


def explore_path(job: Job) -> str:
    """Return the path where the dataset's pictures are shown."""
    kind = extension_of(job)
    return f"/datasets/{kind.route if kind else 'images/classification'}/explore"


def new_model_path(job: Job) -> str:
    """Return the path of the form that trains a model on the dataset, "" where there is none."""
    kind = extension_of(job)
    return kind.model_form if kind else ""


def new_path(job: Job) -> str:
    """Return the path of the form that makes such a dataset."""
    kind = extension_of(job)
    return f"/datasets/{kind.route}/new" if kind else "/"
