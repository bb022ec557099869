"""What a path of the command line is for a dataset: recognised by the server where it sees it, else sent there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from digits.cli.output import table
from digits.cli.specoptions import local_path
from digits.cli.waiting import step
from digits.client import Client, RefusedError
from digits.client.answers import Inspected
from digits.core.errors import DataError
from digits.data.archive.kinds import kind_of

upload_option = click.option(
    "--upload", is_flag=True, help="Send PATH, a folder or an archive; without saying so where the server is elsewhere."
)
_SHOWN_REFUSED = 20


def source_of(client: Client, path: str, *, kind: str, upload: bool, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that ``path`` stands for, without those that are ``given``.

    Raises:
        DataError: it should be sent, and is neither a folder nor an archive.
    """
    if "://" in path:
        fields: dict[str, Any] = {"folder_train": path}
    elif upload or not client.is_local:
        fields = {"method": "archive", "archive_file": str(_to_send(path))}
    else:
        try:
            fields = client.dataset.recognise(local_path(path), extension=kind)
        except RefusedError:  # the form says more of a folder than that it is none
            fields = {"folder_train": local_path(path)}
    bools = {"true": True, "false": False}
    return {name: bools.get(value, value) for name, value in fields.items() if given.get(name) is None}


def _to_send(path: str) -> Path:
    place = Path(path).expanduser()
    try:
        if place.is_dir() or kind_of(place):
            return place
    except OSError as error:
        raise DataError(f"It cannot be read: {error.strerror or error}.", where=path) from error
    raise DataError(
        "A folder or an archive can be sent; this is neither.", where=path,
        hint="Lists are sent by --method textfile --textfile-train-images FILE --textfile-labels-file FILE.",
    )  # fmt: skip


def name_of(path: str) -> str:
    """Return what a dataset of ``path`` is called: "pictures" for /data/pictures/ and for pictures.tar.gz."""
    name = path.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    return (
        name.removesuffix(".gz")
        .removesuffix(".bz2")
        .removesuffix(".xz")
        .removesuffix(".tar")
        .removesuffix(".zip")
        .removesuffix(".txt")
    )


def look(client: Client, path: str, *, kind: str, upload: bool) -> Inspected:
    """Return what ``path`` holds; how far it is stands on stderr."""
    sent = ""
    if (upload or not client.is_local) and "://" not in path:
        with step(f"Sending {name_of(path)}") as at:
            sent = client.uploads.send(_to_send(path), lambda done, total: at.update(done, total, f"{done:,} bytes"))
    try:
        with step(f"Looking at {path}") as at:
            found = client.dataset.inspect(
                "" if sent else local_path(path), upload=sent, extension=kind,
                tell=lambda done: at.update(done, 0, f"{done:,} pictures"),
            )  # fmt: skip
            at.result = f"{found.count:,} pictures"
            return found
    finally:
        if sent:
            client.uploads.drop(sent)


def print_look(found: Inspected) -> None:
    """Print what a source holds."""
    boxes = (found.model_extra or {}).get("boxes")  # what is counted by class where pictures have boxes
    of = "Pictures" if boxes is None else "Boxes"
    click.echo(
        f"{found.words}: {found.count:,} pictures in {len(found.classes):,} classes" if boxes is None else found.words
    )
    dbs = list(found.class_dbs)
    rows = [
        [each.label, each.count, *(found.class_dbs[db][number] for db in dbs)]
        for number, each in enumerate(found.classes)
    ]
    table(["Class", of, *dbs], rows, right=[of, *dbs])
    for note in (found.model_extra or {}).get("notes", []):
        click.echo(f"{note}.")
    if not found.refused_count:
        click.echo("nothing would be refused")
        return
    click.echo(f"{found.refused_count:,} files {'' if boxes is None else 'or boxes '}would be refused:")
    table(["Path", "Line", "Rule", "Reason"],
          [[row.path, row.line or "", row.rule, row.reason] for row in found.refused[:_SHOWN_REFUSED]], right=["Line"])  # fmt: skip
    if found.refused_count > _SHOWN_REFUSED:
        click.echo(f"and {found.refused_count - _SHOWN_REFUSED:,} more; --json has the first 100")
