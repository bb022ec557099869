"""``digits caffe``: Caffe's own commands, with its flags (``--solver=S``, ``-solver S``) and log lines, and a few of ours to check with.

What they do needs torch and lies in ``digits.caffe.commands``, which is loaded by name when a command is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from digits.cli.output import json_option, print_json, print_written, table
from digits.core.extensions import load
from digits.core.platform import hearing

_FLAG = re.compile(r"-[A-Za-z_]{2,}(=|$)")
_PATH = click.Path(path_type=Path, dir_okay=False)


class _Paths(click.ParamType[tuple[Path, ...]]):
    """Files, parted by commas."""

    name = "FILE[,FILE...]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Path, ...]:  # noqa: ARG002 - click's signature
        """Return the paths."""
        return value if isinstance(value, tuple) else tuple(Path(part) for part in str(value).split(",") if part)


class CaffeCommand(click.Command):
    """Takes long flags with one dash, too, as Caffe does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line."""
        return super().parse_args(ctx, [f"-{each}" if _FLAG.match(each) else each for each in args])


weights_option = click.option("--weights", type=_Paths(), default=(), help="Weights, copied by the names of layers.")
gpu_option = click.option("--gpu", default="", help="Number of the GPU to run on.")
level_option = click.option("--level", type=int, default=0, help="Level of the network.")
stage_option = click.option("--stage", default="", help="Stages of the network, parted by commas.")
seed_option = click.option(
    "--seed", type=click.IntRange(0), help="Where chance starts; a new place each time if not given."
)


def phase_option(default: str) -> Callable[[Any], Any]:
    """Return the option for the phase."""
    choice = click.Choice(["train", "test"], case_sensitive=False)
    return click.option("--phase", type=choice, default=default, show_default=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def caffe() -> None:
    """Caffe's own commands: train, test, time; and check, forward, layers, run."""


@caffe.command(cls=CaffeCommand)
@click.option("--solver", type=_PATH, required=True, help="The solver's prototxt.")
@weights_option
@click.option("--snapshot", type=_PATH, help="A solver state to go on from.")
@gpu_option
@level_option
@stage_option
@click.option("--sigint_effect", type=click.Choice(["stop", "snapshot", "none"]), default="stop", show_default=True)
@click.option("--sighup_effect", type=click.Choice(["stop", "snapshot", "none"]), default="snapshot", show_default=True)
@click.option(
    "--data", type=_PATH, help="Arrays (.npz) whose rows are used, in order, instead of the data layers' sources."
)
@click.option("--record", type=_PATH, help="Gets the weights after each iteration, the losses and the rates (.npz).")
def train(
    solver: Path,
    weights: tuple[Path, ...],
    snapshot: Path | None,
    gpu: str,
    level: int,
    stage: str,
    sigint_effect: str,
    sighup_effect: str,
    data: Path | None,
    record: Path | None,
) -> None:
    """Train by a solver file; log and snapshots are as Caffe's."""
    if weights and snapshot:
        raise click.UsageError("Give a snapshot to go on from, or weights to begin with, but not both.")
    begin = load("digits.caffe.commands.train:train")
    stop = _Asked()
    with hearing({"SIGINT": stop.to(sigint_effect), "SIGHUP": stop.to(sighup_effect)}):
        begin(
            solver, weights=weights, snapshot=snapshot, gpu=gpu, level=level, stages=_stages(stage), data=data,
            record=record, stop=stop,
        )  # fmt: skip


@caffe.command(cls=CaffeCommand)
@click.option("--model", type=_PATH, required=True, help="The network's prototxt.")
@weights_option
@click.option("--iterations", type=click.IntRange(1), default=50, show_default=True, help="Batches.")
@gpu_option
@level_option
@stage_option
@seed_option
def test(
    model: Path, weights: tuple[Path, ...], iterations: int, gpu: str, level: int, stage: str, seed: int | None
) -> None:
    """Measure a network on its data: the mean of each output over some batches."""
    if not weights:
        raise click.UsageError("Need model weights to score.")
    load("digits.caffe.commands.test:measure")(
        model, weights=weights, iterations=iterations, gpu=gpu, state=_state("test", level, stage), seed=seed
    )


@caffe.command(cls=CaffeCommand)
@click.option("--model", type=_PATH, required=True, help="The network's prototxt.")
@click.option("--iterations", type=click.IntRange(1), default=50, show_default=True, help="Passes.")
@phase_option("train")
@gpu_option
@level_option
@stage_option
def time(model: Path, iterations: int, phase: str, gpu: str, level: int, stage: str) -> None:
    """Measure how long each layer and the whole network take, forward and backward."""
    load("digits.caffe.commands.time:time")(model, iterations=iterations, gpu=gpu, state=_state(phase, level, stage))


