"""``digits model download|infer|to-pretrained``: a model taken away, asked for all that it says, kept for other trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from digits.cli.connect import with_client
from digits.cli.dataset import print_created
from digits.cli.epochs import epoch_option
from digits.cli.manypictures import many_asked, many_options
from digits.cli.output import json_option, print_json, print_written, table
from digits.cli.specoptions import local_path
from digits.cli.waiting import step, wait_for_job
from digits.client import Client

SHOWN_VALUES = 8
BOXES, LEAST_CONFIDENCE = "boxes", 0.3


@click.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True,
    help="The file to write: model.tar.gz, .tgz, .tar, .tar.bz2 or .zip.",
)  # fmt: skip
@epoch_option
@with_client
def download(client: Client, job_id: str, output: Path, epoch: float | str | None) -> None:
    """Write a trained model as one archive: network, weights, mean, labels, info.json, and example.py that runs it anywhere."""
    client.model.download(job_id, output, epoch=epoch)
    print_written(output)


@click.command()
@click.argument("job_id", metavar="ID")
@click.argument("pictures", nargs=-1, metavar="PICTURE...")
@many_options
@click.option("--lmdb", "db_path", default="", metavar="PATH", help="An LMDB on the server instead of pictures.")
@epoch_option
@json_option
@with_client
def infer(
    client: Client, job_id: str, pictures: tuple[str, ...], db_path: str, epoch: float | str | None, as_json: bool, **many: Any,
) -> None:  # fmt: skip
    """Print every output of the network, or its boxes: for pictures, an archive of them, a list, a dataset, or the records of an LMDB."""
    asked = many_asked(pictures, **many)
    if [bool(pictures) and not asked, bool(asked), bool(db_path)].count(True) != 1:
        raise click.UsageError("Give pictures or an archive, --list FILE, --dataset ID or --lmdb PATH.")
    job_id = client.find(job_id)
    found: dict[str, dict[str, Any]]
    if asked:
        found = client.model.infer_many(job_id, epoch=epoch, **asked).outputs
    elif db_path:
        found = client.model.infer_db(job_id, local_path(db_path), epoch=epoch).outputs
    else:
        found = {each: client.model.infer(job_id, each, epoch=epoch).outputs for each in pictures}
    if as_json:
        print_json(found)
        return
    if found and all(set(outputs) == {BOXES} for outputs in found.values()):
        _print_boxes(found, client.model.labels(job_id))
        return
    rows = [[key, name, *_brief(values)] for key, outputs in found.items() for name, values in outputs.items()]
    table(["Picture", "Output", "Shape", "Values"], rows, empty="no pictures")


def _print_boxes(found: dict[str, dict[str, Any]], labels: list[str]) -> None:
    """Print the boxes that are sure enough, in pixels of the picture as it was given, and how many were not."""
    heads = ["Confidence", "Left", "Top", "Right", "Bottom"]
    rows = [
        [key, labels[int(number)] if number < len(labels) else f"{number:g}", f"{sure:.3f}", *(f"{side:.1f}" for side in sides)]
        for key, outputs in found.items()
        for *sides, sure, number in outputs[BOXES]
        if sure > LEAST_CONFIDENCE
    ]  # fmt: skip
    table(["Picture", "Class", *heads], rows, empty="no boxes", right=heads)
    less = sum(len(outputs[BOXES]) for outputs in found.values()) - len(rows)
    if less:
        click.echo(f"{less:,} more have a confidence of {LEAST_CONFIDENCE} or less: --json has them all.")


def _brief(values: Any) -> tuple[str, str]:
    """Return the shape of nested lists, and their first numbers."""
    shape = []
    flat: list[Any] = [values]
    while flat and isinstance(flat[0], list):
        shape.append(len(flat[0]))
        flat = [value for each in flat for value in each]
    words = [f"{value:.4g}" if isinstance(value, (int, float)) else "NaN" for value in flat[:SHOWN_VALUES]]
    return " x ".join(map(str, shape)), " ".join(words) + (" ..." if len(flat) > SHOWN_VALUES else "")


@click.command("to-pretrained")
@click.argument("job_id", metavar="ID")
@epoch_option
@click.option("-w", "--wait", is_flag=True, help="Wait for the end; exit status 1 if it fails.")
@json_option
@with_client
def to_pretrained(client: Client, job_id: str, epoch: float | str | None, wait: bool, as_json: bool) -> None:
    """Keep a snapshot as a pretrained model, which stays when the model is deleted."""
    made = client.model.to_pretrained(job_id, epoch=epoch)
    if wait:
        with step(f"Keeping {made.name}") as at:
            wait_for_job(client, made.id, at)
    print_created([made.as_json()], as_json=as_json, address=client.address)
