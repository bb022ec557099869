"""The standard networks: one folder each, with its definition (``network.prototxt``) and its card (``card.toml``). No torch here."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from digits.core.errors import NotFoundError


@dataclass(frozen=True)
class Card:
    """What people are told about a standard network before they choose it."""

    name: str
    title: str
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
    """Learned values, with as many classes as the paper has."""
    order: int


@cache
def standard_networks() -> Mapping[str, Card]:
    """Return the card of every standard network by name, in the order in which they are offered."""
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
    paper = card["paper"]
    return Card(
        name=name,
        title=card["title"],
        paper_title=paper["title"],
        authors=paper["authors"],
        year=paper["year"],
        url=paper["url"],
        input=card["input"],
        channels=card["channels"],
        height=card["height"],
        width=card["width"],
        crop_size=card.get("crop_size"),
        parameters=card["parameters"],
        order=card["order"],
    )
