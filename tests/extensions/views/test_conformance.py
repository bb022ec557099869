"""The views that come with the product hold what the pages rely on, as those of others have to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from digits.core.extensions import installed
from digits.data.textcodes import Characters
from digits.data.views import Outputs, Truth, ViewFacts
from digits.testing.views import HOSTILE, check_view

CHANCE = np.random.default_rng(4)
PICTURE = CHANCE.integers(0, 256, (24, 32, 3), np.uint8)
LABELS = tuple(f"{HOSTILE}{number}" for number in range(3))
ALPHABET = "abc "


def scores(*shape: int) -> Outputs:
    return {"out": CHANCE.random((1, *shape), np.float32)}


BOXES = {"boxes": np.array([[[1, 2, 20, 15, 0.9, 1], [3, 3, 9, 9, 0.2, 0]]], np.float32)}
CASES: dict[str, tuple[Outputs, np.ndarray, ViewFacts, tuple[Outputs, ...]]] = {
    "all-raw-data": (scores(5), PICTURE, ViewFacts(LABELS), ()),
    "image-bounding-boxes": (
        BOXES, PICTURE,
        ViewFacts(LABELS, truth=Truth("boxes", np.array([[1, 1, 2, 20, 15, 0]], np.float32))), (scores(3),),
    ),
    "image-gradients": (
        scores(2), PICTURE, ViewFacts(LABELS, truth=Truth("vector", np.array([0.1, 0.2], np.float32))), (scores(3),)
    ),
    "image-image-output": (scores(3, 24, 32), PICTURE, ViewFacts(truth=Truth("image", PICTURE)), (scores(3),)),
    "image-segmentation": (
        scores(3, 24, 32), PICTURE, ViewFacts(LABELS, truth=Truth("mask", CHANCE.integers(0, 3, (24, 32), np.uint8))),
        (scores(3),),
    ),
    "text-classification": (
        scores(3), Characters(ALPHABET).encode("a cab", 12),
        ViewFacts(LABELS, truth=Truth("class", np.array([1.0], np.float32)), dataset={"alphabet": ALPHABET}), ({},),
    ),
}  # fmt: skip


def test_every_view_that_ships_is_held() -> None:
    ours = {name for name, view in installed("views").items() if view.render.startswith("digits.")}

    assert CASES.keys() == ours


@pytest.mark.parametrize("name", CASES)
def test_a_view_keeps_its_promises(name: str) -> None:
    outputs, picture, facts, refused = CASES[name]

    check_view(name, outputs, picture, facts=facts, refused=refused)


@pytest.fixture
def spoiled(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Give the view of all numbers another template."""

    monkeypatch.setattr("digits.testing.views.check_import", lambda _package: None)  # starts Python; it is held above

    def change(template: str) -> None:
        monkeypatch.setattr("digits.web.views.template_source", lambda _name: template)

    return change


@pytest.mark.parametrize(
    "template",
    ["<p style='color: red'>x</p>", "<script>1</script>", "<p onclick='x'>x</p>", "{{ row.name | safe }}",
     "<img src='https://example.org/x.png'>"],
)  # fmt: skip
def test_a_page_that_would_run_code_is_told(spoiled: Callable[[str], None], template: str) -> None:
    spoiled(template)

    with pytest.raises(AssertionError, match="runs no code"):
        check_view("all-raw-data", scores(3), PICTURE)


def test_outputs_that_should_be_refused_and_are_not_are_told() -> None:
    with pytest.raises(AssertionError, match="cannot be shown are refused"):
        check_view("all-raw-data", scores(3), PICTURE, refused=(scores(4),))
