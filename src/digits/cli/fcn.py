"""``digits model to-fcn`` and ``digits network to-fcn``: classifiers made fully convolutional."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from digits.cli.connect import with_client
from digits.cli.epochs import epoch_option
from digits.cli.output import json_option, print_json, print_written, table
from digits.client import Client
from digits.client.answers import Convolved
from digits.core.extensions import FrameworkExtension, extension, load

_SIZE = click.IntRange(1, 30_000)
_COLUMNS = ["Layer", "Stride", "Pad", "Kernel", "Factor", "Cumulative", "Receptive field", "Output"]
_skip = click.option(
    "--skip",
    type=click.Choice(["none", "16s", "8s"]),
    default="none",
    show_default=True,
    help="Which finer scores are added.",
)
_classes = click.option(
    "--num-classes", type=click.IntRange(1, 10_000), help="Classes to score; left to the dataset if not given."
)
_output = click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the definition to this file."
)


@click.command("to-fcn")
@click.argument("job_id", metavar="ID")
@_skip
@_classes
@epoch_option
@_output
@json_option
@with_client
def model_to_fcn(
    client: Client,
    job_id: str,
    skip: str,
    num_classes: int | None,
    epoch: float | str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Make a model's network fully convolutional: print its table of factors, and write its definition."""
    _print(client.model.to_fcn(job_id, skip=skip, num_classes=num_classes, epoch=epoch), output, as_json)


@click.command("to-fcn")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--framework", default="caffe", show_default=True, help="The language of the definition.")
@_skip
@_classes
@click.option(
    "--weights",
    type=click.Path(exists=True, dir_okay=False),
    default="",
    help="Check with these weights; with random ones if not given.",
)
@click.option(
    "--channels", type=click.IntRange(1, 4096), default=3, show_default=True, help="Of the classifier's pictures."
)
@click.option("--height", type=_SIZE, default=256, show_default=True, help="Of the classifier's pictures, in pixels.")
@click.option("--width", type=_SIZE, default=256, show_default=True, help="Of the classifier's pictures, in pixels.")
@click.option(
    "--classes",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Of the classifier, where its text leaves them open.",
)
@click.option(
    "--run-python", "runs", is_flag=True, help="Let a network written in Python run, in a file that you trust."
)
@_output
@json_option
def network_to_fcn(file: Path, framework: str, output: Path | None, as_json: bool, **options: Any) -> None:
    """Make a classifier's definition fully convolutional, without a server: a file in Caffe's or Torch's language."""
    known: FrameworkExtension = extension("frameworks", framework)
    if not known.to_fcn:
        raise click.BadParameter(
            f"{known.title} networks cannot be made fully convolutional here.", param_hint="--framework"
        )
    question = options | {
        "text": file.read_text(encoding="utf-8", errors="replace"),
        "score_classes": options["num_classes"],
    }
    found = load(known.to_fcn)(question | {"num_classes": options["classes"]})
    _print(Convolved.model_validate(found), output, as_json)


def _print(found: Convolved, output: Path | None, as_json: bool) -> None:
    if output is not None:
        output.write_text(found.network, "utf-8")
    if as_json:
        print_json(found.as_json())
        return
    table(_COLUMNS, [
        [row.layer, _sides(row.stride), _sides(row.pad), _sides(row.kernel), row.factor, row.cumulative, _sides(row.receptive_field), _sides(row.output)]
        for row in found.table
    ], right=_COLUMNS[1:])  # fmt: skip
    click.echo(f"\nScores differ by at most {found.checked_max_difference:.3g} from the classifier's at its own size.")
    for note in found.notes:
        click.echo(note, err=True)
    if output is None:
        click.echo("\n" + found.network)
    else:
        print_written(output)


def _sides(values: int | Sequence[int]) -> str:
    return str(values) if isinstance(values, int) else " x ".join(map(str, values))
