"""``digits pretrained create|upload|ls|show``: weights that were trained elsewhere, kept to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from digits.cli.connect import with_client
from digits.cli.dataset import job_table, print_created, print_shown
from digits.cli.output import json_option, print_json
from digits.cli.speccommand import spec_command
from digits.cli.specoptions import files_of, form_of, in_flags
from digits.cli.waiting import step, wait_for_job
from digits.client import Client, RefusedError
from digits.client.answers import Created
from digits.core.pretrainedspec import PretrainedForm

ALIASES = {
    "job_name": "name", "weights_file": "weights", "model_def_file": "network-file", "labels_file": "labels", "mean_file": "mean",
    "python_layers_file": "python-layers",
}  # fmt: skip

wait_option = click.option("-w", "--wait", is_flag=True, help="Wait for the end; exit status 1 if it fails.")


@click.group()
def pretrained() -> None:
    """Pretrained models: weights to begin trainings with, or to test."""


@pretrained.command(
    cls=spec_command(lambda _: PretrainedForm, option="--framework", aliases=ALIASES, skip=frozenset({"framework"}))
)
@click.option("--framework", default="caffe", show_default=True, help="The language that the network is written in.")
@wait_option
@json_option
@with_client
def create(client: Client, framework: str, wait: bool, as_json: bool, **given: Any) -> None:
    """Keep weights with their definition: files of this machine, which are sent. Every flag is a field of the web form."""
    given["framework"] = framework
    files = files_of(PretrainedForm, given)
    if given.get("job_name") is None and "weights_file" in files:
        given["job_name"] = files["weights_file"].stem
    try:
        with step(f"Sending {', '.join(path.name for path in files.values()) or 'the form'}") as at:
            made = client.pretrained.create(
                form_of(PretrainedForm, given),
                files=files,
                tell=lambda done, total: at.update(done, total, f"{done:,} bytes"),
            )
    except RefusedError as error:
        raise in_flags(error) from error
    _finish(client, made, wait=wait, as_json=as_json)


@pretrained.command()
@click.argument("archive", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@wait_option
@json_option
@with_client
def upload(client: Client, archive: Path, wait: bool, as_json: bool) -> None:
    """Keep the model in ARCHIVE: a .tar, .tar.gz, .tar.bz2 or .zip with info.json, as `digits model download` writes it."""
    with step(f"Sending {archive.name}") as at:
        made = client.pretrained.upload(archive, tell=lambda done, total: at.update(done, total, f"{done:,} bytes"))
    _finish(client, made, wait=wait, as_json=as_json)


def _finish(client: Client, made: Created, *, wait: bool, as_json: bool) -> None:
    if wait:
        with step(f"Importing {made.name}") as at:
            wait_for_job(client, made.id, at)
    print_created([made.as_json()], as_json=as_json, address=client.address)


@pretrained.command()
@json_option
@with_client
def ls(client: Client, as_json: bool) -> None:
    """List the pretrained models, newest first."""
    rows = client.pretrained.ls()
    if as_json:
        print_json([row.as_json() for row in rows])
    else:
        job_table(rows, {"Framework": lambda row: (row.model_extra or {}).get("framework", "")})


@pretrained.command()
@click.argument("job_id", metavar="ID")
@json_option
@with_client
def show(client: Client, job_id: str, as_json: bool) -> None:
    """Show a pretrained model: files, size of its pictures, labels."""
    print_shown(client.pretrained.show(job_id), as_json=as_json)
