"""``digits evaluation ls|show``."""

from __future__ import annotations

import click

from digits.cli.connect import with_client
from digits.cli.output import facts, json_option, print_json, table
from digits.client import Client
from digits.client.answers import Evaluation

SHOWN_ROWS = 20


@click.group()
def evaluation() -> None:
    """Look at how well a model does on a whole database."""


@evaluation.command()
@click.argument("model_id", metavar="MODEL")
@json_option
@with_client
def ls(client: Client, model_id: str, as_json: bool) -> None:
    """List the evaluations of the model whose id is MODEL, or begins so, newest first."""
    found = client.evaluation.ls(model_id)
    if as_json:
        print_json([each.as_json() for each in found])
        return
    rows = [
        [each.id, each.status, each.db, f"{each.snapshot_epoch:g}", each.count,
         ", ".join(f"{name} {_number(value)}" for name, value in list(each.metrics.items())[:2])] for each in found
    ]  # fmt: skip
    table(
        ["Id", "Status", "Database", "Epoch", "Pictures", "Metrics"], rows, empty="no evaluations", right=["Pictures"]
    )


@evaluation.command()
@click.argument("job_id", metavar="ID")
@json_option
@with_client
def show(client: Client, job_id: str, as_json: bool) -> None:
    """Show an evaluation: metrics, the worst classes, the pairs that are confused most."""
    print_evaluation(client.evaluation.show(job_id), as_json=as_json, address=client.address)


def print_evaluation(found: Evaluation, *, as_json: bool, address: str) -> None:
    """Print the numbers of an evaluation, the worst first."""
    if as_json:
        print_json(found.as_json())
        return
    head = {
        "id": found.id,
        "status": found.status,
        "epoch": f"{found.snapshot_epoch:g}",
        "pictures": f"{found.count:,}",
    }
    facts(head | {name: _number(value) for name, value in found.metrics.items()})
    rows = sorted((row for row in found.per_class if row.f1 is not None), key=lambda row: row.f1 or 0)
    if rows:
        click.echo()
        table(
            ["Class", "Pictures", "Precision", "Recall", "F1"],
            [[row.label, row.count, *map(_number, (row.precision, row.recall, row.f1))] for row in rows[:SHOWN_ROWS]],
            right=["Pictures", "Precision", "Recall", "F1"],
        )
    boxes = sorted((row for row in found.per_class if row.ap50 is not None), key=lambda row: row.ap50 or 0)
    if boxes:
        click.echo()
        table(
            ["Class", "Boxes", "AP at IoU 0.50", "AP 0.50 to 0.95"],
            [[row.label, row.count, *map(_number, (row.ap50, row.ap50_95))] for row in boxes[:SHOWN_ROWS]],
            right=["Boxes", "AP at IoU 0.50", "AP 0.50 to 0.95"],
        )
    pairs = sorted((cell for cell in found.confusion if cell[0] != cell[1]), key=lambda cell: -cell[2])
    if pairs:
        click.echo()
        table(["Label", "Taken for", "Pictures"], pairs[:SHOWN_ROWS], right=["Pictures"])
    click.echo(f"{address}/evaluations/{found.id} shows the pictures.")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
