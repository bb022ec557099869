"""Jobs as JSON: the shapes and names that DIGITS' clients read, keys with spaces included.

The table rows of the home page, the dataset's and the model's own JSON (which is also ``info.json`` of a downloaded model).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import digits
from digits.core.beginning import COPIED, PYTHON_LAYERS
from digits.core.extensions import FrameworkExtension, installed
from digits.core.files import read_json
from digits.core.measures import best_of, chosen
from digits.core.states import JobState
from digits.store import Job, ListedJob, SnapshotRow, Task

CAFFE_FILES = {
    "solver file": "solver.prototxt",
    "train_val file": "train_val.prototxt",
    "deploy file": "deploy.prototxt",
    "caffe flavor": "OpenDIGITS",
    "caffe version": digits.__version__,
}
NO_SNAPSHOT = "no snapshots"


def status(job: Job) -> dict[str, Any]:
    """Return what ``/status`` answers."""
    return {"error": None, "status": job.state.value, "name": job.name, "type": job.title}


def created(job: Job | ListedJob) -> dict[str, Any]:
    """Return what creating a dataset answers."""
    return {"id": job.id, "name": job.name, "status": job.state.value}


def table_row(job: ListedJob, *, refs: int, sparkline: str) -> str:
    """Return a row of the home page's tables as JSON text; what is kept as JSON already goes in as it is.

    Args:
        job: of any kind.
        refs: how many models were made of a dataset.
        sparkline: JSON of a list of numbers.
    """
    row: dict[str, Any] = {
        "id": job.id,
        "name": job.name,
        "group": job.group,
        "status": job.state.value,
        "status_css": job.state.css,
        "submitted": job.created,
        "elapsed": round(job.elapsed_s, 3),
        "progress": round(job.progress * 100, 2),
        "type": job.kind,
        "username": job.username,
    }
    if job.kind == "dataset":
        row |= {"backend": job.backend, "refs": refs}
    elif job.kind == "model":
        row |= {"framework": job.framework, "dataset_id": job.depends_on}
        return f'{json.dumps(row)[:-1]}, "sparkline": {sparkline or "[]"}{_outputs(job.series)}}}'
    elif job.kind == "pretrained_model":
        row |= {"framework": job.framework, "has_labels": job.has_labels}
    return json.dumps(row)


def _outputs(series: str) -> str:
    values = json.loads(series) if series else {}
    return "".join(
        f", {head} {value!r}"
        for name, found in values.items()
        for head, value in zip(_heads(name), found, strict=False)
    )


@lru_cache(maxsize=1000)
def _heads(series: str) -> tuple[str, ...]:
    return tuple(f"{json.dumps(name)}:" for name in output_columns(series))


def output_columns(series: str) -> tuple[str, ...]:
    """Return "<output> (train|val) last", "min" and "max" of a curve; () of one that is no output's (the learning rate)."""
    output, _, split = series.rpartition("/")
    return tuple(f"{output} ({split}) {word}" for word in ("last", "min", "max")) if output else ()


def picture_shape(dataset: Job | None) -> list[int] | None:
    """Return [height, width, channels] of a dataset's pictures, from what was found or else from what was asked for."""
    if dataset is None:
        return None
    image = dataset.facts.get("image")
    if image:
        return [image["height"], image["width"], image["channels"]]
    asked = [dataset.spec.get(f"resize_{name}") for name in ("height", "width", "channels")]
    return [int(each) for each in asked if each is not None] if None not in asked else None


def dataset(job: Job, tasks: Sequence[Task]) -> dict[str, Any]:
    """Return ``/datasets/<id>.json``: DIGITS' tasks with their counts, null while they are not known."""
    height, width, channels = picture_shape(job) or (None, None, None)
    # DIGITS read lists and pictures at once: of lists it has no such task.
    parsing = [task for task in tasks if task.name.startswith("parse_") and not task.title.startswith("Read ")]
    dbs = job.facts.get(
        "dbs"
    )  # of a source that tells train, val and test apart itself, perhaps not those that were planned
    creating = [task for task in tasks if task.name.startswith("create_") and (dbs is None or _db(task) in dbs)]
    body: dict[str, Any] = created(job) | {"directory": str(job.folder.path)}
    if found := job.facts.get("content_hash"):
        body["content_hash"] = found
    body["ParseFolderTasks"] = [
        {"name": task.title, **_counts(job.facts.get("parsed") if len(parsing) == 1 else None, task)}
        for task in parsing
    ]
    body["CreateDbTasks"] = [
        {
            "name": task.title,
            "entries": _entries(job, task),
            # DIGITS has width and height the wrong way round here, and clients read them so.
            "image_width": height,
            "image_height": width,
            "image_channels": channels,
            "backend": job.facts.get("backend") or job.spec.get("backend"),
            "encoding": job.facts.get("encoding") or job.spec.get("encoding"),
            "compression": job.facts.get("compression") or job.spec.get("compression", "none"),
        }
        for task in creating
    ]
    if dbs and all("features" in each for each in dbs.values()):
        body |= _generic(job)
    return body


