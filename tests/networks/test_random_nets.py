"""Whole networks drawn at random, against the formulas in numpy: every blob, and the gradients of inputs and parameters."""

from __future__ import annotations

import pytest

from tests.networks.layers.compare import assert_like_formulas
from tests.networks.random_nets import draw_net


@pytest.mark.parametrize("seed", range(24))
def test_a_random_network_computes_its_formulas(seed: int) -> None:
    net = draw_net(seed)

    assert_like_formulas(net.text, net.given, phase=net.phase, seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(100, 1900, 100))
def test_thousands_of_random_networks_compute_their_formulas(start: int) -> None:
    for seed in range(start, start + 100):
        net = draw_net(seed)
        assert_like_formulas(net.text, net.given, phase=net.phase, seed=seed)
