"""``digits model look|top-n``: what the layers of a model make of a picture, the pictures that look most like each class."""

from __future__ import annotations

from pathlib import Path

import click

from digits.cli.connect import with_client
from digits.cli.epochs import epoch_option
from digits.cli.output import json_option, print_json, table
from digits.client import Client
from digits.client.answers import Looked

_list = click.option("--list", "list_file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
                     help="A file of lines `path [label]`.")  # fmt: skip
_folder = click.option("--folder", default="", help="Goes before every path of the list that is not absolute.")
_dataset = click.option("--dataset", default="", metavar="ID", help="The records of a dataset instead.")
_db = click.option(
    "--db", type=click.Choice(["train", "val", "test"]), help="Of the dataset; the test set if there is one, else val."
)
_limit = click.option("--limit", type=click.IntRange(1), help="Take the first so many.")


@click.command()
@click.argument("job_id", metavar="ID")
@click.argument("picture")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False),
              help="Write each layer's picture (PNG) and all numbers (layers.json) into this folder.")  # fmt: skip
@epoch_option
@json_option
@with_client
def look(
    client: Client, job_id: str, picture: str, output: Path | None, epoch: float | str | None, as_json: bool
) -> None:
    """Look into a model while it looks at PICTURE: shape, mean and standard deviation of every layer and of its weights."""
    found = client.model.look(job_id, picture, output, epoch=epoch)
    if as_json:
        print_json(found.as_json())
        return
    _print_layers(found)
    if output is not None:
        click.echo(f"{sum(bool(each.file) for each in found.visualizations)} pictures in {output}")


def _print_layers(found: Looked) -> None:
    rows = [
        [each.name, each.kind, each.type, " × ".join(map(str, each.shape)), _number(each.mean), _number(each.std),
         f"{each.param_count:,}" if each.param_count else ""]
        for each in found.visualizations
    ]  # fmt: skip
    names = ["Layer", "Kind", "Type", "Shape", "Mean", "Std", "Parameters"]
    table(names, rows, empty="no layers", right=names[4:])
    click.echo(f"{found.total_parameters or 0:,} parameters")


@click.command("top-n")
@click.argument("job_id", metavar="ID")
@_list
@_folder
@_dataset
@_db
@_limit
@click.option("-n", "count", type=click.IntRange(1, 100), default=9, show_default=True, help="Pictures a class.")
@epoch_option
@json_option
@with_client
def top_n(
    client: Client, job_id: str, list_file: Path | None, folder: str, dataset: str, db: str | None, limit: int | None, count: int,
    epoch: float | str | None, as_json: bool,
) -> None:  # fmt: skip
    """Name the pictures of a list, or of a dataset, that look most like each class."""
    if bool(list_file) == bool(dataset):
        raise click.UsageError("Give either --list FILE or --dataset ID.")
    found = client.model.top_n(
        job_id, list_file, folder=folder, dataset=dataset, db=db or "", limit=limit, count=count, epoch=epoch
    )
    if as_json:
        print_json(found.as_json())
        return
    rows = [[each.label, path, f"{percent:.2f}"] for each in found.classes for path, percent in each.pictures]
    table(["Class", "Picture", "%"], rows, empty="no pictures", right=["%"])
    for each in found.refused:
        click.echo(f"{each.path}: {each.reason}", err=True)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
