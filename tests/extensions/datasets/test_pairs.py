from __future__ import annotations

from pathlib import Path

import numpy as np

from digits.data.refused import read_refused
from digits.extensions.datasets.pairs.drawing import draw_pairs
from tests.extensions.datasets.made import Made, draw, problems


def test_half_of_the_drawn_pairs_are_alike_and_none_is_a_picture_with_itself() -> None:
    sizes = [5, 1, 9, 3]
    class_of = np.repeat(np.arange(4), sizes)

    pairs = draw_pairs(sizes, 20_000, np.random.default_rng(0))

    first, second, similar = pairs.T
    assert (first != second).all()
    assert ((class_of[first] == class_of[second]) == similar).all()
    assert similar.sum() == 10_000
    unlike = pairs[similar == 0]
    counts = np.bincount(unlike[:, 0], minlength=18)
    assert (abs(counts - 10_000 / 18) < 5 * (10_000 / 18) ** 0.5).all()  # five standard deviations
    alike = {tuple(pair) for pair in pairs[similar == 1, :2].tolist()}
    assert len(alike) == 5 * 4 + 9 * 8 + 3 * 2  # each pair that there is


def test_two_grey_pictures_lie_in_the_channels_of_one_with_caffes_label(tmp_path: Path) -> None:
    pictures = {
        f"{name}/{index:02d}": pixels
        for seed, name in enumerate("abc")
        for index, pixels in enumerate(draw(tmp_path / "in" / name, 8, shape=(6, 5), seed=seed))
    }

    made = Made("image-pairs", tmp_path / "job", image_folder=tmp_path / "in", pair_count=60, folder_pct_val=25)

    used: dict[str, set[str]] = {}
    for db, count in (("train", 45), ("val", 15)):
        reader, datums = made.reader(db), made.datums(f"{db}_db")
        assert len(reader) == count
        for index in range(count):
            names = [
                str(Path(each).relative_to(tmp_path / "in").with_suffix(""))
                for each in reader[index].source.split(" & ")
            ]
            used.setdefault(db, set()).update(names)
            planes = np.frombuffer(datums[index].data, np.uint8).reshape(2, 6, 5)
            assert all((planes[at] == pictures[name]).all() for at, name in enumerate(names))
            assert datums[index].label == reader[index].target == (names[0][0] == names[1][0])
    assert not used["train"] & used["val"]
    assert made.facts["labels"] == ["different", "similar"]


def test_a_table_lists_pairs_and_bad_rows_are_refused(tmp_path: Path) -> None:
    draw(tmp_path / "in", 3)
    draw(tmp_path / "in" / "small", 1, shape=(4, 4, 3))
    table = tmp_path / "in" / "pairs.csv"
    table.write_text("a,b,similar\n00.png,01.png,1\n01.png,02.png,0\n00.png,small/00.png,0\n00.png,01.png,maybe\n")

    made = Made("image-pairs", tmp_path / "job", pairs_file=table, folder_pct_val=0, channel_conversion="RGB")

    assert made.reader().sample_shape == (10, 14, 6)
    assert made.reader().targets().tolist() == [1, 0]
    reasons = [row.reason.split(":")[0] for row in read_refused(made.path / "refused.csv")]
    assert reasons == ["'maybe' is neither 1 nor 0.", "The two pictures differ"]


def test_a_form_wants_one_source(tmp_path: Path) -> None:
    assert problems("image-pairs").keys() == {"image_folder"}
    assert problems("image-pairs", image_folder=tmp_path, pairs_file="/x.csv").keys() == {"pairs_file"}
