"""Pictures changed by chance: each change against numbers from elsewhere, and trainings with them that stop and go on."""

from __future__ import annotations

import base64
import colorsys
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from digits.core.errors import TrainingError
from digits.core.files import read_json
from digits.core.jobfolder import JobFolder
from digits.core.trainspec import Augmentation, CustomNetwork, TrainSpec
from digits.core.work import StoppedError, WorkerSettings
from digits.extensions.frameworks.caffe.check import check
from digits.training import caffe_trainer, torch_trainer
from digits.training.augment import Augmenter, Chance, shift_hsv, warp
from digits.training.augmentpreview import preview
from digits.training.caffe_predictor import open_predictor
from digits.training.transform import Places, Transform, whitened
from tests.training.conftest import NETWORK, Heard
from tests.training.test_resume import assert_same, last_bits, stop_after
from tests.training.test_torch import SMALL

NewModel = Callable[..., tuple[JobFolder, TrainSpec]]
SETTINGS = WorkerSettings(num_threads=1, python_layers=True)
CPU = torch.device("cpu")
ALL: dict[str, Any] = {
    "rot": 20,
    "scale": 0.1,
    "flip": "fliplrud",
    "quad_rot": "rotall",
    "hsv_use": True,
    "contrast": 0.5,
    "noise": 0.05,
    "whitening": True,
}


def pictures(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(7))


def smooth(height: int, width: int) -> NDArray[np.float32]:
    """Return a picture without edges, on which ways to interpolate agree."""
    y, x = np.mgrid[:height, :width]
    return np.asarray(127 + 60 * np.sin(x / 7) + 60 * np.cos(y / 5), np.float32)


def augmented(
    images: torch.Tensor, number: int = 3, places: Places | None = None, crop_px: int = 0, **fields: Any
) -> NDArray[np.float32]:
    made = Augmenter(Augmentation(**fields), seed=5, device=CPU, crop_px=crop_px)(images, places, number)
    found: NDArray[np.float32] = made.numpy()
    return found


def drawn(count: int, number: int = 3, **fields: Any) -> Chance:
    return Chance.draw(Augmentation(**fields), np.random.default_rng((5, 4, number)), count)


@pytest.mark.parametrize(("flip", "ways"), [("fliplr", 2), ("flipud", 2), ("fliplrud", 4)])
def test_each_picture_is_mirrored_or_not_as_numpy_mirrors(flip: str, ways: int) -> None:
    images = pictures(64, 3, 5, 7)
    found = augmented(images, flip=flip)

    seen = set()
    for one, other in zip(images.numpy(), found, strict=True):
        versions = {"none": one, "lr": one[:, :, ::-1], "ud": one[:, ::-1], "both": one[:, ::-1, ::-1]}
        seen.add(next(name for name, version in versions.items() if (version == other).all()))
    assert seen == {"fliplr": {"none", "lr"}, "flipud": {"none", "ud"}, "fliplrud": {"none", "lr", "ud", "both"}}[flip]
    assert len(seen) == ways


@pytest.mark.parametrize(("quad_rot", "turns"), [("rot90", {0, 1, 3}), ("rot180", {0, 2}), ("rotall", {0, 1, 2, 3})])
def test_quarter_turns_are_those_of_numpy(quad_rot: str, turns: set[int]) -> None:
    images = pictures(64, 1, 6, 6)
    found = augmented(images, quad_rot=quad_rot)

    made = [
        next(k for k in range(4) if (np.rot90(one, k, (1, 2)) == other).all())
        for one, other in zip(images.numpy(), found, strict=True)
    ]
    assert set(made) == turns


def test_quarter_turns_of_oblong_pictures_are_refused_in_words() -> None:
    spec = TrainSpec(
        dataset="d", name="m", network=CustomNetwork(text=NETWORK), augmentation=Augmentation(quad_rot="rotall")
    )
    facts = {"image": {"width": 7, "height": 5, "channels": 3}, "labels": ["a", "b"]}

    assert "7 x 5" in check(spec, facts)["augmentation.quad_rot"][0]
    assert check(spec.model_copy(update={"crop_size": 4}), facts) == {}
    with pytest.raises(TrainingError, match="7 × 5"):
        augmented(pictures(4, 3, 5, 7), quad_rot="rotall")
    assert augmented(pictures(4, 3, 5, 7), quad_rot="rot180").shape == (4, 3, 5, 7)


