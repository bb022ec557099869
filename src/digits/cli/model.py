"""``digits model create|ls|show|resume|snapshots|classify|infer|look|top-n|evaluate|export|download|to-pretrained|to-fcn|metrics|compare|report``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from digits.cli import fcn, modeluse, testing
from digits.cli.connect import with_client
from digits.cli.dataset import job_table, print_created, print_shown
from digits.cli.epochs import epoch_option
from digits.cli.evaluation import print_evaluation
from digits.cli.manypictures import many_asked, many_options
from digits.cli.output import json_option, print_json, print_written, table
from digits.cli.speccommand import spec_command
from digits.cli.specoptions import form_of, in_flags
from digits.cli.waiting import step, wait_for_job
from digits.client import Client, RefusedError
from digits.client.answers import Prediction
from digits.core.errors import DigitsError
from digits.core.trainspec import TrainSpec

ALIASES = {
    "model_name": "name", "group_name": "group", "standard_networks": "network", "train_epochs": "epochs",
    "random_seed": "seed", "custom_network_snapshot": "weights", "previous_networks": "previous", "previous_epoch": "epoch", "standard_pretrained": "pretrained",
    "python_layer_client_file": "python-layers",
}  # fmt: skip
ROUTE = "images/classification"


@click.group()
def model() -> None:
    """Train, look at and use models."""


for command in (
    modeluse.infer,
    modeluse.download,
    modeluse.to_pretrained,
    testing.look,
    testing.top_n,
    fcn.model_to_fcn,
):
    model.add_command(command)


@model.command(
    cls=spec_command(
        lambda _: TrainSpec,
        option="--framework",
        aliases=ALIASES,
        skip=frozenset({"dataset", "framework", "python_layer_from_client"}),
    )
)
@click.argument("dataset_id", metavar="DATASET")
@click.option("--framework", default="caffe", show_default=True, help="The language that the network is written in.")
@click.option("--network-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Train the network in this file instead of a standard one.")  # fmt: skip
@click.option("-w", "--wait", is_flag=True, help="Wait for the end; exit status 1 if it fails.")
@json_option
@with_client
def create(
    client: Client, dataset_id: str, framework: str, network_file: Path | None, wait: bool, as_json: bool, **given: Any
) -> None:
    """Train a network on the dataset whose id is DATASET, or begins so.

    Every flag is a field of the web form. Several learning rates or batch sizes, comma-separated, make a training each. With --weights the
    network begins with those of other files, copied by the names of layers; with --previous with those of another model.
    """
    given |= {"dataset": client.find(dataset_id), "framework": framework}
    standard = given.get("standard_networks") or "alexnet"
    if given.get("model_name") is None:
        given["model_name"] = network_file.stem if network_file else given.get("previous_networks") or standard
    if network_file is not None:
        given |= {"method": "custom", "custom_network": network_file.read_text(encoding="utf-8")}
    elif given.get("previous_networks"):
        given |= {"method": "previous", "previous_networks": client.find(given["previous_networks"])}
    elif given.get("custom_network_snapshot") and not given.get("custom_network"):
        given |= {"method": "custom", "custom_network": client.model.network_text(standard, framework=framework)}
    sent = given.pop("python_layer_client_file", None)
    files = {"python_layer_client_file": _read(Path(sent))} if sent else None
    given["python_layer_from_client"] = bool(sent)
    try:
        route = client.dataset.show(given["dataset"]).model_route or ROUTE
        made = client.model.create(form_of(TrainSpec, given), route=route, files=files)
    except RefusedError as error:
        raise in_flags(error) from error
    if wait:
        for each in made:
            with step(f"Training {each.name}") as at:
                wait_for_job(client, each.id, at)
    print_created([each.as_json() for each in made], as_json=as_json, address=client.address)


def _read(path: Path) -> tuple[str, bytes]:
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        raise DigitsError(f"The file cannot be read: {error.strerror}.", where=str(path)) from error


@model.command()
@json_option
@with_client
def ls(client: Client, as_json: bool) -> None:
    """List the models, newest first."""
    rows = client.model.ls()
    if as_json:
        print_json([row.as_json() for row in rows])
    else:
        job_table(rows, {"Framework": lambda row: (row.model_extra or {}).get("framework", "")})


@model.command()
@click.argument("job_id", metavar="ID")
@json_option
@with_client
def show(client: Client, job_id: str, as_json: bool) -> None:
    """Show a model: network, files, snapshots."""
    print_shown(client.model.show(job_id), as_json=as_json)


@model.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "--epochs", type=click.IntRange(1), help="The new end, counted from the beginning; stays as it is if not given."
)
@click.option("-w", "--wait", is_flag=True, help="Wait for the end; exit status 1 if it fails.")
@json_option
@with_client
def resume(client: Client, job_id: str, epochs: int | None, wait: bool, as_json: bool) -> None:
    """Let a training go on that was aborted, failed, was killed or, with more epochs, is done: as the same job.

    It goes on from its newest whole snapshot, on the CPU to the bit as if it had never stopped; without one it begins again.
    """
    job = client.model.resume(job_id, epochs=epochs)
    if wait:
        with step(f"Training {job.name}") as at:
            wait_for_job(client, job.id, at)
    if as_json:
        print_json(job.as_json())
    else:
        click.echo(f"{job.name} goes on.  {client.address}/models/{job.id}")


@model.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "--delete", "epochs", type=float, multiple=True, metavar="EPOCH", help="Delete this one; may be repeated."
)
@json_option
@with_client
def snapshots(client: Client, job_id: str, epochs: tuple[float, ...], as_json: bool) -> None:
    """List the epochs of a model's snapshots, or delete some of a training that is over."""
    job_id = client.find(job_id)
    for epoch in epochs:
        client.model.delete_snapshot(job_id, epoch)
    facts = client.model.show(job_id).model_extra or {}
    left = facts.get("snapshots", [])
    if as_json:
        print_json(left)
        return
    best = ", ".join(f"{measure} {value:.4g}" for measure, value in (facts.get("best snapshot by") or {}).items())
    rows = [[epoch, f"best: {best}" if epoch == facts.get("best snapshot") else ""] for epoch in left]
    table(["Epoch", ""], rows, empty="no snapshots", right=["Epoch"])


