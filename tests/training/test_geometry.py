"""Masks move as their pictures do, whatever moves those, and are a function of the seed and the batch alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from digits.core.trainspec.augmentation import Augmentation
from digits.data.reader import PairSample, ProgressCall, TargetKind
from digits.training.augment import Augmenter
from digits.training.frames import Frames, load_frames
from digits.training.sources import TrainingSource, batches_once
from digits.training.targets import Answers, target
from digits.training.transform import Transform

CPU = torch.device("cpu")
COUNT, SIDE = 12, 40


def blocks() -> tuple[torch.Tensor, NDArray[np.uint8]]:
    """Pictures of black and white blocks of no symmetry, and masks: 1 where it is white."""
    rng = np.random.default_rng(2)
    masks = rng.integers(0, 2, (COUNT, 5, 5), np.uint8).repeat(8, 1).repeat(8, 2)
    return torch.from_numpy(masks * 255)[:, None], masks


def feed(
    augmentation: Augmentation | None, *, crop_px: int = 0, mirror: bool = False, ignore: int | None = None
) -> TrainingSource:
    images, masks = blocks()
    kind = target("mask", Answers(("black", "white"), ignore))
    augmenter = Augmenter(augmentation, seed=3, device=CPU, crop_px=crop_px) if augmentation else None
    return TrainingSource(
        Frames(images, masks, in_memory=True), Transform(crop_px=crop_px, mirror=mirror), kind.collate,
        batch_size=8, seed=3, shuffle=True, augmenter=augmenter, move=kind.move,
    )  # fmt: skip


@pytest.mark.parametrize(
    "augmentation",
    [
        None,
        Augmentation(flip="fliplrud"),
        Augmentation(quad_rot="rotall"),
        Augmentation(flip="fliplr", quad_rot="rot90"),
    ],
)
@pytest.mark.parametrize("crop_px", [0, 24])
@pytest.mark.parametrize("mirror", [False, True])
def test_crops_mirrors_and_quarter_turns_move_each_pixel_with_its_class(
    augmentation: Augmentation | None, crop_px: int, mirror: bool
) -> None:
    source = feed(augmentation, crop_px=crop_px, mirror=mirror)

    for number in range(4):
        data, masks = source.batch(number)

        assert masks.dtype == torch.float32
        assert torch.equal(data, masks * 255)


@pytest.mark.parametrize("crop_px", [0, 24])
def test_turned_and_scaled_masks_are_where_the_picture_is_one_colour_what_it_is_there(crop_px: int) -> None:
    source = feed(Augmentation(rot=40, scale=0.3, flip="fliplr", quad_rot="rot180"), crop_px=crop_px, mirror=True)

    for number in range(4):
        data, masks = source.batch(number)
        sure = (data == 0) | (data == 255)

        assert sure.float().mean() > 0.5
        assert torch.equal(data[sure], masks[sure] * 255)


def test_what_comes_from_beyond_the_edges_is_ignored_where_something_can_be() -> None:
    turned = Augmentation(rot=40)
    with_ignored, without = (feed(turned, ignore=ignore).batch(0)[1] for ignore in (9, None))
    corners = with_ignored[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]]

    assert set(with_ignored.flatten().tolist()) == {0.0, 1.0, 9.0}
    assert (corners == 9).float().mean() > 0.5
    assert (with_ignored[:, 0, 16:24, 16:24] != 9).all()
    assert set(without.flatten().tolist()) == {0.0, 1.0}
    assert torch.equal(without[with_ignored != 9], with_ignored[with_ignored != 9])


def test_a_batch_of_masks_is_a_function_of_seed_and_number_alone() -> None:
    moved = Augmentation(rot=20, scale=0.2, flip="fliplrud", quad_rot="rotall")
    one, other = feed(moved, crop_px=24), feed(moved, crop_px=24)
    in_order = [one.batch(number) for number in range(5)]

    for number in (4, 1):
        for value, again in zip(in_order[number], other.batch(number), strict=True):
            assert torch.equal(value, again)


def test_validation_takes_the_middle_of_both() -> None:
    images, masks = blocks()
    kind = target("mask", Answers(("black", "white")))
    frames = Frames(images, masks, in_memory=True)
    (batch,) = batches_once(frames, Transform(crop_px=24), kind.collate, COUNT, move=kind.move)

    assert torch.equal(batch[1][:, 0].byte(), torch.from_numpy(masks[:, 8:32, 8:32]))
    assert torch.equal(batch[0], batch[1] * 255)


class MaskReader:
    """Pairs that lie in arrays."""

    labels = ("black", "white")
    target_kind: TargetKind = "mask"
    ignore_label = None
    palette = np.zeros((2, 3), np.uint8)
    sample_shape, label_shape = (SIDE, SIDE, 1), (SIDE, SIDE)

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int) -> PairSample:
        images, masks = blocks()
        return PairSample(images.numpy().transpose(0, 2, 3, 1)[index], masks[index], str(index))

    def targets(self) -> NDArray[np.uint8]:
        raise AssertionError("masks are decoded with their pictures")

    def decode_all(
        self, images: NDArray[np.uint8], targets: NDArray[np.uint8], progress: ProgressCall | None = None
    ) -> None:
        images[:], targets[:] = blocks()[0].numpy().transpose(0, 2, 3, 1), blocks()[1]


def test_masks_too_large_for_the_memory_lie_on_the_disk_beside_their_pictures(tmp_path: Path) -> None:
    num_bytes = 2 * COUNT * SIDE * SIDE
    in_memory, on_disk = (
        load_frames(MaskReader(), cache=tmp_path, key="train", budget_bytes=num_bytes - less) for less in (0, 1)
    )

    assert isinstance(in_memory, Frames)
    assert isinstance(on_disk, Frames)
    assert (in_memory.in_memory, on_disk.in_memory) == (True, False)
    assert isinstance(on_disk.targets, np.memmap)
    assert len(list(tmp_path.glob("*.u8"))) == 2
    assert torch.equal(in_memory.images_NCHW, on_disk.images_NCHW)
    np.testing.assert_array_equal(in_memory.targets, on_disk.targets)
