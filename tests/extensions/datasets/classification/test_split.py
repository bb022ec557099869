from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digits.extensions.datasets.classification.split import num_sets, split_counts

MNIST = (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
SHARES = st.tuples(st.floats(0, 100), st.floats(0, 100)).filter(lambda shares: sum(shares) <= 100)


def test_mnist_at_25_percent_splits_as_digits_reports() -> None:
    counts = [split_counts(count, 25, 0) for count in MNIST]

    assert [sum(part) for part in zip(*counts, strict=True)] == [45_002, 14_998, 0]


@pytest.mark.parametrize(
    ("count", "pct_val", "pct_test", "expected"),
    [
        (10, 25, 0, (8, 2, 0)),  # 7.5 rounds away from zero
        (10, 25, 25, (5, 3, 2)),
        (2, 25, 0, (1, 1, 0)),
        (3, 25, 25, (1, 1, 1)),
        (3, 1, 1, (1, 1, 1)),
        (1, 0, 0, (1, 0, 0)),
        (7, 100, 0, (0, 7, 0)),
        (7, 0, 100, (0, 0, 7)),
        (7, 50, 50, (0, 4, 3)),
        (100, 33.3, 33.3, (33, 33, 34)),
        (0, 25, 25, (0, 0, 0)),
    ],
)
def test_shares_worked_by_hand(count: int, pct_val: float, pct_test: float, expected: tuple[int, int, int]) -> None:
    assert split_counts(count, pct_val, pct_test) == expected


@given(count=st.integers(0, 100_000), shares=SHARES)
def test_every_picture_goes_somewhere_and_only_where_it_was_asked_for(count: int, shares: tuple[float, float]) -> None:
    counts = split_counts(count, *shares)

    assert sum(counts) == count
    assert min(counts) >= 0
    assert not (shares[0] == 0 and counts[1])
    assert not (shares[1] == 0 and counts[2])


@given(count=st.integers(3, 100_000), shares=SHARES)
def test_each_set_asked_for_gets_at_least_one_picture(count: int, shares: tuple[float, float]) -> None:
    wanted = (shares[0] + shares[1] < 100 - 1e-6, shares[0] > 1e-6, shares[1] > 1e-6)

    for is_wanted, got in zip(wanted, split_counts(count, *shares), strict=True):
        assert got or not is_wanted


@given(count=st.integers(0, 100_000), shares=SHARES)
def test_no_set_is_further_from_its_share_than_rounding_and_the_one_picture_explain(
    count: int, shares: tuple[float, float]
) -> None:
    percents = (100 - sum(shares), *shares)

    for percent, got in zip(percents, split_counts(count, *shares), strict=True):
        assert abs(got - count * percent / 100) <= 2.5


def test_the_number_of_sets_is_that_of_shares_above_zero() -> None:
    assert (num_sets(25, 0), num_sets(0, 0), num_sets(10, 10), num_sets(100, 0)) == (2, 1, 3, 1)
