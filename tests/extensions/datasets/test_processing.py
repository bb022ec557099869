from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.extensions.datasets.made import Made, draw, problems


def test_pictures_come_with_those_of_their_name(tmp_path: Path) -> None:
    features, labels = draw(tmp_path / "blurred", 6), draw(tmp_path / "sharp", 6, seed=1)
    (tmp_path / "sharp" / "05.png").unlink()

    made = Made(
        "image-processing", tmp_path / "job", feature_folder=tmp_path / "blurred", label_folder=tmp_path / "sharp",
        folder_pct_val=20, dsopts_label_encoding="png",
    )  # fmt: skip

    reader = made.reader()
    assert (reader.target_kind, reader.label_shape, len(reader), len(made.reader("val"))) == (
        "image",
        (10, 14, 3),
        4,
        1,
    )
    images, targets = np.empty((4, 10, 14, 3), np.uint8), np.empty((4, 10, 14, 3), np.uint8)
    reader.decode_all(images, targets)
    numbers = [int(Path(reader[index].source).stem) for index in range(4)]
    assert all((images[at] == features[number]).all() for at, number in enumerate(numbers))
    assert all((targets[at] == labels[number]).all() for at, number in enumerate(numbers))
    assert made.datums("train_db/labels")[0].encoded
    assert "no label of its name" in made.refused["05.png"]


def test_an_autoencoder_is_given_noise_of_the_strength_asked_for_and_wants_it_gone(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    draw(folder, 4, shape=(40, 40))
    common = {"feature_folder": folder, "label_folder": folder, "folder_pct_val": 0}

    plain = Made("image-processing", tmp_path / "plain", **common).reader()
    noisy = Made("image-processing", tmp_path / "noisy", noise=8, **common).reader()

    assert all((sample.image_HWC == sample.label).all() for sample in plain)
    assert (noisy.targets() == plain.targets()).all()
    inside = (noisy.targets() > 40) & (noisy.targets() < 215)  # where no value is cut off
    added = np.stack([sample.image_HWC for sample in noisy])[inside].astype(float) - noisy.targets()[inside]
    assert abs(added.mean()) < 0.3
    assert 7.6 < added.std() < 8.4


def test_pictures_of_two_sizes_are_brought_to_one_or_refused(tmp_path: Path) -> None:
    draw(tmp_path / "a", 3)
    draw(tmp_path / "b", 3, shape=(20, 28, 3))
    folders = {"feature_folder": tmp_path / "a", "label_folder": tmp_path / "b", "folder_pct_val": 0}

    made = Made("image-processing", tmp_path / "job", resize_width=7, resize_height=5, **folders)

    assert made.reader()[0].label.shape == made.reader()[0].image_HWC.shape == (5, 7, 3)
    assert (
        "Padding is noise"
        in problems("image-processing", resize_width=7, resize_height=5, resize_mode="fill", **folders)["resize_mode"]
    )
