"""``docs/reference/networks.md``: the standard networks, told from their cards."""

from __future__ import annotations

from digits.networks.standard import Card, standard_networks
from digits.networks.standard.fitting import least_side

HEAD = """# Standard networks

Written from the papers' tables; each lies in `src/digits/networks/standard/<name>/`, as `network.prototxt` for Caffe, `network.py` for Torch and
`network.keras.py` for TensorFlow, with a card. This page is made of the cards: `python -m scripts.networks`.

| name | network | for | answers with | made for | takes at least | learned values |
|---|---|---|---|---|---|---|
"""
RULES = """
## How a definition for Caffe is written

One text holds three networks: a layer says `include { stage: "train" }`, `"val"` or `"deploy"` (or `exclude`) where it is not in all of them. Data
layers name no database, and may be left out. What a classifier leaves open takes the number of classes of the dataset:

- every `InnerProduct` without `num_output`, as in DIGITS;
- a `Convolution` without `num_output` after which no other layer with weights comes. DIGITS asks a fully convolutional classifier (SqueezeNet,
  MobileNet) for a number; here it fits any dataset.

Layers have the names that published weights have, so that these are copied by name (`digits caffe train --weights`, or the form's pretrained models);
the layer that answers has another shape for other classes, and starts anew. Weights that a package holds are a choice of the form, and
`digits model create --pretrained`.

"Learned values" are all weights and biases, frozen ones (`lr_mult: 0`) among them. The means and variances that batch normalisation keeps are not learned.

`digits network show <name>` prints the layers of one; `--channels`, `--height`, `--width` and `--num-classes` say for which pictures.
"""


_TITLES = {"caffe": "Caffe", "torch": "Torch", "tensorflow": "TensorFlow"}


def reference() -> str:
    """Return the page."""
    cards = standard_networks(suffix=None).values()
    return HEAD + "".join(_row(card) for card in cards) + RULES + "".join(_section(card) for card in cards)


def _row(card: Card) -> str:
    side = f"{least_side(card.name)} × {least_side(card.name)}" if card.kind == "classification" else ""
    cells = (
        f"`{card.name}`", f"[{card.title}](#{_anchor(card.title)})", ", ".join(card.frameworks), card.kind, _pictures(card), side,
        f"{card.parameters:,} ({card.num_classes:,} class{'es' if card.num_classes > 1 else ''})",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


def _section(card: Card) -> str:
    crop = f", of which it sees {card.crop_size} × {card.crop_size}" if card.crop_size else ""
    channels = "one channel" if card.channels == 1 else "three channels"
    return f"""
## {card.title}

{card.authors}: [{card.paper_title}]({card.url}), {card.year}.

- Pictures: {_pictures(card)}{crop}; {channels}.
- Learned values: {card.parameters:,} with {card.num_classes:,} class{"es" if card.num_classes > 1 else ""}. {_stop(card.counted)}
- Written for: {", ".join(_TITLES[each] for each in card.frameworks)}.
- Published weights: {_stop(card.weights)}
- Licence of the definition: {card.licence}.
"""


def _pictures(card: Card) -> str:
    return card.input if "any" in card.input else f"{card.width} × {card.height}"


def _stop(words: str) -> str:
    return words if words.endswith(".") else f"{words}."


def _anchor(title: str) -> str:
    """Return the place of a heading, as Markdown readers name it."""
    return "".join(each for each in title.lower().replace(" ", "-") if each.isalnum() or each == "-")
