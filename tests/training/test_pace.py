"""The guess of how long a training takes."""

from __future__ import annotations

import pytest

from digits.training.pace import Pace, PaceKeeper, measure


def test_a_picture_costs_three_passes_of_its_multiply_adds_and_its_activations() -> None:
    pace = Pace(multiply_adds_per_s=60e9, bytes_per_s=1e9)

    assert pace.picture_s(2e9, 4e6) == pytest.approx(0.1 + 0.004)


def test_the_best_of_two_measurements_is_the_quicker_rate_of_each_kind() -> None:
    assert Pace(50.0, 2.0).best(Pace(40.0, 3.0)) == Pace(50.0, 3.0)


def test_what_is_measured_is_a_rate_that_a_computer_can_have() -> None:
    found = measure()

    assert 1e7 < found.multiply_adds_per_s < 1e15
    assert 1e6 < found.bytes_per_s < 1e13


def test_a_keeper_measures_for_the_first_who_asks_and_never_gets_worse() -> None:
    keeper = PaceKeeper()

    first = keeper.pace()

    assert keeper.pace() == first
    assert keeper.measure().multiply_adds_per_s >= first.multiply_adds_per_s
