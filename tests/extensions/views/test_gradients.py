"""The view of slopes: where an arrow points, by hand-worked numbers."""

from __future__ import annotations

import numpy as np
import pytest

from digits.core.errors import DataError
from digits.data.views import Truth, ViewFacts
from digits.extensions.views.gradients.render import render
from digits.extensions.views.gradients.spec import GradientsViewSpec

PICTURE = np.zeros((50, 100, 1), np.uint8)
SPEC = GradientsViewSpec(arrow_size=50, arrow_color="#00ff00")


def test_an_arrow_leads_from_the_middle_by_the_slopes() -> None:
    made = render({"fc": np.array([[0.5, -0.2]], np.float32)}, PICTURE, ViewFacts(), SPEC)

    assert made.told["path"].startswith("M50.00 25.00L75.00 15.00M"), "50 % of 100 pixels for a slope of 1"
    assert (made.told["colour"], made.told["true"]) == ("#00ff00", None)


def test_the_true_slopes_come_with_their_distance() -> None:
    facts = ViewFacts(truth=Truth("vector", np.array([0.2, 0.2], np.float32)))

    made = render({"fc": np.array([[0.5, -0.2]], np.float32)}, PICTURE, facts, SPEC)

    assert made.told["true"]["error"] == pytest.approx(0.5)
    assert made.told["true"]["path"].startswith("M50.00 25.00L60.00 35.00M")


@pytest.mark.parametrize("output", [[[1.0, 2.0, 3.0]], [[np.nan, 1.0]]])
def test_other_answers_are_refused(output: list[list[float]]) -> None:
    with pytest.raises(DataError, match="No output has two numbers"):
        render({"fc": np.array(output, np.float32)}, PICTURE, ViewFacts(), SPEC)
