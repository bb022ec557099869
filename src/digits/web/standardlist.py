"""The standard networks as a form offers them: what each learns on the chosen dataset, and whether its pictures are large enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from digits.core.extensions import FrameworkExtension
    from digits.networks.standard import Card


@dataclass(frozen=True)
class Offer:
    """A row of the list."""

    card: Card
    parameters: int | None
    """Learned values on the dataset, those of the card where there is none; None where its pictures are too small."""
    least_side: int
    """The smallest square picture that the network takes."""
    weights: str = ""
    """What the published weights were trained on that a training can begin with; "" for none."""
    missing: str = ""
    """How they are installed, where they are not; "" where there are none."""


def offers(
    target_kind: str,
    framework: FrameworkExtension,
    *,
    shape: tuple[int, int, int] | None,
    num_classes: int | None,
    crop_size: int | None = None,
) -> list[Offer]:
    """Return what there is for one kind of answer.

    Args:
        target_kind: what the records of the dataset are labelled with.
        framework: that the networks are written for.
        shape: height, width and channels of the pictures; None where they are not known.
        num_classes: of the dataset; None where it is not known.
        crop_size: the form's.
    """
    from digits.networks.standard import standard_networks
    from digits.networks.standard.fitting import fit

    rows = []
    for card in standard_networks(suffix=framework.standard_suffix, target_kind=target_kind).values():
        height, width, channels = shape or (card.height, card.width, card.channels)
        found = fit(
            card.name, num_classes=num_classes or card.num_classes, channels=channels, height=height, width=width,
            crop_size=crop_size,
        )  # fmt: skip
        rows.append(Offer(card, found.parameters, found.least_side, *_weights(card, framework.name)))
    return rows


def _weights(card: Card, framework: str) -> tuple[str, str]:
    known = card.pretrained if card.pretrained and card.pretrained.framework == framework else None
    if known is None:
        return "", ""
    return (known.title, "") if known.path() else ("", f"Trained weights ({known.title}) come with: {known.install}")


def as_rows(found: list[Offer]) -> list[Mapping[str, Any]]:
    """Return the list for the REST API."""
    return [
        {
            "name": offer.card.name, "title": offer.card.title, "kind": offer.card.kind,
            "paper": {"title": offer.card.paper_title, "authors": offer.card.authors, "year": offer.card.year, "url": offer.card.url},
            "channels": offer.card.channels, "height": offer.card.height, "width": offer.card.width,
            "crop_size": offer.card.crop_size, "licence": offer.card.licence, "weights": offer.card.weights,
            "pretrained": offer.weights or None, "use_mean": offer.card.mean, "parameters": offer.parameters, "least_side": offer.least_side,
        }
        for offer in found
    ]  # fmt: skip
