"""Long work on stderr: a bar with elapsed and left in a terminal; else a line when it starts, now and then, and when it is done."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from digits.cli.output import seconds
from digits.client import Client
from digits.client.answers import Row
from digits.core.errors import DigitsError

QUIET_S = 10.0
"""Without a terminal, a word this often."""
ASK_S = 0.5


class Step:
    """One step of long work."""

    def __init__(self, title: str, *, bar: Progress | None, task: TaskID | None) -> None:
        self.title = title
        self.result = ""
        """What came of it, said when it is done."""
        self._bar, self._task = bar, task
        self._began = self._said = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def update(self, done: float, total: float, text: str = "") -> None:
        """Say how far it is; ``total`` 0 while unknown."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total or None, text=text)
        elif time.monotonic() > self._said + QUIET_S:
            self._said = time.monotonic()
            share = done / total if total else 0
            left = f", about {seconds(self.elapsed_s * (1 - share) / share)} left" if 0.02 < share < 1 else ""
            click.echo(f"  {share:.0%}  {text}  ({seconds(self.elapsed_s)}{left})" if total else f"  {text}", err=True)

    def say(self, text: str) -> None:
        """Say something by the way."""
        if self._bar is not None:
            self._bar.console.print(f"  {text}")
        else:
            click.echo(f"  {text}", err=True)


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Show one step while its block runs, and its result and seconds after it."""
    if not sys.stderr.isatty():
        click.echo(f"{title} ...", err=True)
        running = Step(title, bar=None, task=None)
        yield running
    else:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %  {task.fields[text]}"),
                   TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())  # fmt: skip
        with Progress(*columns, console=Console(stderr=True, highlight=False, markup=False), transient=True) as bar:
            running = Step(title, bar=bar, task=bar.add_task(title, total=None, text=""))
            yield running
    result = f": {running.result}" if running.result else ""
    click.echo(f"{title}{result}  ({seconds(running.elapsed_s)})", err=True)


def wait_for_job(client: Client, job_id: str, step: Step) -> Row:
    """Follow a job to its end, and return its last row.

    Raises:
        DigitsError: it ended otherwise than Done; the worker's words are in it.
    """
    while True:
        row = client.job.row(job_id)
        step.update(row.progress, 100, row.status)
        if not row.is_running:
            break
        time.sleep(ASK_S)
    if row.status != "Done":
        raise DigitsError(f"{row.name} ended as {row.status}. {_why(client, job_id)}".strip(), where=job_id)
    return row


def _why(client: Client, job_id: str) -> str:
    failed = [event for event in client.job.logs(job_id) if event.get("type") == "failed"]
    if not failed:
        return f"{client.address}/jobs/{job_id} says more."
    return f"{failed[-1].get('message', '')} {failed[-1].get('hint', '')}".strip()
