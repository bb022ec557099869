"""``digits reindex``: the database is only an index of the job folders; this makes it anew."""

from __future__ import annotations

from pathlib import Path

import click

from digits.cli.connect import root_option
from digits.cli.output import json_option, print_json
from digits.core.settings import load_settings


@click.command()
@root_option
@json_option
def reindex(root: Path | None, as_json: bool) -> None:
    """Rebuild the database from the job folders, while the server runs or not."""
    from digits.store import Store

    store = Store(load_settings(root=root))
    try:
        count = store.reindex()
    finally:
        store.close()
    if as_json:
        print_json({"jobs": count})
    else:
        click.echo(f"{count} jobs in the database")
