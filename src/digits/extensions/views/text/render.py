"""The best classes of a text, and the text itself, read back from the numbers of its characters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.textcodes import Characters
from digits.data.views import Outputs, Rendered, ViewFacts
from digits.extensions.views.text.spec import TextViewSpec


def render(outputs: Outputs, picture_HWC: NDArray[np.uint8], facts: ViewFacts, spec: TextViewSpec) -> Rendered:
    """Return the best classes as (label, probability) and the text, "" where its alphabet is not known.

    Raises:
        DataError: there is no output, or no number in the last one.
    """
    last = next(reversed(list(outputs.values())), None)
    if last is None or not last.size:
        raise DataError("The network has no output.", rule="VIEW_SHAPE")
    shares = last.reshape(-1).astype(np.float64)
    if facts.labels:
        shares = shares[: len(facts.labels)]
    order = np.argsort(-shares, kind="stable")[: spec.top]
    best = [(facts.labels[i] if i < len(facts.labels) else f"class {i}", float(shares[i])) for i in order.tolist()]
    true = facts.true_labels("class")
    alphabet = str(facts.dataset.get("alphabet", ""))
    text = Characters(alphabet).decode(picture_HWC[:, :, 0]) if alphabet else ""
    label = facts.labels[int(true[0])] if true is not None and int(true[0]) < len(facts.labels) else ""
    return Rendered({"best": best, "true": label, "text": text})