@model.command()
@click.argument("job_id", metavar="ID")
@click.argument("pictures", nargs=-1, metavar="PICTURE...")
@many_options
@epoch_option
@json_option
@with_client
def classify(
    client: Client, job_id: str, pictures: tuple[str, ...], epoch: float | str | None, as_json: bool, **many: Any,
) -> None:  # fmt: skip
    """Say what is on pictures: files of this machine are sent, an archive of them too; other paths and addresses are the server's to read."""
    asked = many_asked(pictures, **many)
    if not pictures and not asked:
        raise click.UsageError("Give pictures or an archive, --list FILE or --dataset ID.")
    job_id = client.find(job_id)
    if asked:
        found = client.model.classify_many(job_id, epoch=epoch, **asked).classifications
    else:
        found = {each: client.model.classify(job_id, each, epoch=epoch).predictions for each in pictures}
    if as_json:
        print_json(found)
        return
    table(["Picture", "Label", "%", "Then"], [[name, *_words(best)] for name, best in found.items()], right=["%"])


def _words(predictions: list[Prediction]) -> tuple[str, str, str]:
    if not predictions:
        return "", "", ""
    first, *others = predictions
    return first[0], f"{first[1]:.2f}", "  ".join(f"{label} {percent:.2f}" for label, percent in others[:4])


@model.command()
@click.argument("job_id", metavar="ID")
@click.option("--dataset", default="", metavar="ID", help="Another dataset than the model's own.")
@click.option("--db", type=click.Choice(["train", "val", "test"]), help="The test set if there is one, else val.")
@epoch_option
@json_option
@with_client
def evaluate(
    client: Client, job_id: str, dataset: str, db: str | None, epoch: float | str | None, as_json: bool
) -> None:
    """Let a model answer a whole database: accuracy, rates of the classes, what was taken for what."""
    job = client.model.evaluate(job_id, dataset=dataset, db=db or "", epoch=epoch)
    with step(f"Evaluating {job.name}") as at:
        wait_for_job(client, job.id, at)
    print_evaluation(client.evaluation.show(job.id), as_json=as_json, address=client.address)


