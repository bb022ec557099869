"""What commands print: tables and facts for people, JSON for programs; errors go to stderr (see ``digits.cli.main``)."""

from __future__ import annotations

import json
import sys
import time
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

PIPE_COLUMNS = 200  # a file has no width: nothing is cut or wrapped to that of a terminal

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def console(*, stderr: bool = False) -> Console:
    """Return a console for stdout or stderr as they are now."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else PIPE_COLUMNS, highlight=False, markup=False)


def print_json(value: Any) -> None:
    """Print ``value`` as JSON."""
    click.echo(json.dumps(value, indent=2, default=str))


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = (), empty: str = "none"
) -> None:
    """Print a table; columns named in ``right`` hold numbers."""
    listed = [[_cell(value) for value in row] for row in rows]
    if not listed:
        click.echo(empty)
        return
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        drawn.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in listed:
        drawn.add_row(*row)
    console().print(drawn)


def facts(pairs: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
    """Print names and values, one a line; what is empty is left out."""
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    shown = [(name, _cell(value)) for name, value in items if value not in (None, "", [], {})]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        click.echo(f"{name:<{width}}  {value}")


def print_written(file: Path) -> None:
    """Print the name and size of a file that was written, and that it is an archive where its name does not say so."""
    click.echo(f"{file} ({file.stat().st_size:,} bytes)")
    if zipfile.is_zipfile(file) and file.suffix not in (".zip", ".pt2"):
        click.echo("It is a zip archive; README.txt in it says how to use it.", err=True)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, default=str)
    return _printable(str(value))


def _printable(text: str) -> str:
    """Return ``text`` without what would command a terminal: names of jobs and files are anybody's."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def seconds(value: float) -> str:
    """Return a duration for people: "7 s", "3 min 5 s", "2 h 10 min"."""
    whole = max(0, round(value))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def moment(unix: float) -> str:
    """Return a time of this machine's clock."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(unix)) if unix else ""
