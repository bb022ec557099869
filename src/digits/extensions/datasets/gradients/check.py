"""What is said of a spec before a job exists, and which tasks the job will have. It runs in the web process."""

from __future__ import annotations

from digits.core.jobfolder import TaskPlan
from digits.core.settings import Settings
from digits.data.rules import DBS
from digits.extensions.datasets.building.checking import Problems, plan_tasks
from digits.extensions.datasets.gradients.spec import GradientsSpec


def counts(spec: GradientsSpec) -> dict[str, int]:
    """Return how many pictures each database gets, of those that get any."""
    return {db: count for db in DBS if (count := getattr(spec, f"{db}_image_count"))}


def tasks(spec: GradientsSpec) -> tuple[TaskPlan, ...]:
    """Return the tasks of the job that builds ``spec``, in order."""
    return plan_tasks(tuple(counts(spec)), "Draw slopes")


def check(_spec: GradientsSpec, _settings: Settings) -> Problems:
    """Return the problems by field: bounds say all there is to say."""
    return {}
