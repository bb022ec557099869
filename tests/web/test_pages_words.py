"""Numbers, times, charts and links as the pages write them."""

from __future__ import annotations

import pytest

from digits.web.pages import drawing, exploring, results, words
from digits.web.pages.paging import page_links
from digits.web.tally import Tally
from tests.web.markup import read


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (3136, "3.1 kB"),
        (17_900_000, "17.9 MB"),
        (999_999, "1 MB"),
        (812e9, "812 GB"),
        (None, "–"),
    ],
)
def test_sizes_are_in_decimal_units(value: float | None, text: str) -> None:
    assert words.size(value) == text


@pytest.mark.parametrize(("value", "text"), [(3690.4, "3,690"), (12, "12"), (0.375, "0.4"), (None, "–")])
def test_rates_below_ten_keep_a_decimal(value: float | None, text: str) -> None:
    assert words.rate(value) == text


@pytest.mark.parametrize(
    ("seconds", "brief", "spoken"),
    [
        (0, "0s", "0 seconds"),
        (1, "1s", "1 second"),
        (78, "1m 18s", "1 minute, 18 seconds"),
        (3600, "1h", "1 hour"),
        (7445, "2h 4m", "2 hours, 4 minutes"),
        (90_000, "1d 1h", "1 day, 1 hour"),
        (-3, "0s", "0 seconds"),
    ],
)
def test_durations_have_their_two_largest_units(seconds: float, brief: str, spoken: str) -> None:
    assert (words.brief(seconds), words.spoken(seconds)) == (brief, spoken)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0313, "0.0313"),
        (0.0, "0.0000"),
        (7.31e-6, "7.31e−6"),
        (-1.5, "−1.5000"),
        (float("nan"), "NaN"),
        (float("inf"), "∞"),
        (None, "–"),
    ],
)
def test_figures_have_four_places_and_a_true_minus(value: float | None, text: str) -> None:
    assert words.figure(value) == text


def test_nothing_is_100_percent_before_it_is_done() -> None:
    assert [words.whole_percent(share) for share in (0, 0.29, 0.999, 1, 1.2)] == [0, 29, 99, 100, 100]


def test_a_moment_of_today_is_told_by_its_hour() -> None:
    now = 1_795_500_000.0

    assert words.when(now, now=now).startswith("Today ")
    assert not words.when(now - 3 * 86_400, now=now).startswith("Today")


def test_page_links_show_the_ends_and_those_around() -> None:
    def row(page: int, count: int) -> str:
        return " ".join(f"[{each.text}]" if each.current else each.text for each in page_links(page, count, str))

    assert row(12, 451) == "« 0 … 10 11 [12] 13 14 … 450 »"
    assert row(0, 3) == "« [0] 1 2 »"
    assert row(0, 1) == ""
    assert [each.href for each in page_links(0, 3, str)] == ["", "", "1", "2", "1"]


def test_bars_stack_up_to_their_counts_and_link_to_their_class() -> None:
    svg = read(drawing.histogram(["a", "b"], [("x", [10, 20]), ("y", [0, 20])], links=["/a", "/b"]))

    heights = [float(rect.attributes["height"]) for rect in svg.find("rect")]
    assert heights[1] == 0
    assert heights[2] == heights[3] == pytest.approx(2 * heights[0], abs=0.2)
    assert [link.attributes["href"] for link in svg.find("a")] == ["/a", "/b"]
    assert svg.one("svg").attributes["aria-label"] == "a 10, b 40"


def test_a_thousand_classes_are_drawn_without_their_names() -> None:
    labels = [f"class {index}" for index in range(1000)]

    svg = read(drawing.histogram(labels, [("x", list(range(1000)))]))

    assert [text.text for text in svg.find("text")] == ["class 0", "class 999"]


def test_a_class_name_is_text_in_a_chart() -> None:
    svg = read(drawing.histogram(["<script>", "b"], [("x", [1, 2])]))

    assert not svg.find("script")


def test_a_sparkline_stays_in_its_box_and_needs_two_values() -> None:
    line = read(drawing.sparkline([3.0, 1.0, 2.0])).one("polyline")

    places = [tuple(map(float, pair.split(","))) for pair in line.attributes["points"].split()]
    assert all(0 <= x <= 120 and 0 <= y <= 24 for x, y in places)
    assert places[0][1] < places[2][1] < places[1][1], "higher is further up"
    assert drawing.sparkline([1.0]) == ""


@pytest.mark.parametrize(("side", "cell"), [(28, 84), (32, 96), (64, 128), (50, 112), (256, 112)])
def test_cells_are_whole_multiples_of_small_pictures(side: int, cell: int) -> None:
    assert exploring.cell_px(side) == cell


def tally(num_classes: int, answers: list[tuple[int, int]]) -> Tally:
    """Return a tally of (truth, prediction)."""
    made = Tally([f"c{index}" for index in range(num_classes)])
    tops = [[(predicted, f"c{predicted}", 0.9)] for _, predicted in answers]
    made.add([f"{index}.png" for index in range(len(answers))], [truth for truth, _ in answers], tops)
    return made


def test_the_matrix_colours_mistakes_alone() -> None:
    report = tally(3, [(0, 0)] * 50 + [(0, 1)] * 8 + [(1, 1)] * 5 + [(2, 0)]).report()

    matrix = results.confusion_matrix(report.confusion)

    assert matrix is not None
    assert [cell.css for cell in matrix.rows[0]] == ["right", "v15", "zero"]
    assert [cell.text for cell in matrix.rows[0]] == ["50", "8", "·"]
    assert matrix.rows[2][0].css == "v0"
    assert matrix.most == 8
    assert matrix.recalls[2] == "0.00"
    assert matrix.rows[0][1].title == "c0 taken for c1: 8 of 58"


def test_of_more_classes_than_can_be_read_those_confused_most_are_shown() -> None:
    many = results.WHOLE_CLASSES + 1
    answers = [(index, index) for index in range(many)] + [(70, 3)] * 5 + [(3, 70)] * 2 + [(9, 70)]

    matrix = results.confusion_matrix(tally(many, answers).report().confusion)

    assert matrix is not None
    assert (len(matrix.ids), matrix.num_classes) == (results.SHOWN_CLASSES, many)
    assert set(matrix.ids) >= {70, 3, 9}
    row, column = matrix.ids.index(70), matrix.ids.index(3)
    assert matrix.rows[row][column].text == "5"


def test_a_matrix_round_one_class_shows_what_it_is_confused_with() -> None:
    many = results.WHOLE_CLASSES + 1
    answers = [(1, 2)] * 50 + [(80, 90), (91, 80)]

    matrix = results.confusion_matrix(tally(many, answers).report().confusion, of=80)

    assert matrix is not None
    assert set(matrix.ids) >= {80, 90, 91}


def test_classes_are_listed_worst_first() -> None:
    lines = results.class_lines(
        tally(3, [(0, 0)] * 9 + [(0, 1)] + [(1, 1)] * 5 + [(2, 0)]).report().confusion.per_class
    )

    assert [(line.label, line.count, line.wrong) for line in lines] == [("c2", 1, 1), ("c0", 10, 1), ("c1", 5, 0)]
    assert all(0 <= line.bar <= 1 for line in lines)
