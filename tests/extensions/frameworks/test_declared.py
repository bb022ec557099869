"""What frameworks declare about themselves."""

from __future__ import annotations

from digits.core.extensions import installed, load
from digits.networks.standard import standard_networks, standard_text


def test_each_framework_finds_its_definitions_by_the_ending_that_it_declares() -> None:
    for name, framework in installed("frameworks").items():
        own = standard_networks(suffix=framework.standard_suffix)
        assert own
        for each, card in own.items():
            assert name in card.frameworks
            assert load(framework.standard)(each) == standard_text(each, framework.standard_suffix)
