"""Whole networks drawn at random, against the formulas in numpy: every blob, and the gradients of inputs and parameters."""

from __future__ import annotations

import pytest

from tests.networks.layers.compare import assert_like_formulas
from tests.networks.random_nets import draw_net


@pytest.mark.parametrize("seed", range(30))
def test_a_random_network_computes_its_formulas(seed: int) -> None:
    text, given, phase = draw_net(seed)

    assert_like_formulas(text, given, phase=phase, seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30, 500))
def test_many_more_random_networks_compute_their_formulas(seed: int) -> None:
    text, given, phase = draw_net(seed)

    assert_like_formulas(text, given, phase=phase, seed=seed)