@caffe.command(cls=CaffeCommand)
@click.argument("net", type=_PATH, metavar="NET.prototxt")
@weights_option
@click.option(
    "--inputs", type=_PATH, required=True, help="Arrays by blob (.npz); topdiff:BLOB is a gradient to put in."
)
@click.option("--output", type=_PATH, required=True, help="Gets everything that the pass makes (.npz).")
@phase_option("test")
@click.option("--gradients", is_flag=True, help="Go backward too.")
@click.option(
    "--passes", type=click.IntRange(1), default=1, show_default=True, help="Forward passes before the one back."
)
@level_option
@stage_option
@seed_option
def forward(net: Path, phase: str, level: int, stage: str, **options: Any) -> None:
    """Run one pass on given arrays, and write every blob, parameter and gradient by name."""
    for note in load("digits.caffe.commands.forward:forward")(net, state=_state(phase, level, stage), **options):
        click.echo(note, err=True)


@caffe.command(cls=CaffeCommand)
@click.argument("net", type=_PATH, metavar="NET.prototxt")
@weights_option
@click.option("--format", required=True, help="caffemodel (an archive for Caffe and OpenCV), onnx, pt2 or safetensors.")
@click.option("-o", "--output", type=_PATH, required=True, help="The file to write.")
@click.option("--labels", type=_PATH, help="Names of the classes, one a line; they go along.")
@click.option(
    "--mean", default="", help="What is taken off pictures: 104,117,123 (BGR) or a mean.binaryproto; it is told."
)
@level_option
@stage_option
def export(net: Path, level: int, stage: str, output: Path, **options: Any) -> None:
    """Write a deploy network with its weights as a file for other programs; old forms of both become current."""
    for note in load("digits.caffe.commands.export:export")(
        net, output=output, state=_state("test", level, stage), **options
    ):
        click.echo(note, err=True)
    print_written(output)


@caffe.command(cls=CaffeCommand)
@click.argument("files", type=_PATH, nargs=-1, required=True, metavar="FILE.prototxt...")
@click.option(
    "--build", is_flag=True, help="Build the network too, and run it once forward and backward on random data."
)
@click.option("--phase", type=click.Choice(["train", "test"], case_sensitive=False), help="One phase only.")
def check(files: tuple[Path, ...], build: bool, phase: str | None) -> None:
    """Say what is wrong with networks and solvers, one line a finding; exit status 1 if anything is.

    Notes name settings that change nothing here; they leave the exit status alone.
    """
    phases = (phase.upper(),) if phase else ("TRAIN", "TEST")
    findings = [
        each for file in files for each in load("digits.caffe.checking.check:check")(file, builds=build, phases=phases)
    ]
    for finding in findings:
        click.echo(str(finding))
    if not all(finding.is_note for finding in findings):
        raise SystemExit(1)


@caffe.command()
@json_option
def layers(as_json: bool) -> None:
    """List the layer types, each with what it does."""
    rows = load("digits.caffe.commands.layers:layers")()
    if as_json:
        print_json([{"type": name, "summary": words, "runs": runs} for name, words, runs in rows])
    else:
        table(["Type", "What it does"], [[name, words] for name, words, _ in rows])


@caffe.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("script", type=_PATH, metavar="SCRIPT.py")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(script: Path, arguments: tuple[str, ...]) -> None:
    """Run a script that says ``import caffe``."""
    load("digits.caffe.commands.run:run")(script, arguments)


class _Asked:
    """What signals ask of a training; called, it says so, once."""

    def __init__(self) -> None:
        self._asked = ""

    def __call__(self) -> str:
        asked, self._asked = self._asked, ""
        return asked

    def to(self, effect: str) -> Callable[[], None] | None:
        """Return what a signal runs that asks for ``effect``; None for one without."""

        def ask() -> None:
            if self._asked == effect == "stop":
                raise KeyboardInterrupt  # asked twice: at once
            self._asked = effect

        return None if effect == "none" else ask


def _stages(text: str) -> tuple[str, ...]:
    return tuple(stage.strip() for stage in text.split(",") if stage.strip())


def _state(phase: str, level: int, stage: str) -> Any:
    return load("digits.caffe.definitions:State")(phase.upper(), _stages(stage), level)
