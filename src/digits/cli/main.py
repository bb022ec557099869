"""``digits``: the table of commands, and what becomes of an error. A command's module is imported when it is called."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import NoReturn

import click

import digits
from digits.client.errors import NoServerError, RefusedError
from digits.core import platform
from digits.core.errors import DigitsError, NotFoundError, SetupError

COMMANDS = {
    "serve": ("digits.cli.serve:devserver_command", "Serve on this machine: web pages, REST and the job runner."),
    "demo": ("digits.cli.demo:demo", "The main job: MNIST to a tested LeNet, step by step."),
    "dataset": ("digits.cli.dataset:dataset", "Make and look at datasets."),
    "model": ("digits.cli.model:model", "Train, look at and use models."),
    "evaluation": ("digits.cli.evaluation:evaluation", "Look at how well a model does on a whole database."),
    "pretrained": ("digits.cli.pretrained:pretrained", "Keep weights that were trained elsewhere."),
    "network": ("digits.cli.network:network", "Standard networks, and the layers of any definition, without a server."),
    "store": ("digits.cli.store:store", "Model stores: list, import, publish, build."),
    "job": ("digits.cli.job:job", "Abort, delete and follow jobs of any kind."),
    "download": (
        "digits.cli.download:download",
        "Fetch MNIST, Fashion-MNIST, CIFAR-10 or CIFAR-100 as class folders; draw streets.",
    ),
    "caffe": ("digits.cli.caffe:caffe", "Caffe's own commands: train, test, time; and check, forward, layers, run."),
    "extensions": (
        "digits.cli.extensions:extensions",
        "List what is installed: kinds of datasets, frameworks, views, executors.",
    ),
    "doctor": ("digits.cli.doctor:doctor", "Say what this machine has, and what it lacks."),
    "reindex": ("digits.cli.reindex:reindex", "Rebuild the database from the job folders."),
}


class Commands(click.Group):
    """Knows its commands by name and one line, and loads the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the signature is click's
        """Return the command of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        found = getattr(import_module(module), attribute)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the signature is click's
        """Write the table without loading any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(digits.__version__, "--version", prog_name="OpenDIGITS")
def cli() -> None:
    """OpenDIGITS: turn a folder of pictures into a trained, tested neural network."""


def exit_code(error: DigitsError) -> int:
    """Return 2 where the user or the machine must change something first, 1 where the work itself failed."""
    if isinstance(error, RefusedError):
        return 2 if error.status < 500 else 1
    return 2 if isinstance(error, (NoServerError, NotFoundError, SetupError)) else 1


def run(command: click.Command, *, name: str) -> NoReturn:
    """Run ``command`` with this process's arguments, turn an error into one line on stderr, and end with the right code."""
    try:
        code = command.main(prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        code = 130
    except DigitsError as error:
        click.echo(f"error: {error}", err=True)
        code = exit_code(error)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has left: there is nobody to tell
        code = 0
    raise SystemExit(code if isinstance(code, int) else 0)


def main() -> NoReturn:
    """Run ``digits``."""
    if sys.argv[1:2] == ["caffe"] and sys.argv[2:3] not in (["check"], ["layers"]):  # it computes in this process
        platform.begin_anew(platform.worker_environment(os.cpu_count() or 1))
    run(cli, name="digits")


if __name__ == "__main__":
    main()
