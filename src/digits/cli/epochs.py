"""``--epoch``: which snapshot of a model a command means."""

from __future__ import annotations

from typing import Any

import click

BEST = "best"


class EpochType(click.ParamType[float | str]):
    """A number, or "best"."""

    name = "epoch"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        """Return the number, or "best" as it is."""
        try:
            return BEST if value == BEST else float(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number nor {BEST!r}.", param, ctx)


epoch_option = click.option(
    "--epoch",
    type=EpochType(),
    help="Epoch of the snapshot, or best for the one that validated best; the newest if not given.",
)
