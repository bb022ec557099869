"""The standard networks: one folder each, with its definition (``network.prototxt``) and its card (``card.toml``). No torch here."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from digits.core.errors import NotFoundError

Kind = Literal["classification", "segmentation", "detection"]


@dataclass(frozen=True)
class Card:
    """What people are told about a standard network before they choose it."""

    name: str
    title: str
    kind: Kind
    """What it answers with: a class, a class at each place, or boxes."""
    paper_title: str
    authors: str
    year: int
    url: str
    input: str
    """The pictures it was made for, in words: "256x256"."""
    channels: int
    height: int
    width: int
    crop_size: int | None
    """What it cuts from each picture; None when it takes the whole."""
    parameters: int
    """Learned values with ``num_classes`` classes, as published or worked out from the published table."""
    num_classes: int
    """Of the paper."""
    counted: str
    """What is among the parameters, and what is said of their number elsewhere."""
    licence: str
    """Of the definition."""
    weights: str
    """Which published weights load by name, where they are, and their licence."""
    order: int


@cache
def standard_networks(kind: Kind | None = None) -> Mapping[str, Card]:
    """Return the card of every standard network (of one kind) by name, in the order in which they are offered."""
    if kind is not None:
        return {name: card for name, card in standard_networks().items() if card.kind == kind}
    cards = [
        _card(folder.name, tomllib.loads(folder.joinpath("card.toml").read_text("utf-8")))
        for folder in files(__name__).iterdir()
        if folder.joinpath("card.toml").is_file()
    ]
    return {card.name: card for card in sorted(cards, key=lambda card: (card.order, card.name))}


def standard_text(name: str) -> str:
    """Return the definition of a standard network, all states in one.

    Raises:
        NotFoundError: there is none of that name.
    """
    if name not in standard_networks():
        raise NotFoundError(f"No standard network {name!r}.", hint=f"There are {', '.join(standard_networks())}.")
    return files(__name__).joinpath(name, "network.prototxt").read_text("utf-8")


def _card(name: str, card: dict[str, Any]) -> Card:
    paper, parameters = card["paper"], card["parameters"]
    return Card(
        name=name,
        title=card["title"],
        kind=card["kind"],
        paper_title=paper["title"],
        authors=paper["authors"],
        year=paper["year"],
        url=paper["url"],
        input=card["input"],
        channels=card["channels"],
        height=card["height"],
        width=card["width"],
        crop_size=card.get("crop_size"),
        parameters=parameters["number"],
        num_classes=parameters["classes"],
        counted=parameters["counted"],
        licence=card["licence"],
        weights=card["weights"],
        order=card["order"],
    )
