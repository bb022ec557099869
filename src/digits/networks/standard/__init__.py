"""The standard networks: one folder each, with its definitions and its card (``card.toml``). No torch here.

A definition is ``network.prototxt`` for Caffe, ``network.py`` for PyTorch or ``network.keras.py`` for TensorFlow; those of one folder are the same
network, of which the card tells.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from digits.core.errors import NotFoundError
from digits.core.extensions import installed
from digits.networks.standard.pretrained import Pretrained

Kind = Literal["classification", "segmentation", "detection"]
CAFFE = "prototxt"
_DEFINITION = "network."
"""How the files of definitions begin; how they end, each framework's extension says (``standard_suffix``)."""


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
    suffixes: tuple[str, ...]
    """Of the definitions that there are of it."""
    mean: str | None = None
    """What should be taken off the pictures, as the form has it; None where that is the user's choice."""
    growth: Growth | None = None
    """Where no Caffe definition tells it."""
    pretrained: Pretrained | None = None
    target_kinds: tuple[str, ...] = ("class",)
    """The kinds of answer of the datasets that it is made for: "class", "mask", "boxes"."""
    cell_px: int = 0
    """Of a detector: the side of a cell of its grid."""
    begin: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Fields of the model form, by flat name, in which its training begins otherwise than others."""

    def serves(self, target_kind: str) -> bool:
        """Return whether it can learn a dataset with such answers."""
        return _LIKE_CLASSES.get(target_kind, target_kind) in self.target_kinds

    @property
    def frameworks(self) -> tuple[str, ...]:
        """Those that it is written for."""
        known = installed("frameworks").items()
        return tuple(name for name, framework in known if framework.standard_suffix in self.suffixes)


@dataclass(frozen=True)
class Growth:
    """How a network that ends in global pooling fits other pictures and classes than its paper's."""

    a_class: int
    """Learned values that one more class adds."""
    a_channel: int
    """Learned values that one more channel of the pictures adds."""
    least_side: int
    """The smallest square picture that it takes, in pixels."""


_LIKE_CLASSES = {"classes": "class", "vector": "class"}
"""Kinds of answer that a classifier learns too: several classes, or as many numbers as it has outputs."""


@cache
def standard_networks(
    kind: Kind | None = None, *, suffix: str | None = CAFFE, target_kind: str | None = None
) -> Mapping[str, Card]:
    """Return the cards of the standard networks by name, in the order in which they are offered.

    Args:
        kind: what they answer with; None for all kinds.
        suffix: of a definition that they have; None for any.
        target_kind: the kind of answer of the dataset that they are to learn; None for any.
    """
    return {
        card.name: card
        for card in _cards()
        if (suffix is None or suffix in card.suffixes)
        and (kind is None or card.kind == kind)
        and (target_kind is None or card.serves(target_kind))
    }


@cache
def _cards() -> tuple[Card, ...]:
    cards = []
    for folder in files(__name__).iterdir():
        if folder.joinpath("card.toml").is_file():
            names = sorted(each.name for each in folder.iterdir() if each.name.startswith(_DEFINITION))
            suffixes = tuple(name.removeprefix(_DEFINITION) for name in names)
            cards.append(_card(folder.name, tomllib.loads(folder.joinpath("card.toml").read_text("utf-8")), suffixes))
    return tuple(sorted(cards, key=lambda card: (card.order, card.name)))


def standard_text(name: str, suffix: str = CAFFE) -> str:
    """Return the definition of a standard network: of Caffe, all states in one.

    Raises:
        NotFoundError: there is none of that name.
    """
    known = standard_networks(suffix=suffix)
    if name not in known:
        raise NotFoundError(f"No standard network {name!r}.", hint=f"There are {', '.join(known)}.")
    return files(__name__).joinpath(name, f"{_DEFINITION}{suffix}").read_text("utf-8")


@dataclass(frozen=True)
class StandardTexts:
    """The definitions of one framework, where they are programs: ours may run where no other may."""

    suffix: str

    def text(self, name: str) -> str:
        """Return the definition of a standard network.

        Raises:
            NotFoundError: there is none of that name for the framework.
        """
        return standard_text(name, self.suffix)

    def holds(self, text: str) -> bool:
        """Whether a text is one of them, unchanged."""
        plain = text.replace("\r\n", "\n").strip()
        return any(self.text(name).strip() == plain for name in standard_networks(suffix=self.suffix))


def _card(name: str, card: dict[str, Any], suffixes: tuple[str, ...]) -> Card:
    paper, parameters = card["paper"], card["parameters"]
    growth = {each: parameters[each] for each in ("a_class", "a_channel", "least_side") if each in parameters}
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
        suffixes=suffixes,
        mean=card.get("mean"),
        growth=Growth(**growth) if growth else None,
        pretrained=Pretrained(**card["pretrained"]) if "pretrained" in card else None,
        target_kinds=tuple(card.get("target_kinds", ("class",))),
        cell_px=card.get("cell_px", 0),
        begin=card.get("begin", {}),
    )
