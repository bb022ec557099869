"""Many pictures to test a model with: a list, an archive, or the records of a dataset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from digits.data.archive.kinds import kind_of

F = TypeVar("F", bound=Callable[..., Any])
_OPTIONS = (
    click.option("--list", "list_file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
                 help="A file of lines `path [label]` instead of pictures."),
    click.option("--folder", default="", help="Goes before every path of the list that is not absolute."),
    click.option("--dataset", default="", metavar="ID", help="The records of a dataset instead of pictures."),
    click.option("--db", type=click.Choice(["train", "val", "test"]), help="Of that dataset; test if not given, else val."),
)  # fmt: skip


def many_options(command: F) -> F:
    """Add the options that name many pictures."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def many_asked(
    pictures: tuple[str, ...], *, list_file: Path | None, folder: str, dataset: str, db: str | None
) -> dict[str, Any]:
    """Return what the client's methods for many pictures are given; {} where each picture is asked about by itself.

    Raises:
        UsageError: options contradict each other.
    """
    archive = Path(pictures[0]) if len(pictures) == 1 and _is_archive(Path(pictures[0])) else None
    given = [bool(pictures), bool(list_file), bool(dataset)].count(True)
    if given > 1 or (db and not dataset):
        raise click.UsageError("Give pictures or an archive, --list FILE, or --dataset ID with --db; one of them.")
    if archive or list_file:
        return {"list_file": archive or list_file, "folder": folder}
    return {"dataset": dataset, "db": db or ""} if dataset else {}


def _is_archive(path: Path) -> bool:
    try:
        return path.is_file() and kind_of(path) is not None
    except OSError:
        return False
