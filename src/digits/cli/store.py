"""``digits store ls|get|publish|build``: model stores, looked at, brought in, and made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from digits.cli.connect import root_option, with_client
from digits.cli.epochs import epoch_option
from digits.cli.output import json_option, print_json, table
from digits.cli.ownserver import serving
from digits.cli.storebuild import FCN_EPOCHS, LENET_EPOCHS, build_fcn, build_lenet
from digits.cli.storeentry import add_entry
from digits.cli.waiting import step, wait_for_job
from digits.client import Client
from digits.core.errors import NotFoundError
from digits.core.settings import load_settings


@click.group()
def store() -> None:
    """Model stores: what they offer, bringing a model in, and making a store of one's own."""


@store.command()
@click.option("--refresh", is_flag=True, help="Read the stores anew.")
@json_option
@with_client
def ls(client: Client, refresh: bool, as_json: bool) -> None:
    """List what the stores of the server offer."""
    found = client.store.ls(refresh=refresh)
    if as_json:
        print_json({base: each.as_json() for base, each in found.items()})
        return
    rows = [
        [entry.dir_name, entry.info.get("name", ""), entry.info.get("framework", ""), entry.aux.get("dataset", ""),
         entry.problem or entry.info.get("note", "")]
        for each in found.values() for entry in each.model_list
    ]  # fmt: skip
    table(["Entry", "Name", "Framework", "Data sets", "Note"], rows, empty="no models")
    for base, each in found.items():
        if each.problem:
            click.echo(f"{base}: {each.problem}", err=True)


@store.command()
@click.argument("name")
@json_option
@with_client
def get(client: Client, name: str, as_json: bool) -> None:
    """Bring the entry NAME in (its folder's name, its title or its id) as a pretrained model, and wait for it."""
    entries = [entry for each in client.store.ls().values() for entry in each.model_list]
    found = [entry for entry in entries if name in (entry.dir_name, entry.id, entry.info.get("name"))]
    if not found:
        raise NotFoundError(f"No store offers {name!r}.", hint="`digits store ls` lists what there is.")
    made = client.store.get(found[0].id)
    with step(f"Importing {made.name}") as at:
        row = wait_for_job(client, made.id, at)
    if as_json:
        print_json(made.as_json() | {"status": row.status})
    else:
        click.echo(f"{client.address}/pretrained_models/{made.id}")


@store.command()
@click.argument("job_id", metavar="ID")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", help="Title of the entry; the model's name if not given.")
@click.option("--note", default="", help="A sentence on what it is for.")
@click.option("--dataset", default="", help="What it was trained on.")
@click.option("--license", "licence", default="", help="Its licence, by name.")
@click.option(
    "--logo", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The affiliate's PNG or JPEG."
)
@epoch_option
@click.option("--safetensors", is_flag=True, help="Weights as .safetensors; as the framework has them if not given.")
@with_client
def publish(
    client: Client,
    job_id: str,
    folder: Path,
    safetensors: bool,
    epoch: float | str | None,
    logo: Path | None,
    **words: Any,
) -> None:
    """Add the model ID to the store in DIR, which any web server can serve; the store is made if there is none.

    A folder for the entry gets the files of the downloaded model, info.json and aux.json, and master.json names it.
    """
    place = add_entry(client, client.find(job_id), folder, epoch=epoch, safetensors=safetensors, logo=logo, **words)
    click.echo(str(place))


@store.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--only", type=click.Choice(["lenet", "fcn"]), help="Make this entry alone.")
@click.option(
    "--mnist", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Folder with MNIST's four idx files."
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    help=f"Of the training: {LENET_EPOCHS} of LeNet, {FCN_EPOCHS} of the FCN if not given.",
)
@root_option
def build(folder: Path, only: str | None, mnist: Path | None, epochs: int | None, root: Path | None) -> None:
    """Make the store that OpenDIGITS ships: LeNet trained on MNIST, and a small FCN trained on drawn streets, each with its figures."""
    settings = load_settings(root=root)
    with serving(settings, None) as (address, _), Client(address) as client:
        if only != "fcn":
            build_lenet(client, settings, folder, mnist, epochs or LENET_EPOCHS)
        if only != "lenet":
            build_fcn(client, folder, epochs or FCN_EPOCHS)
