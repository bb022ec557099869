"""Labels that a model doubts: confident learning, after Northcutt, Jiang and Chuang, Journal of AI Research 70 (2021).

A class's threshold is the mean probability that the model gives it on the pictures labelled so. A picture counts for a class where its
probability reaches that class's threshold (for the most probable of these, where there are several). What counts for another
class than its label, and is more probable there, is a suspect; the table of all counts, the confident joint, says how many labels are wrong.

Legend: N pictures, K classes; probabilities [N, K].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32] | NDArray[np.float64]


class Suspect(NamedTuple):
    """Picture ``place`` is rather of class ``suggested`` than of ``given``; ``margin`` is how much more probable that is."""

    place: int
    given: int
    suggested: int
    given_probability: float
    suggested_probability: float

    @property
    def margin(self) -> float:
        """0 to 1."""
        return self.suggested_probability - self.given_probability


@dataclass(frozen=True)
class Doubts:
    """``joint_KK`` counts pictures by label and by the class they count for; ``estimated`` wrong labels are among the N."""

    suspects: list[Suspect]
    joint_KK: NDArray[np.int64]
    estimated: int


def find_suspects(targets_N: NDArray[np.int64], probabilities_NK: Floats) -> Doubts:
    """Return the pictures whose label the model doubts, the clearest first.

    A target outside 0..K-1 has no say. A class without pictures is never suggested.
    """
    num_classes = probabilities_NK.shape[1]
    places = np.flatnonzero((targets_N >= 0) & (targets_N < num_classes))
    targets, probabilities = targets_N[places], np.asarray(probabilities_NK[places], np.float64)
    counts = np.bincount(targets, minlength=num_classes)
    own = probabilities[np.arange(len(targets)), targets]
    sums = np.bincount(targets, weights=own, minlength=num_classes)
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    reached = probabilities >= thresholds
    counted = reached.any(axis=1)
    classes = np.where(reached, probabilities, -1.0).argmax(axis=1)
    joint = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(joint, (targets[counted], classes[counted]), 1)
    # A small class has a low threshold: what counts for it may still be more probable of its own label.
    doubted = counted & (probabilities[np.arange(len(targets)), classes] > own)
    rows = np.flatnonzero(doubted)
    suspects = [
        Suspect(
            int(places[row]),
            int(targets[row]),
            int(classes[row]),
            float(own[row]),
            float(probabilities[row, classes[row]]),
        )
        for row in rows
    ]
    suspects.sort(key=lambda each: (-each.margin, each.place))
    return Doubts(suspects, joint, _estimate(joint, counts))


def _estimate(joint_KK: NDArray[np.int64], counts_K: NDArray[np.int64]) -> int:
    """Return how many labels are wrong: the joint scaled so that each label has as many pictures as there are."""
    totals = joint_KK.sum(axis=1)
    wrong = totals - np.diagonal(joint_KK)
    return round(float((wrong / np.maximum(totals, 1) * counts_K).sum()))
