from __future__ import annotations

import numpy as np
import pytest

from digits.web.tally import Best, Tally

LABELS = ["ant", "bee", "cat"]


def answers(*ids: int) -> list[tuple[int, str, float]]:
    """Return answers in this order, each with half the probability of the one before."""
    return [(each, LABELS[each], 0.8 / 2**place) for place, each in enumerate(ids)]


def test_accuracy_confusion_and_rates_of_a_list_small_enough_to_count_by_hand() -> None:
    tally = Tally(LABELS)
    tally.add(["a", "b", "c"], [0, 0, 1], [answers(0, 1, 2), answers(1, 0, 2), answers(1, 0, 2)])
    tally.add(["d", "e"], [2, -1], [answers(1, 2, 0), answers(2, 1, 0)])

    report = tally.report()

    assert (report.count, report.labelled) == (5, 4)
    assert (report.top1, report.top5) == (0.5, 1.0)
    assert report.confusion.cells == [(0, 0, 1), (0, 1, 1), (1, 1, 1), (2, 1, 1)]
    ant, bee, cat = report.confusion.per_class
    assert [ant.count, ant.precision, ant.recall, ant.f1] == pytest.approx([2, 1.0, 0.5, 2 / 3])
    assert [bee.count, bee.precision, bee.recall, bee.f1] == pytest.approx([1, 1 / 3, 1.0, 0.5])
    assert (cat.count, cat.precision, cat.recall, cat.f1) == (1, None, 0.0, 0.0)
    assert [(pair.true_label, pair.predicted_label, pair.count, pair.share) for pair in report.confusion.pairs] == [
        ("ant", "bee", 1, 0.5), ("cat", "bee", 1, 1.0),
    ]  # fmt: skip
    assert {mistake.path for mistake in report.mistakes} == {"b", "d"}
    ((path, truth, best),) = report.rows(4)
    assert (path, truth, [label for label, _ in best]) == ("e", "", ["cat", "bee", "ant"])
    assert [share for _, share in best] == pytest.approx([0.8, 0.4, 0.2])


def test_the_most_confident_mistakes_come_first() -> None:
    tally = Tally(LABELS)
    tally.add(list("abc"), [0, 0, 0], [[(1, "bee", share)] for share in (0.5, 0.9, 0.7)])

    assert [mistake.path for mistake in tally.report().mistakes] == ["b", "c", "a"]


def test_numbers_of_a_random_list_equal_those_counted_the_long_way() -> None:
    rng = np.random.default_rng(3)
    labels = [str(index) for index in range(7)]
    truth = rng.integers(0, 7, 500)
    orders = np.stack([rng.permutation(7)[:5] for _ in range(500)])
    tally = Tally(labels)
    for start in range(0, 500, 128):
        part = slice(start, start + 128)
        tops = [[(int(each), labels[each], 0.1) for each in order] for order in orders[part]]
        tally.add([str(index) for index in range(500)[part]], truth[part].tolist(), tops)

    report = tally.report()

    matrix = np.zeros((7, 7), int)
    for true, order in zip(truth, orders, strict=True):
        matrix[true, order[0]] += 1
    assert report.confusion.cells == [
        (row, column, matrix[row, column]) for row in range(7) for column in range(7) if matrix[row, column]
    ]
    assert report.top1 == pytest.approx(np.trace(matrix) / 500)
    assert report.top5 == pytest.approx(np.mean([true in order for true, order in zip(truth, orders, strict=True)]))
    assert [row.recall for row in report.confusion.per_class] == pytest.approx(list(np.diag(matrix) / matrix.sum(1)))
    assert [row.precision for row in report.confusion.per_class] == pytest.approx(list(np.diag(matrix) / matrix.sum(0)))


def test_a_class_id_beyond_the_labels_counts_as_unlabelled() -> None:
    tally = Tally(LABELS)
    tally.add(["a"], [99], [answers(0, 1, 2)])

    report = tally.report()

    assert (report.labelled, report.top1, report.confusion.cells) == (0, None, [])


def test_no_picture_at_all_gives_an_empty_report() -> None:
    report = Tally(LABELS).report()

    assert (
        report.count,
        report.top1,
        report.confusion.cells,
        report.mistakes,
        report.confusion.pairs,
        report.rows(),
    ) == (
        0,
        None,
        [],
        [],
        [],
        [],
    )


def test_the_best_of_each_class_are_kept_across_chunks() -> None:
    rng = np.random.default_rng(4)
    scores = rng.random((50, 3), np.float32)
    best = Best(3, 4)
    for start in range(0, 50, 16):
        best.add(scores[start : start + 16])

    for class_id in range(3):
        order = np.argsort(-scores[:, class_id])[:4]
        assert best.of(class_id) == [(int(row), float(scores[row, class_id])) for row in order]


def test_a_list_shorter_than_n_gives_what_there_is() -> None:
    best = Best(2, 9)
    best.add(np.asarray([[0.2, 0.8]], np.float32))

    assert best.of(1) == [(0, float(np.float32(0.8)))]
