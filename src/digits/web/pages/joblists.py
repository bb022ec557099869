"""Facts about jobs that several pages show alike: where their page is, what they run on, how far they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from digits.core.extensions import installed
from digits.core.states import JobState
from digits.store import listing
from digits.web.pages import words

if TYPE_CHECKING:
    from digits.store import Job, ListedJob

PLACES = {
    "dataset": "datasets",
    "model": "models",
    "pretrained_model": "pretrained_models",
    "evaluation": "evaluations",
}
_SHARE = re.compile(r"accuracy|^mean_(iou|recall)$|^map50(_95)?$|^(iou|recall|ap50)/", re.IGNORECASE)
# DetectNet's own mAP, precision and recall are in percent already.
_SUFFIX = re.compile(r"(?: (?:learning_rate|batch_size):\S+)+$")


def path_of(job: Job | ListedJob) -> str:
    """Return the path of the job's page."""
    return f"/{PLACES[job.kind]}/{job.id}"


def device(job: Job) -> str:
    """Return "GPU 0", "GPUs 0, 1", "GPU" while it waits for one, "CPU"."""
    return listing.device(
        held=job.gpus,
        told=str(job.facts.get("device", "")),
        wants_gpu=job.state is JobState.WAITING and bool(job.num_gpus and job.wanted_gpus),
    )


def framework(job: Job | ListedJob) -> str:
    """Return the framework's title: "Caffe"."""
    found = installed("frameworks").get(job.extension)
    return found.title if found else job.extension


def subtitle(job: Job, names: Mapping[str, str]) -> str:
    """Return "Image Classification Model on MNIST 28 × 28"."""
    return f"{job.title} on {names[job.depends_on]}" if names.get(job.depends_on) else job.title


def remark(job: Job) -> str:
    """Return the line under a bar: "Epoch 6.4 of 10, 3,690 images/s", or what the job waits for."""
    if job.state is not JobState.RUNNING:
        return job.reason.removeprefix("Waiting: ")[:1].upper() + job.reason.removeprefix("Waiting: ")[1:]
    unit = "images/s" if job.kind == "model" else "pictures/s"
    return ", ".join(part for part in (job.text, f"{words.rate(job.rate)} {unit}" if job.rate else "") if part)


def sweep_suffix(name: str) -> str:
    """Return what sets a model of a sweep apart: "learning_rate:0.005", "" for a model of no sweep."""
    match = _SUFFIX.search(name)
    return match.group().strip() if match else ""


def is_accuracy(series: str) -> bool:
    """Whether a curve is a share shown in percent (DIGITS: its name contains "accuracy"; also what overlaps and recalls are called)."""
    return bool(_SHARE.search(series.rpartition("/")[0]))


def series_title(series: str) -> str:
    """Return "accuracy (val)" for "accuracy/val"."""
    output, _, split = series.rpartition("/")
    return f"{output} ({split})" if output else series