def _generic(job: Job) -> dict[str, Any]:
    """Return what DIGITS told of a dataset that an extension made."""
    facts = job.facts
    body: dict[str, Any] = {
        "create_db_tasks": [
            {
                "name": f"Create {db}_db DB",
                "stage": f"{db}_db",
                "entry_count": each["entries"],
                "feature_db_path": each["features"],
                "label_db_path": each["labels"],
            }
            for db, each in facts["dbs"].items()
        ],
        "feature_dims": picture_shape(job),
        "model_route": installed("datasets")[job.extension].model_route
        if job.extension in installed("datasets")
        else "",
    }
    if "class_frequencies" in facts:
        body["class_frequencies"] = dict(zip(facts["labels"], facts["class_frequencies"], strict=True))
        body["ignore_label"] = facts["ignore_label"]
    return body | {name: facts[name] for name in ("numbers", "label_shape") if facts.get(name)}


def _counts(parsed: Mapping[str, Any] | None, task: Task) -> dict[str, Any]:
    known = parsed or task.facts
    return {name: known.get(name) for name in ("label_count", "train_count", "val_count", "test_count")}


def _db(task: Task) -> str:
    return task.name.removeprefix("create_").removesuffix("_db")


def _entries(job: Job, task: Task) -> int | None:
    found = job.facts.get("dbs", {}).get(_db(task), {}).get("entries", task.facts.get("entries"))
    return None if found is None else int(found)


def model(job: Job | ListedJob, dataset: Job | None, snapshot: SnapshotRow | None) -> dict[str, Any]:
    """Return the short form of a model's JSON; with the snapshot that is meant, it is the archive's ``info.json``."""
    framework = framework_of(job.framework)
    body: dict[str, Any] = {
        "id": job.id,
        "name": job.name,
        "status": job.state.value,
        "dataset_id": job.depends_on,
        "job id": job.id,
        "creation time": datetime.fromtimestamp(job.created).strftime("%Y-%m-%d %H:%M:%S.%f"),
        "username": job.username,
        "image dimensions": picture_shape(dataset),
        "mean file": "mean.binaryproto",
        "snapshot file": snapshot_name(snapshot, job.framework),
        "framework": job.framework,
        "labels file": "labels.txt",
        "image resize mode": dataset.spec.get("resize_mode") if dataset else None,
        "digits version": digits.__version__,
        "model file": framework.definition if framework else "original.prototxt",
    }
    if isinstance(job, Job) and (job.folder.path / PYTHON_LAYERS).is_file():
        body["python layer file"] = PYTHON_LAYERS
    if body["framework"] == "caffe":
        body |= CAFFE_FILES
    found = dataset.facts.get("content_hash") if dataset else None
    return body | {"dataset content hash": found} if found else body


def snapshot_name(snapshot: SnapshotRow | None, framework: str) -> str:
    """Return the name that DIGITS' users know a snapshot by; the text DIGITS gives where there is none."""
    known = framework_of(framework)
    suffix = known.weights_suffix if known else "caffemodel"
    return f"snapshot_iter_{snapshot.step}.{suffix}" if snapshot else NO_SNAPSHOT


def framework_of(name: str) -> FrameworkExtension | None:
    """Return a framework, None where it is not installed any more."""
    found: FrameworkExtension | None = installed("frameworks").get(name)
    return found


def model_verbose(job: Job, dataset: Job | None, snapshots: Sequence[SnapshotRow]) -> dict[str, Any]:
    """Return ``/models/<id>.json``."""
    newest = snapshots[-1] if snapshots else None
    epochs = [plain_epoch(snapshot.epoch) for snapshot in snapshots]
    body = model(job, dataset, newest) | {"directory": str(job.folder.path), "snapshots": epochs}
    place = best_of([row.metrics for row in snapshots], best_measure(job))
    if place is not None:
        body["best snapshot"] = epochs[place]
        measure = chosen(best_measure(job), {name for row in snapshots for name in row.metrics})
        body["best snapshot by"] = {measure: snapshots[place].metrics.get(str(measure))}
    if job.state is JobState.DONE and (end := job.facts.get("stopped_early")):
        body["stopped early"] = end
    return body | ({"copied weights": table} if (table := copied(job)) else {})


def best_measure(job: Job) -> str:
    """Return what a training's best snapshot is chosen by, blank for the validation loss."""
    return str((job.spec.get("keeping") or {}).get("best_metric") or "").strip()


def copied(job: Job) -> dict[str, Any] | None:
    """Return what became of each layer when weights were copied into a model; None where none were."""
    try:
        table: dict[str, Any] = read_json(job.folder.path / COPIED)
    except (OSError, ValueError):
        return None
    return table


def plain_epoch(epoch: float) -> float | int:
    """Return an epoch as DIGITS rounds it: three decimals, a whole number when whole."""
    rounded = round(epoch, 3)
    return int(rounded) if rounded.is_integer() and math.isfinite(rounded) else rounded
