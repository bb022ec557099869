"""``digits job abort|delete|logs|priority``: what every kind of job can be told."""

from __future__ import annotations

from typing import Any

import click

from digits.cli.connect import with_client
from digits.cli.output import json_option, moment, print_json
from digits.client import Client


@click.group()
def job() -> None:
    """Abort, delete, order and follow jobs of any kind."""


@job.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@json_option
@with_client
def abort(client: Client, ids: tuple[str, ...], as_json: bool) -> None:
    """Ask running jobs to stop."""
    _each(ids, client.job.abort, as_json)


@job.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@json_option
@with_client
def delete(client: Client, ids: tuple[str, ...], as_json: bool) -> None:
    """Delete jobs with all their files; one that runs is stopped first."""
    _each(ids, client.job.delete, as_json)


@job.command(context_settings={"ignore_unknown_options": True})
@click.argument("job_id", metavar="ID")
@click.argument("priority", type=int, metavar="N")
@json_option
@with_client
def priority(client: Client, job_id: str, priority: int, as_json: bool) -> None:
    """Let a waiting job start before those of lower priority; N is 0 for most, below 0 for later."""
    answer = client.job.priority(job_id, priority)
    if as_json:
        print_json(answer.model_dump(mode="json"))
    else:
        click.echo(f"{answer.name} has priority {answer.priority} and is {answer.status}.")


@job.command()
@click.argument("job_id", metavar="ID")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job is over; exit status 1 if it failed.")
@json_option
@with_client
def logs(client: Client, job_id: str, follow: bool, as_json: bool) -> None:
    """Print what the job's worker has said, one event a line (with --json: one object a line)."""
    import json

    job_id = client.find(job_id)
    for event in client.job.logs(job_id, follow=follow):
        click.echo(json.dumps(event) if as_json else line(event))
    if follow and client.job.status(job_id).status != "Done":
        raise SystemExit(1)


def line(event: dict[str, Any]) -> str:
    """Return one event as one line for people."""
    kind = event.get("type", "")
    said = {
        "progress": lambda: f"{event.get('task')}: {event.get('text') or _share(event)}",
        "metric": lambda: "  ".join(f"{name} {value:.4g}" for name, value in event.get("values", {}).items()),
        "snapshot": lambda: f"snapshot of epoch {event.get('epoch'):g}: {event.get('file')}",
        "warned": lambda: f"warning: {_words(event)}",
        "failed": lambda: f"failed: {_words(event)}",
    }.get(kind, lambda: str(event.get("message") or event.get("file") or kind))()
    return f"{moment(event.get('time', 0))}  {said}"


def _share(event: dict[str, Any]) -> str:
    done, total, unit = event.get("done", 0), event.get("total", 0), event.get("unit", "")
    return f"{done:g} of {total:g} {unit}".strip() if total else f"{done:g} {unit}".strip()


def _words(event: dict[str, Any]) -> str:
    place = f"{event['where']}: " if event.get("where") else ""
    return f"{place}{event.get('message', '')} {event.get('hint', '')}".strip()


def _each(ids: tuple[str, ...], call: Any, as_json: bool) -> None:
    answers = [{"id": job_id, "answer": call(job_id)} for job_id in ids]
    if as_json:
        print_json(answers)
        return
    for answer in answers:
        click.echo(answer["answer"])
