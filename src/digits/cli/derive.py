"""``digits dataset extend|relabel|export|verify``: what is made of a finished dataset, and whether it is whole."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from digits.cli.connect import root_option, with_client
from digits.cli.output import json_option, print_json, table
from digits.cli.sources import source_of, upload_option
from digits.cli.specoptions import local_path
from digits.cli.waiting import step, wait_for_job
from digits.client import Client
from digits.client.answers import Created
from digits.core.errors import DataError
from digits.core.exportspec import DETECTION_FORMATS, FORMATS
from digits.core.jobfolder import find_job_folder
from digits.core.settings import load_settings

_wait = click.option("-w", "--wait", is_flag=True, help="Wait for the end; exit status 1 if it fails.")
_COLUMNS = ("db", "key", "label")


@click.command()
@click.argument("job_id", metavar="ID")
@click.argument("path", required=False)
@click.option("--merge", multiple=True, metavar="ID", help="Take in this dataset, too.")
@click.option("--rename", multiple=True, metavar="OLD=NEW", help="Rename a class; the same new name makes two one.")
@click.option("--pct-val", type=float, help="% of the new pictures for validation.")
@click.option("--pct-test", type=float, help="% of the new pictures for testing.")
@click.option("--name", help="The new dataset's name.")
@upload_option
@_wait
@json_option
@with_client
def extend(
    client: Client, job_id: str, path: str | None, merge: tuple[str, ...], rename: tuple[str, ...], pct_val: float | None,
    pct_test: float | None, name: str | None, upload: bool, wait: bool, as_json: bool,
) -> None:  # fmt: skip
    """Make a new dataset: ID with the pictures of PATH, with other datasets, or with other names of classes.

    The records of ID are copied as they are, each in its database; ID itself stays as it is.
    """
    fields: dict[str, Any] = {"folder_pct_val": pct_val, "folder_pct_test": pct_test, "dataset_name": name}
    fields |= {"merge": [client.find(each) for each in merge], "rename": list(rename)}
    if path is not None:
        fields |= source_of(client, path, kind="image-classification", upload=upload, given={})
        if sent := fields.pop("archive_file", ""):
            with step(f"Sending {Path(sent).name}") as at:
                fields["archive_upload"] = client.uploads.send(
                    Path(sent), lambda done, total: at.update(done, total, f"{done:,} bytes")
                )
    _follow(client, client.dataset.extend(job_id, fields), wait=wait, as_json=as_json)


@click.command()
@click.argument("job_id", metavar="ID")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="The new dataset's name.")
@_wait
@json_option
@with_client
def relabel(client: Client, job_id: str, file: Path, name: str | None, wait: bool, as_json: bool) -> None:
    """Make a new dataset: ID with the labels in FILE, a table (.csv) of db, key, label; a blank label leaves the record out."""
    made = client.dataset.relabel(job_id, list(read_changes_table(file)), name=name)
    _follow(client, made, wait=wait, as_json=as_json)


def read_changes_table(file: Path) -> Iterator[dict[str, str | None]]:
    """Yield the changes of a table whose first line names its columns.

    Raises:
        DataError: a column is missing.
    """
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = csv.DictReader(lines)
        if missing := [name for name in _COLUMNS if name not in (rows.fieldnames or ())]:
            text = f"The table has no column {missing[0]!r}."
            raise DataError(text, where=f"{file}:1", hint="Its first line is: db,key,label", rule="CHANGES")
        for row in rows:
            yield {"db": row["db"], "key": row["key"], "label": row["label"] or None}


def _follow(client: Client, made: Created, *, wait: bool, as_json: bool) -> None:
    if wait:
        with step(f"Building {made.name}") as at:
            wait_for_job(client, made.id, at)
    if as_json:
        print_json(made.as_json())
    else:
        click.echo(f"{made.id}  {client.address}/jobs/{made.id}")


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("--format", "name", type=click.Choice([*FORMATS, *DETECTION_FORMATS]), required=True)
@click.option("-o", "--output", required=True, metavar="DIR", help="A folder of the server's machine: new, or empty.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier export.")
@json_option
@with_client
def export(client: Client, job_id: str, name: str, output: str, overwrite: bool, as_json: bool) -> None:
    """Write a dataset as files that other programs read: image folders, WebDataset, LMDB; one of boxes: COCO, Pascal VOC, YOLO."""
    made = client.dataset.export(job_id, name, local_path(output), overwrite=overwrite)
    with step(f"Exporting to {output}") as at:
        wait_for_job(client, made.id, at)
    if as_json:
        print_json(made.as_json())
    else:
        click.echo(output)


@click.command()
@click.argument("job_id", metavar="ID")
@root_option
@json_option
def verify(job_id: str, root: Path | None, as_json: bool) -> None:
    """Read every record of a dataset on this machine, and name those that are not what was written; exit status 1 if there are any."""
    from digits.data.verify import verify as read_all

    folder = find_job_folder(load_settings(root=root).jobs, job_id).path
    with step("Verifying") as at:
        found = read_all(folder, progress=lambda done, total: at.update(done, total, f"{done:,} records"))
    rows = [{"db": each.db, "key": each.key, "path": each.path, "reason": each.reason} for each in found.damaged]
    if as_json:
        facts = {"records": found.records, "content_hash": found.content_hash, "index_whole": found.index_whole}
        print_json(facts | {"damaged": rows})
    else:
        table(["Db", "Key", "Path", "What is wrong"], [list(row.values()) for row in rows],
              empty=f"all {found.records:,} records are as they were written")  # fmt: skip
        if not found.index_whole:
            click.echo("The index is not the one that the dataset's content hash was made of.")
    if not found.whole:
        raise SystemExit(1)
