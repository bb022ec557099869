from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from digits.extensions.datasets.gradients.draw import draw, inputs
from digits.extensions.datasets.gradients.spec import GradientsInference
from tests.extensions.datasets.made import Made

SIZES = {"train_image_count": 30, "val_image_count": 5, "test_image_count": 2, "image_width": 20, "image_height": 16}


def test_the_slopes_of_a_picture_are_what_a_plane_fitted_to_it_has(tmp_path: Path) -> None:
    made = Made("image-gradients", tmp_path / "job", **SIZES)

    reader = made.reader("val")
    targets = reader.targets()

    assert [each["entries"] for each in made.facts["dbs"].values()] == [30, 5, 2]
    assert reader.labels == ("gradient_x", "gradient_y")
    assert targets.dtype == np.float32
    rows, columns = np.mgrid[0:16, 0:20]
    plane = np.stack([columns.ravel() / 19, rows.ravel() / 15, np.ones(rows.size)], axis=1)
    for index in range(len(reader)):
        fitted = np.linalg.lstsq(plane, reader[index].image_HWC.ravel() / 255.0, rcond=None)[0]
        assert np.allclose(fitted[:2], targets[index], atol=0.005)
        assert reader[index].image_HWC.mean() == pytest.approx(127.5, abs=0.6)


def test_a_seed_makes_the_same_dataset_and_another_another(tmp_path: Path) -> None:
    hashes = [
        Made("image-gradients", tmp_path / str(number), **SIZES | {"random_seed": seed}).facts["content_hash"]
        for number, seed in enumerate((7, 7, 8))
    ]

    assert hashes[0] == hashes[1] != hashes[2]


def test_a_model_is_tested_on_the_slopes_asked_for(tmp_path: Path) -> None:
    facts = {"image": {"width": 12, "height": 8, "channels": 1}}

    [(key, path)] = inputs(GradientsInference(gradient_x=0.5, gradient_y=-0.25), tmp_path, facts)
    (tmp_path / "several").mkdir()
    several = list(inputs(GradientsInference(test_image_count=3), tmp_path / "several", facts))

    assert key == "0.500, -0.250"
    assert (np.asarray(Image.open(path)) == draw(0.5, -0.25, height=8, width=12)[:, :, 0]).all()
    assert len({path.read_bytes() for _, path in several}) == 3
    with pytest.raises(ValidationError, match="Give both gradients"):
        GradientsInference(gradient_x=0.5)
