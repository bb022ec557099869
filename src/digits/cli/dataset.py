"""``digits dataset create|inspect|plan|resume|ls|show|explore|refused|health``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from digits.cli import derive
from digits.cli.connect import with_client
from digits.cli.output import facts, json_option, moment, print_json, seconds, table
from digits.cli.plan import plan
from digits.cli.sources import look, name_of, print_look, source_of, upload_option
from digits.cli.speccommand import spec_command
from digits.cli.specoptions import files_of, form_of, in_flags
from digits.cli.waiting import step, wait_for_job
from digits.client import Client, RefusedError
from digits.client.answers import Created, Health, Row, Shown
from digits.core.extensions import DatasetExtension, extension, installed
from digits.core.spec import Spec


@click.group()
def dataset() -> None:
    """Make and look at datasets."""


for command in (plan, derive.extend, derive.relabel, derive.export, derive.verify):
    dataset.add_command(command)


def _spec_of(kind: str) -> type[Spec]:
    found: DatasetExtension = extension("datasets", kind)
    return found.spec


@dataset.command(cls=spec_command(_spec_of, option="--type", aliases={"dataset_name": "name", "group_name": "group"}))
@click.argument("path", required=False)
@click.option("--type", "kind", type=click.Choice(list(installed("datasets"))), default="image-classification",
              show_default=True, help="Kind of dataset; the flags below are those of this kind.")  # fmt: skip
@upload_option
@click.option("-w", "--wait", is_flag=True, help="Wait for the end; exit status 1 if it fails.")
@json_option
@with_client
def create(client: Client, path: str | None, kind: str, upload: bool, wait: bool, as_json: bool, **given: Any) -> None:
    """Make a dataset of PATH: a folder with one sub-folder for each class, train and val folders of those, an archive, a list ...

    Every flag is a field of the web form; what PATH is fills in those that are not given. A folder or an archive is sent where the server is
    on another machine. The dataset is called after PATH unless --name says otherwise.
    """
    known: DatasetExtension = extension("datasets", kind)
    if path is not None:
        given |= source_of(client, path, kind=kind, upload=upload, given=given)
    named = path or given.get("folder_train")
    if given.get("dataset_name") is None and named:
        given["dataset_name"] = name_of(named)
    try:
        made = _send(client, known, given)
    except RefusedError as error:
        raise in_flags(error) from error
    if wait:
        with step(f"Building {made.name}") as at:
            wait_for_job(client, made.id, at)
    print_created([made.as_json()], as_json=as_json, address=client.address)


def _send(client: Client, known: DatasetExtension, given: dict[str, Any]) -> Created:
    form, files = form_of(known.spec, given), files_of(known.spec, given)
    if not files:
        return client.dataset.create(form, route=known.route)
    with step(f"Sending {', '.join(sorted({path.name for path in files.values()}))}") as at:
        return client.dataset.create(
            form, route=known.route, files=files, tell=lambda done, total: at.update(done, total, f"{done:,} bytes")
        )


@dataset.command()
@click.argument("path")
@click.option("--type", "kind", type=click.Choice(list(installed("datasets"))), default="image-classification",
              show_default=True, help="Kind of dataset.")  # fmt: skip
@upload_option
@json_option
@with_client
def inspect(client: Client, path: str, kind: str, upload: bool, as_json: bool) -> None:
    """Show what PATH holds, before a dataset is made of it: what it is, classes, counts, files that would be refused."""
    found = look(client, path, kind=kind, upload=upload)
    if as_json:
        print_json(found.as_json())
    else:
        print_look(found)


def print_created(made: list[dict[str, Any]], *, as_json: bool, address: str) -> None:
    """Print the ids of new jobs, and where they are seen."""
    if as_json:
        print_json(made[0] if len(made) == 1 else made)
        return
    for each in made:
        click.echo(f"{each['id']}  {address}/jobs/{each['id']}")


@dataset.command()
@click.argument("job_id", metavar="ID")
@click.option("-w", "--wait", is_flag=True, help="Wait for the end; exit status 1 if it fails.")
@json_option
@with_client
def resume(client: Client, job_id: str, wait: bool, as_json: bool) -> None:
    """Let a dataset go on that was aborted, failed or was killed: as the same job.

    Of a large one, made in shards, those that are whole are not made again; any other begins anew.
    """
    job = client.dataset.resume(job_id)
    if wait:
        with step(f"Building {job.name}") as at:
            wait_for_job(client, job.id, at)
    if as_json:
        print_json(job.as_json())
    else:
        click.echo(f"{job.name} goes on.  {client.address}/datasets/{job.id}")


@dataset.command()
@json_option
@with_client
def ls(client: Client, as_json: bool) -> None:
    """List the datasets, newest first."""
    rows = client.dataset.ls()
    if as_json:
        print_json([row.as_json() for row in rows])
    else:
        extra: dict[str, Callable[[Row], Any]] = {"Refs": lambda row: (row.model_extra or {}).get("refs", "")}
        job_table(rows, extra)


def job_table(rows: list[Row], extra: dict[str, Callable[[Row], Any]]) -> None:
    """Print jobs as the home page lists them."""
    table(
        ["Id", "Name", *extra, "Status", "Elapsed", "Submitted"],
        [
            [row.id, row.name, *(call(row) for call in extra.values()), _state(row), seconds(row.elapsed), moment(row.submitted)]
            for row in rows
        ],
        right=["Refs"],
    )  # fmt: skip


def _state(row: Row) -> str:
    return f"{row.status} {row.progress:.0f} %" if row.status == "Running" else row.status


@dataset.command()
@click.argument("job_id", metavar="ID")
@json_option
@with_client
def show(client: Client, job_id: str, as_json: bool) -> None:
    """Show a dataset: sizes, counts, files."""
    print_shown(client.dataset.show(job_id), as_json=as_json)


def print_shown(shown: Shown, *, as_json: bool) -> None:
    """Print all facts of a job; each task's on lines of their own."""
    if as_json:
        print_json(shown.as_json())
        return
    plain: dict[str, Any] = {}
    tasks: list[dict[str, Any]] = []
    for name, value in shown.as_json().items():
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            tasks += value
        else:
            plain[name] = value
    facts(plain)
    for task in tasks:
        click.echo()
        facts(task)


