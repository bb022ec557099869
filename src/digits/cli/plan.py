"""``digits dataset plan``: what a large dataset would take, before it is begun. It needs no server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digits.cli.output import facts, json_option, print_json, seconds, table
from digits.cli.waiting import step
from digits.core.settings import load_settings

if TYPE_CHECKING:
    from digits.extensions.datasets.classification.plan import Plan


@click.command()
@click.argument("manifest", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--width", type=click.IntRange(1, 30_000), default=256, show_default=True)
@click.option("--height", type=click.IntRange(1, 30_000), default=256, show_default=True)
@click.option("--channels", type=click.Choice(["1", "3"]), default="3", show_default=True)
@click.option("--encoding", type=click.Choice(["png", "jpg", "none"]), default="png", show_default=True)
@click.option(
    "--threads", type=click.IntRange(1), help="Threads that the dataset will be made with; this machine's cores."
)
@json_option
def plan(
    manifest: Path, width: int, height: int, channels: str, encoding: Any, threads: int | None, as_json: bool
) -> None:
    """Say what a dataset of MANIFEST would take: pictures, classes, disk, hours and shards.

    MANIFEST is a table (.csv, .jsonl, .parquet: columns image, label and, if you like, split) or a list of "path label" lines. It is read
    through as a stream; pictures that lie on this machine are measured, a few of them.
    """
    from digits.extensions.datasets.classification.plan import Form, make_plan
    from digits.extensions.datasets.classification.plan import as_json as plan_as_json

    settings = load_settings()
    num_threads = threads or os.cpu_count() or 1
    with step(f"Reading {manifest.name}") as at:
        found = make_plan(
            manifest, Form(width, height, int(channels), encoding=encoding), num_threads=num_threads,
            shard_above=settings.shard_above, shard_images=settings.shard_images,
            progress=lambda lines: at.update(lines, 0, f"{lines:,} lines"),
        )  # fmt: skip
    if as_json:
        print_json(plan_as_json(found))
    else:
        _print(found, num_threads)


def _print(found: Plan, num_threads: int) -> None:
    (least, fewest), (most, largest) = found.smallest, found.largest
    basis = f"measured on {found.measured} pictures" if found.measured else "as ordinary photos take; none lies here"
    facts(
        {
            "Images": f"{found.images:,}",
            "Classes": f"{found.classes:,} (from {fewest:,} in {least!r} to {largest:,} in {most!r})",
            "Disk": f"{found.bytes / 1e9:,.1f} GB ({found.picture_bytes:,.0f} bytes a picture, {basis})",
            "Time": f"{seconds(found.hours * 3600)} ({found.hours:,.1f} hours) with {num_threads} threads",
            "Shards": f"{found.shards:,}",
            "Refused": f"{sum(found.refused.values()):,} lines",
            "Read in": seconds(found.seconds),
        }
    )
    click.echo()
    table(["Database", "Images"], [[db, f"{count:,}"] for db, count in found.dbs.items()], right=["Images"])
    if found.refused:
        click.echo()
        table(
            ["Line", "Rule", "Reason"], [[each["where"], each["rule"], each["reason"]] for each in found.first_refused]
        )
