"""``digits network``: the standard networks, and the layers of any definition, without a server.

What builds a network needs torch and is loaded by name, as in ``digits caffe``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from digits.cli.fcn import network_to_fcn
from digits.cli.output import facts, json_option, print_json, table
from digits.core.extensions import FrameworkExtension, extension, load
from digits.networks.standard import Card, standard_networks

_SIZE = click.IntRange(1, 30_000)
_COLUMNS = [
    "Layer",
    "Type",
    "Output",
    "Parameters",
    "Multiply-adds",
    "Kernel",
    "Stride",
    "Pad",
    "Receptive field",
    "Scale",
]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def network() -> None:
    """Standard networks, and the layers of any definition."""


@network.command("ls")
@click.option("--kind", type=click.Choice(["classification", "segmentation", "detection"]), help="One kind of answer.")
@click.option("--framework", help="Those written for it; all if not given.")
@json_option
def list_networks(kind: Any, framework: str | None, as_json: bool) -> None:
    """List the standard networks."""
    suffix = extension("frameworks", framework).definition_suffix if framework else None
    cards = standard_networks(kind, suffix=suffix).values()
    if as_json:
        print_json([asdict(card) | {"frameworks": card.frameworks} for card in cards])
        return
    table(
        ["Name", "Network", "Frameworks", "Answers with", "Pictures", "Parameters", "Weights", "Paper"],
        [
            [
                card.name,
                card.title,
                ", ".join(card.frameworks),
                card.kind,
                card.input,
                f"{card.parameters:,}",
                _weights(card),
                f"{card.year}, {card.url}",
            ]
            for card in cards
        ],
        right=["Parameters"],
    )


@network.command()
@click.argument("network", metavar="FILE|NAME")
@click.option("--framework", default="caffe", show_default=True, help="The language of the definition.")
@click.option("--channels", type=click.IntRange(1, 4096), help="Of the pictures.")
@click.option("--height", type=_SIZE, help="Of the pictures, in pixels.")
@click.option("--width", type=_SIZE, help="Of the pictures, in pixels.")
@click.option("--num-classes", type=click.IntRange(1), help="What layers make that leave num_output out.")
@click.option(
    "--run-python",
    "runs_python",
    is_flag=True,
    help="Let layers and networks written in Python run, in a file that you trust.",
)
@json_option
def show(network: str, framework: str, as_json: bool, **options: Any) -> None:
    """Print the layers of a definition (a file, or a standard network): shapes, parameters, multiply-adds, receptive fields."""
    known: FrameworkExtension = extension("frameworks", framework)
    cards = standard_networks(suffix=known.definition_suffix)
    if network not in cards and not Path(network).is_file():
        raise click.BadParameter(f"{network!r} is no file, and no standard network; `digits network ls` lists them.")
    if framework == "caffe":
        found: dict[str, Any] = load("digits.caffe.commands.show:show")(network, **options)
    else:
        found = load(known.describe)(_question(network, cards.get(network), **options))
    if as_json:
        from digits.web.networkview import layer_table

        print_json(layer_table(found))
        return
    table(_COLUMNS, [_row(layer) for layer in found["layers"]], right=_COLUMNS[3:])
    click.echo()
    facts(
        {
            "Parameters": f"{found['parameters']:,}",
            "Multiply-adds": f"{found['multiply_adds']:,} for one picture",
            "Activations": f"{found['activations_bytes'] / 1e6:,.1f} MB",
        }
    )
    for warning in found["warnings"]:
        click.echo(warning, err=True)


network.add_command(network_to_fcn)


def _weights(card: Card) -> str:
    """Return whether a training can begin with published weights: "" where nobody's are known."""
    if card.pretrained is None:
        return ""
    return card.pretrained.title if card.pretrained.path() else card.pretrained.install


def _question(network: str, card: Card | None, *, runs_python: bool, **sizes: int | None) -> dict[str, Any]:
    """Return what a framework's ``describe`` is asked; sizes that were not given are those of the card, else usual ones."""
    own = (
        {name: getattr(card, name) for name in sizes}
        if card
        else {"channels": 3, "height": 256, "width": 256, "num_classes": 10}
    )
    asked = {name: value if value is not None else own[name] for name, value in sizes.items()}
    text = {"standard": network} if card else {"text": Path(network).read_text(encoding="utf-8", errors="replace")}
    return {**asked, **text, "runs": runs_python}


def _row(layer: dict[str, Any]) -> list[str]:
    only = "" if len(layer["states"]) in (0, 3) else f" ({', '.join(layer['states'])})"
    return [
        layer["name"] + only,
        layer["type"],
        "; ".join(" x ".join(map(str, shape)) or "1" for shape in layer["output_shapes"]),
        f"{layer['num_parameters']:,}" if layer["num_parameters"] else "",
        f"{layer['multiply_adds']:,}" if layer["multiply_adds"] else "",
        *(_pair(layer[name]) for name in ("kernel", "stride", "pad", "receptive_field", "cumulative_stride")),
    ]


def _pair(values: Sequence[float]) -> str:
    """Return "3" for (3, 3), "1 x 7" for (1, 7), nothing for nothing."""
    return " x ".join(f"{value:g}" for value in (values[:1] if len(set(values)) == 1 else values))