@dataset.command()
@click.argument("job_id", metavar="ID")
@click.option("--db", type=click.Choice(["train", "val", "test"]), default="train", show_default=True)
@click.option("--page", type=click.IntRange(0), default=0, show_default=True)
@click.option("--size", type=click.IntRange(1, 100), default=25, show_default=True, help="Records a page.")
@click.option("--label", type=int, help="Only this class id.")
@click.option("--search", default="", help="Only where the path holds this.")
@json_option
@with_client
def explore(client: Client, job_id: str, as_json: bool, **query: Any) -> None:
    """List the records of a dataset, a page at a time."""
    found = client.dataset.explore(job_id, **query)
    if as_json:
        print_json(found.as_json())
        return
    table(["Key", "Label", "Path"], [[item.key, item.label, item.path] for item in found.items], empty="no records")
    click.echo(f"{found.total:,} records, page {found.page} of {max(0, (found.total - 1) // max(1, found.size))}")


@dataset.command()
@click.argument("job_id", metavar="ID")
@json_option
@with_client
def refused(client: Client, job_id: str, as_json: bool) -> None:
    """List the files that a dataset left out, with the rule and the reason."""
    rows = client.dataset.refused(job_id)
    if as_json:
        print_json([row.as_json() for row in rows])
    else:
        table(["Db", "Path", "Rule", "Reason"], [[row.db, row.path, row.rule, row.reason] for row in rows],
              empty="nothing was refused")  # fmt: skip


@dataset.command()
@click.argument("job_id", metavar="ID")
@click.option("--model", default="", metavar="ID", help="Hold this model's predictions against the labels, too.")
@json_option
@with_client
def health(client: Client, job_id: str, model: str, as_json: bool) -> None:
    """Check a dataset for duplicates, leaks, conflicting labels, odd pictures and doubted labels."""
    check = client.dataset.check_health(job_id, model=model)
    with step("Checking the dataset") as at:
        wait_for_job(client, check.id, at)
    found = client.dataset.health(job_id)
    if as_json:
        print_json(found.as_json())
        return
    _print_health(found)
    click.echo(f"{client.address}/datasets/{client.find(job_id)}/health shows the pictures.")


_FINDINGS = {
    "leaks": "Leaks between databases", "conflicts": "Conflicting labels", "exact_duplicates": "Exact duplicates",
    "near_duplicates": "Near duplicates", "suspects": "Doubted labels", "outliers": "Outliers",
}  # fmt: skip


def _print_health(found: Health) -> None:
    rows = [
        [title, found.counts.get(name, 0), found.sizes.get(name, found.counts.get(name, 0))]
        for name, title in _FINDINGS.items()
    ]
    table(["Finding", "Groups", "Pictures"], rows, right=["Groups", "Pictures"])
    for advice in found.imbalance.get("advice", []):
        click.echo(advice)
