"""What the examples share: a server, datasets and models that are made on it and waited for, digits to learn, figures at the end."""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
from numpy.typing import NDArray

from digits.cli.output import facts
from digits.cli.ownserver import serving
from digits.cli.waiting import step, wait_for_job
from digits.client import Client
from digits.core.settings import load_settings
from digits.download.drawn import digits
from digits.download.folders import write_class_folders

SEED = 1
Figures = Mapping[str, float]


class Example:
    """Where an example runs.

    Args:
        client: of a server on this machine.
        folder: for the data that the example makes.
        quick: less data and fewer epochs: to see that all of it works, not how good it gets.
    """

    def __init__(self, client: Client, folder: Path, *, quick: bool = False) -> None:
        self.client, self.folder, self.quick = client, folder, quick

    def few(self, count: int, quick: int) -> int:
        """Return a number of pictures, texts or epochs."""
        return quick if self.quick else count

    def digits(self, count: int) -> Path:
        """Draw digits, a folder of PNG files for each, and return the folder of these."""
        train, _ = digits(count, 0)
        folder = self.folder / "digits"
        write_class_folders(train.inverted(), folder, "train", labels=tuple("0123456789"))
        return folder / "train"

    def dataset(self, name: str, route: str, **fields: Any) -> str:
        """Make a dataset by the form at ``/datasets/<route>`` and return its id."""
        with step(f"Dataset: {name}") as at:
            given: dict[str, Any] = {"dataset_name": name, "random_seed": SEED} | fields
            made = self.client.dataset.create(given, route=route)
            wait_for_job(self.client, made.id, at)
        return made.id

    def train(
        self, name: str, dataset: str, network: Path | str, *, route: str = "images/generic", **fields: Any
    ) -> str:
        """Train a model, of a definition in a file or of a standard network's name, by the form at ``/models/<route>``; return its id."""
        given: dict[str, Any] = {"model_name": name, "dataset": dataset, "framework": "caffe", "random_seed": SEED}
        if isinstance(network, Path):
            given |= {"method": "custom", "custom_network": network.read_text(encoding="utf-8")}
            given |= {"framework": "torch"} if network.suffix == ".py" else {}
        else:
            given |= {"method": "standard", "standard_networks": network}
        with step(f"Training: {name}") as at:
            made = self.client.model.create(given | fields, route=route)[0]
            wait_for_job(self.client, made.id, at)
        return made.id

    def curve(self, model: str, series: str) -> list[float]:
        """Return the values of one curve of a model, as "accuracy/val"; NaN where one is none."""
        values = self.client.model.metrics(model, series=series).series[series].last
        return [math.nan if value is None else value for value in values]

    def evaluate(self, model: str, db: str = "val") -> dict[str, Any]:
        """Let a model answer a whole database, and return what the evaluation found."""
        with step(f"Evaluating on {db}") as at:
            made = self.client.model.evaluate(model, db=db)
            wait_for_job(self.client, made.id, at)
        return self.client.evaluation.show(made.id).as_json()

    def infer(self, model: str, **fields: Any) -> dict[str, Any]:
        """Ask a model by the form of its dataset's kind; return the outputs of each record."""
        found: dict[str, Any] = self.client.model.infer_extension(model, **fields).as_json()["outputs"]
        return found


def save(image: NDArray[Any], path: Path) -> None:
    """Write a picture, grey or BGR."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


def main(run: Callable[[Example], Figures]) -> None:
    """Run an example from its command line, and print its figures."""
    parser = argparse.ArgumentParser(description=run.__doc__)
    parser.add_argument("--server", help="address of a server on this machine; one is started if not given")
    parser.add_argument("--root", type=Path, help="jobs, database and caches of the server that is started (~/.digits)")
    parser.add_argument(
        "--folder", type=Path, help="where the data is made, and stays; a temporary folder if not given"
    )
    parser.add_argument("--quick", action="store_true", help="less data, fewer epochs")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        if asked.server:
            _run(run, asked.server, folder, quick=asked.quick)
        else:
            with serving(load_settings(root=asked.root), None) as (address, _):
                _run(run, address, folder, quick=asked.quick)


def _run(run: Callable[[Example], Figures], address: str, folder: Path, *, quick: bool) -> None:
    with Client(address) as client:
        figures = run(Example(client, folder, quick=quick))
    facts({name: f"{value:.4g}" for name, value in figures.items()})