def test_a_turn_by_90_degrees_is_numpys_and_others_are_opencvs() -> None:
    square = torch.from_numpy(smooth(16, 16))[None, None]
    turned = warp(square, np.array([90.0]), np.array([1.0]), None, 0)[0, 0]
    np.testing.assert_allclose(turned, np.rot90(square[0, 0]), atol=1e-2)

    image = smooth(40, 60)
    for angle, factor in ((17.0, 1.0), (-33.0, 1.2), (0.0, 0.8)):
        ours = warp(torch.from_numpy(image)[None, None], np.array([angle]), np.array([factor]), None, 0)[0, 0].numpy()
        matrix = cv2.getRotationMatrix2D((29.5, 19.5), angle, factor)
        theirs = cv2.warpAffine(image, matrix, (60, 40), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        np.testing.assert_allclose(ours, theirs, atol=1.0)  # OpenCV may sample at 1/32 of a pixel


def test_a_turned_crop_is_cut_from_the_turned_whole_picture() -> None:
    images = torch.from_numpy(smooth(40, 60))[None, None].expand(3, 1, 40, 60)
    places = Places(torch.tensor([0, 9, 24]), torch.tensor([0, 31, 44]))
    angles, factors = np.array([10.0, -25.0, 170.0]), np.array([1.0, 1.1, 0.9])

    whole, crops = warp(images, angles, factors, None, 0), warp(images, angles, factors, places, 16)

    for each in range(3):
        top, left = int(places.tops_px[each]), int(places.lefts_px[each])
        np.testing.assert_allclose(crops[each], whole[each, :, top : top + 16, left : left + 16], atol=1e-2)
    assert augmented(pictures(3, 1, 40, 60), places=places, crop_px=16, rot=5).shape == (3, 1, 16, 16)


def test_hue_saturation_and_value_are_shifted_as_colorsys_does() -> None:
    images = pictures(6, 3, 4, 4)
    images[0, :, 0] = 128  # grey
    images[1, :, 0] = 0  # black
    shifts = np.array([[0.3, -0.2, 0.1], [0.0, 0.2, 0.2], [0, 0, 0], [-0.7, 0.1, -0.3], [0.5, -1, 0], [0.02, 0.4, 0.6]])

    found = shift_hsv(images.float(), torch.from_numpy(shifts.astype(np.float32))).numpy()

    for one, other, (dh, ds, dv) in zip(images.numpy() / 255, found, shifts, strict=True):
        for y, x in np.ndindex(4, 4):
            h, s, v = colorsys.rgb_to_hsv(*one[::-1, y, x])
            rgb = colorsys.hsv_to_rgb((h + dh) % 1, np.clip(s + ds, 0, 1), np.clip(v + dv, 0, 1))
            np.testing.assert_allclose(other[::-1, y, x], np.array(rgb) * 255, atol=0.02)
    grey = shift_hsv(torch.full((1, 1, 1, 1), 100.0), torch.tensor([[0.5, 0.5, 0.1]]))
    assert grey.item() == pytest.approx(125.5)


def test_contrast_multiplies_distances_from_the_mean_and_noise_has_its_share_of_the_range() -> None:
    images = pictures(32, 3, 9, 9) // 4 + 96
    factors = drawn(32, contrast=0.4).contrasts
    mean = images.numpy().mean((2, 3), keepdims=True)

    np.testing.assert_allclose(
        augmented(images, contrast=0.4), mean + (images.numpy() - mean) * factors[:, None, None, None], atol=1e-3
    )
    assert 0.6 <= factors.min() < 0.7 < 1.3 < factors.max() <= 1.4
    assert drawn(2000, contrast=3).contrasts.min() >= 0
    added = augmented(torch.full((8, 3, 64, 64), 128, dtype=torch.uint8), noise=0.03) - 128
    assert added.std() == pytest.approx(0.03 * 255, rel=0.02)
    assert abs(added.mean()) < 0.1
    assert augmented(torch.full((1, 1, 64, 64), 250, dtype=torch.uint8), noise=0.5).max() == 255


def test_chance_has_the_amounts_that_were_asked_for_and_belongs_to_seed_and_batch() -> None:
    many = drawn(4000, rot=30, scale=0.1, hsv_use=True, flip="fliplr", quad_rot="rotall")

    assert -30 <= many.angles_deg.min() < -29 < 29 < many.angles_deg.max() <= 30
    assert many.factors.mean() == pytest.approx(1, abs=0.01)
    assert many.factors.std() == pytest.approx(0.1, rel=0.05)
    np.testing.assert_allclose(many.hsv.std(0), [0.02, 0.04, 0.06], rtol=0.05)
    assert many.mirrored.mean() == pytest.approx(0.5, abs=0.05)
    assert not many.upside_down.any()
    np.testing.assert_allclose(np.bincount(many.quarter_turns) / 4000, 0.25, atol=0.03)
    alone = drawn(4000, quad_rot="rotall")
    assert (alone.quarter_turns == many.quarter_turns).all()  # an option leaves the chance of the others alone
    images = pictures(4, 3, 8, 8)
    assert (augmented(images, **ALL) == augmented(images, **ALL)).all()
    assert (augmented(images, **ALL) != augmented(images, number=4, **ALL)).any()


def test_whitening_is_tensorflows_per_image_standardization() -> None:
    data = pictures(3, 3, 5, 5).float()
    data[2] = 9

    found = whitened(data).numpy()

    for one, other in zip(data.numpy().astype(np.float64), found, strict=True):
        np.testing.assert_allclose(other, (one - one.mean()) / max(one.std(), 75**-0.5), atol=1e-5)
    through = Transform(mean_CHW=torch.full((3, 1, 1), 50.0), scale=0.1, whiten=True)(data.to(torch.uint8)).numpy()
    np.testing.assert_allclose(through[:2], found[:2], atol=1e-5)


@pytest.mark.parametrize("framework", ["caffe", "torch"])
def test_an_augmented_training_that_was_stopped_goes_on_to_the_bit(new_model: NewModel, framework: str) -> None:
    train = caffe_trainer.train if framework == "caffe" else torch_trainer.train
    fields = {
        "framework": framework, "network": CustomNetwork(text=NETWORK if framework == "caffe" else SMALL.replace("128", "72")), "crop_size": 16,
        "augmentation": Augmentation(**ALL),
    }  # fmt: skip
    whole, broken, plain = (
        new_model(**fields),
        new_model(**fields),
        new_model(**(fields | {"augmentation": Augmentation()})),
    )
    for folder, spec in (whole, plain):
        train(spec, folder, SETTINGS, Heard(), lambda: False)

    with pytest.raises(StoppedError):
        train(broken[1], broken[0], SETTINGS, Heard(), stop_after(5))
    broken[0].note("resume")
    train(broken[1], broken[0], SETTINGS, Heard(), lambda: False)

    assert_same(whole[0], broken[0])
    assert last_bits(whole[0])[1] != last_bits(plain[0])[1]
    assert read_json(whole[0].path / "model.json")["whitening"]


def test_answers_are_whitened_as_the_validation_was(new_model: NewModel) -> None:
    folder, spec = new_model(augmentation=Augmentation(whitening=True), train_epochs=1)
    caffe_trainer.train(spec, folder, SETTINGS, Heard(), lambda: False)
    predictor = open_predictor(folder, device="cpu")
    image = pictures(20, 20, 1).numpy()

    # whitened, a picture and the same with half the contrast are one
    soft = np.round(image / 2 + 60).astype(np.uint8)
    np.testing.assert_allclose(predictor.classify([image]), predictor.classify([soft]), atol=2e-3)


def test_the_preview_shows_pictures_as_they_are_and_changed(shapes: tuple[Path, str]) -> None:
    asked = {"extension": "image-classification", "folder": str(shapes[0] / shapes[1]), "seed": 1}

    found = preview({**asked, "augmentation": {"flip": "fliplr"}, "crop_px": 0})["pictures"]
    turned = preview({**asked, "augmentation": {"rot": 90, "hsv_use": True}, "crop_px": 16})["pictures"]

    assert [len(each["versions"]) for each in found] == [4, 4]
    for each in found:
        original = decoded(each["original"])
        assert all(
            (decoded(one) == original).all() or (decoded(one) == original[:, ::-1]).all() for one in each["versions"]
        )
    assert {decoded(one).shape for each in turned for one in each["versions"]} == {(16, 16)}


def decoded(address: str) -> NDArray[np.uint8]:
    kind, _, data = address.partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
