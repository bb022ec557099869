"""A dataset and a model made through the client, step by step on stderr: what the demo, the shipped store and the examples do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digits.cli.ownserver import serving
from digits.cli.waiting import step, wait_for_job
from digits.client import Client
from digits.core.settings import load_settings

SEED = 1


@dataclass(frozen=True)
class Trained:
    """A training that came to its end."""

    id: str
    metrics: dict[str, float]
    """Of the last validation, as "accuracy/val"."""
    seconds: float


@contextmanager
def client_on(root: Path | None) -> Iterator[Client]:
    """Give a client of the server on ``root`` (None: the usual one), which is started for the block where none runs."""
    with serving(load_settings(root=root), None) as (address, _), Client(address) as client:
        yield client


def build_dataset(client: Client, route: str, title: str, fields: Mapping[str, Any]) -> str:
    """Make a dataset with ``fields`` of its form, wait for it, and return its id.

    Args:
        client: of the server that makes it.
        route: its kind, as "images/classification" or "images/segmentation".
        title: its name.
        fields: by flat name.

    Raises:
        DigitsError: a field is wrong, or the job failed.
    """
    with step(f"Building the dataset {title}") as at:
        made = client.dataset.create({"dataset_name": title} | dict(fields), route=route)
        wait_for_job(client, made.id, at)
    return made.id


def train_model(client: Client, route: str, title: str, dataset_id: str, fields: Mapping[str, Any]) -> Trained:
    """Train a model of a dataset with ``fields`` of its form, the same for the same seed.

    Args:
        client: of the server that trains it.
        route: "images/classification", or "images/generic" for every other kind of answer.
        title: its name.
        dataset_id: what it is trained on.
        fields: by flat name.

    Raises:
        DigitsError: a field is wrong, or the job failed.
    """
    with step(f"Training {title}") as at:
        common: dict[str, Any] = {
            "dataset": dataset_id,
            "model_name": title,
            "random_seed": SEED,
            "snapshot_interval": 0,
        }
        made = client.model.create(common | dict(fields), route=route)[0]
        wait_for_job(client, made.id, at)
        done = next(event for event in reversed(list(client.job.logs(made.id))) if event.get("type") == "done")
        found = Trained(made.id, done["facts"]["metrics"], at.elapsed_s)
        at.result = ", ".join(
            f"{name.removesuffix('/val')} {value:.3f}" for name, value in found.metrics.items() if name.endswith("/val")
        )
    return found
