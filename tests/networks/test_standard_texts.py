"""The definitions that are written from the papers' tables by a program stand in the repository as it writes them."""

from __future__ import annotations

import pytest

from digits.networks.standard import standard_networks, standard_text
from scripts.networks.__main__ import PAGE, TEXTS
from scripts.networks.reference import reference


@pytest.mark.parametrize("name", TEXTS)
def test_a_definition_is_what_the_tables_say(name: str) -> None:
    assert standard_text(name) == TEXTS[name](), "python -m scripts.networks writes it anew"


def test_the_others_are_written_by_hand() -> None:
    assert standard_networks().keys() - TEXTS.keys() == {"lenet", "alexnet", "googlenet"}


def test_the_page_of_the_documentation_says_what_the_cards_say() -> None:
    assert PAGE.read_text("utf-8") == reference(), "python -m scripts.networks writes it anew"
