from __future__ import annotations

import numpy as np

from digits.data.health.suspects import find_suspects

# Worked by hand. Thresholds: class 0 mean(.9, .8, .4, .1) = .55; class 1 mean(.7, .9, .2) = .6; class 2 mean(.8, .6) = .7
TARGETS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2])
PROBABILITIES = np.array([
    [0.9, 0.1, 0.0],  # reaches 0
    [0.8, 0.1, 0.1],  # reaches 0
    [0.4, 0.5, 0.1],  # reaches none: no say
    [0.1, 0.8, 0.1],  # labelled 0, reaches 1: suspect, margin .7
    [0.2, 0.7, 0.1],  # reaches 1
    [0.0, 0.9, 0.1],  # reaches 1
    [0.6, 0.2, 0.2],  # labelled 1, reaches 0: suspect, margin .4
    [0.1, 0.1, 0.8],  # reaches 2
    [0.2, 0.2, 0.6],  # below .7: no say
])  # fmt: skip


def test_the_confident_joint_and_the_suspects_are_those_worked_by_hand() -> None:
    doubts = find_suspects(TARGETS, PROBABILITIES)

    assert doubts.joint_KK.tolist() == [[2, 1, 0], [1, 2, 0], [0, 0, 1]]
    assert [(each.place, each.given, each.suggested) for each in doubts.suspects] == [(3, 0, 1), (6, 1, 0)]
    assert [round(each.margin, 6) for each in doubts.suspects] == [0.7, 0.4]
    # Of 4 labelled 0 a third, of 3 labelled 1 a third: 4/3 + 1 = 2.33.
    assert doubts.estimated == 2


def test_of_two_classes_reached_the_more_probable_counts() -> None:
    targets = np.array([0, 1, 1, 0])
    probabilities = np.array([[0.3, 0.7], [0.5, 0.5], [0.4, 0.6], [0.52, 0.48]])

    doubts = find_suspects(targets, probabilities)  # thresholds .41 and .55

    assert [(each.place, each.suggested) for each in doubts.suspects] == [(0, 1)]


def test_unknown_labels_have_no_say_and_empty_classes_are_never_suggested() -> None:
    targets = np.array([-1, 0, 0, 7])
    probabilities = np.array([[0.1, 0.9], [0.2, 0.8], [0.1, 0.9], [0.5, 0.5]])

    doubts = find_suspects(targets, probabilities)

    assert doubts.suspects == []
    assert doubts.joint_KK[:, 1].sum() == 0


def test_wrong_labels_among_many_are_found_and_few_right_ones_doubted() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 5, 2000)
    scores = rng.normal(0, 1, (2000, 5)) + 4 * np.eye(5)[truth]
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    targets = truth.copy()
    wrong = rng.choice(2000, 100, replace=False)
    targets[wrong] = (truth[wrong] + rng.integers(1, 5, 100)) % 5

    doubts = find_suspects(targets, probabilities)

    found = {each.place for each in doubts.suspects}
    assert len(found & set(wrong.tolist())) >= 65
    assert len(found - set(wrong.tolist())) <= 5
    assert 80 <= doubts.estimated <= 120
