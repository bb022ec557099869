"""``digits extensions ls``: what is installed, of which distribution, and what of it cannot be used."""

from __future__ import annotations

import click

from digits.cli.output import json_option, print_json, table
from digits.core.extensions import KINDS, Entry
from digits.core.extensions import entries as entries_of


@click.group()
def extensions() -> None:
    """Kinds of datasets, frameworks, views and executors that are installed."""


@extensions.command()
@json_option
def ls(as_json: bool) -> None:
    """List what is installed on this machine, with the distribution that brings it; exit status 1 if something of it cannot be used."""
    found = [entry for group in KINDS for entry in entries_of(group)]
    if as_json:
        print_json([as_row(entry) for entry in found])
    else:
        rows = [
            [each["group"], each["name"], each["distribution"], each["problem"] or each["title"]]
            for each in map(as_row, found)
        ]
        table(["Group", "Name", "Distribution", "What it is"], rows)
    if any(entry.problem for entry in found):
        raise SystemExit(1)


def as_row(entry: Entry) -> dict[str, str]:
    """Return what is told of an entry point."""
    return {
        "group": entry.group, "name": entry.name, "distribution": entry.distribution,
        "title": entry.extension.title if entry.extension else "", "problem": entry.problem,
    }  # fmt: skip
