"""``python -m scripts.commands``: write the page of all commands, with the client's method and the flags of each."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from digits.cli.main import cli
from digits.client import Client

PAGE = Path(__file__).resolve().parents[1] / "docs/reference/cli.md"
HEAD = """# Commands and the Python client

`digits COMMAND --help` says all of one; a unique beginning of an id will do for an ID. Commands that ask a server take `--server ADDRESS` (else `DIGITS_SERVER`, else
the server that runs on `--root`). Errors are a line on stderr; the exit status is 0 where all went well, 1 where the work itself failed, 2 where something must be given
otherwise first. `--json` prints what the REST API answers. Flags that are fields of a form are those of `/docs`, with `-` for `_`.

`with digits.client.Client("http://127.0.0.1:5000") as client:` has a method of the same name; its docstring says what it takes, returns and raises.
[How to](../howto/scripts.md) shows both, and curl, on one task. Written by `python -m scripts.commands`.

| command | does | `--json` | client |
|---|---|---|---|
"""
ELSEWHERE = {
    "dataset inspect": "dataset.inspect, recognise", "job logs": "job.logs, events", "job abort": "job.abort", "model classify": "model.classify, classify_many",
    "model infer": "model.infer, infer_many, infer_db", "model snapshots": "model.show, delete_snapshot",
    "model metrics": "model.metrics, metrics_csv", "dataset health": "dataset.check_health, health", "model create": "model.create, network_text",
    "network to-fcn": "model.network_to_fcn",
}  # fmt: skip
"""Where the client's methods are several, or have another name."""


def commands(command: click.Command = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something by its words, in the order of the help."""
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None, name
        yield from commands(found, (*path, name))


def methods() -> set[str]:
    """Return the client's public methods: "dataset.create"."""
    with Client("http://127.0.0.1:1", username="nobody") as client:
        return {
            f"{noun}.{name}"
            for noun, each in vars(client).items()
            if not noun.startswith("_") and type(each).__module__.startswith("digits.client")
            for name, _ in inspect.getmembers(each, inspect.ismethod)
            if not name.startswith("_")
        }


def client_of(words: str) -> list[str]:
    """Return the client's methods that do what a command does."""
    noun, _, verb = words.partition(" ")
    named = ELSEWHERE.get(words) or f"{noun}.{verb.replace('-', '_')}"
    known = methods()
    full = [name if "." in name else f"{named.partition('.')[0]}.{name}" for name in named.split(", ")]
    return [name for name in full if name in known]


def page() -> str:
    """Return the page."""
    rows = []
    for words, command in commands():
        does = command.get_short_help_str(limit=200).rstrip(".")
        has_json = any("--json" in each.opts for each in command.params)
        client = ", ".join(f"`{name}`" for name in client_of(words))
        arguments = " ".join(
            each.make_metavar(click.Context(command)) for each in command.params if isinstance(each, click.Argument)
        )
        rows.append(
            f"| `digits {words}{' ' + _plain(arguments) if arguments else ''}` | {_plain(does)} | {'yes' if has_json else ''} | {client} |"
        )
    return HEAD + "\n".join(rows) + "\n"


def _plain(text: str) -> str:
    return text.replace("|", "\\|")  # in a table


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
