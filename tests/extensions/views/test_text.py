"""The view of texts: their best classes, and the text read back from its numbers."""

from __future__ import annotations

import numpy as np

from digits.data.textcodes import Characters
from digits.data.views import Truth, ViewFacts
from digits.extensions.views.text.render import render
from digits.extensions.views.text.spec import TextViewSpec

ALPHABET = "abcdefghijklmnopqrstuvwxyz "
LABELS = ("sport", "politics", "science")
OUTPUT = {"softmax": np.array([[0.2, 0.1, 0.7]], np.float32)}


def test_the_best_classes_come_first_and_as_many_as_are_asked_for() -> None:
    picture = Characters(ALPHABET).encode("The cell, seen", 24)
    facts = ViewFacts(LABELS, truth=Truth("class", np.array([2.0], np.float32)), dataset={"alphabet": ALPHABET})

    made = render(OUTPUT, picture, facts, TextViewSpec(top=2))

    assert [label for label, _ in made.told["best"]] == ["science", "sport"]
    assert made.told["true"] == "science"
    assert made.told["text"] == "the cell  seen", "a comma is not of the alphabet"


def test_without_an_alphabet_there_is_no_text_and_without_labels_there_are_numbers() -> None:
    made = render(OUTPUT, np.zeros((1, 5, 1), np.uint8), ViewFacts(), TextViewSpec())

    assert made.told["text"] == made.told["true"] == ""
    assert [label for label, _ in made.told["best"]] == ["class 2", "class 0", "class 1"]