@model.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "--format",
    required=True,
    help="For a Caffe model: caffemodel (an archive for Caffe and OpenCV), onnx, pt2 or safetensors.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write."
)
@epoch_option
@with_client
def export(client: Client, job_id: str, format: str, output: Path, epoch: float | str | None) -> None:  # noqa: A002 - the flag's name
    """Write a trained model as a file for other programs."""
    client.model.export(job_id, format, output, epoch=epoch)
    print_written(output)


@model.command()
@click.argument("job_id", metavar="ID")
@click.option("--series", help="Comma-separated names of curves; all if not given.")
@click.option("--from", "from_epoch", type=float, help="First epoch.")
@click.option("--to", "to_epoch", type=float, help="Last epoch.")
@click.option("--points", type=click.IntRange(1), help="At most so many buckets a curve (2000).")
@click.option(
    "--csv", "csv_file", type=click.Path(path_type=Path, dir_okay=False), help="Write every point to this file."
)
@json_option
@with_client
def metrics(
    client: Client, job_id: str, series: str | None, from_epoch: float | None, to_epoch: float | None, points: int | None,
    csv_file: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Show the curves of a training: the least, largest and last value of each."""
    if csv_file:
        text = client.model.metrics_csv(job_id)
        try:
            csv_file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise DigitsError(f"The file cannot be written: {error.strerror}.", where=str(csv_file)) from error
        click.echo(f"{text.count(chr(10)) - 1:,} points in {csv_file}")
        return
    query = {"series": series, "from": from_epoch, "to": to_epoch, "points": points}
    found = client.model.metrics(job_id, **query)
    if as_json:
        print_json(found.as_json())
        return
    rows = []
    for name, curve in found.series.items():
        least = [value for value in curve.min if value is not None]
        most = [value for value in curve.max if value is not None]
        last = curve.last[-1] if curve.last else None
        rows.append([name, len(curve.last), min(least, default=None), max(most, default=None), last,
                     curve.epoch[-1] if curve.epoch else None])  # fmt: skip
    table(["Curve", "Points", "Least", "Largest", "Last", "Epoch"], rows, empty="no curves yet",
          right=["Points", "Least", "Largest", "Last", "Epoch"])  # fmt: skip


@model.command()
@click.argument("job_ids", nargs=-1, required=True, metavar="ID...")
@json_option
@with_client
def compare(client: Client, job_ids: tuple[str, ...], as_json: bool) -> None:
    """Show 2 to 20 models side by side: the settings that differ, and the best and last value of every curve."""
    found = client.model.compare(job_ids)
    if as_json:
        print_json(found.as_json())
        return
    rows: list[list[Any]] = [["status", *(each.status for each in found.models)]]
    rows += [[name, *(_brief(value) for value in values)] for name, values in found.differing.items()]
    for name, ends in found.metrics.items():
        rows.append([f"{name} best", *(end and f"{end.best:.6g} (epoch {end.epoch:g})" for end in ends)])
        rows.append([f"{name} last", *(end and f"{end.last:.6g}" for end in ends)])
    names = [each.name for each in found.models]
    table(["", *names], rows, right=names)
    click.echo(f"{client.address}/models/compare?ids={','.join(each.id for each in found.models)}")


def _brief(value: str | None) -> str | None:
    return value if value is None or (len(value) <= 60 and "\n" not in value) else f"{len(value.splitlines())} lines"


@model.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file to write: model.html.",
)
@with_client
def report(client: Client, job_id: str, output: Path) -> None:
    """Write all about a model as one HTML file: curves, settings, data, figures of each class, network."""
    client.model.report(job_id, output)
    print_written(output)
