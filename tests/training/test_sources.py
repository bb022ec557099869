"""What feeds a network: order, wrapping, memory or memory map, ahead of time or not."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from digits.core.errors import TrainingError
from digits.data.reader import ProgressCall, Sample, TargetKind
from digits.training.frames import Frames, load_frames
from digits.training.sources import TrainingSource, batches_once
from digits.training.targets import target
from digits.training.transform import Transform

COLLATE = target("class").collate


class ArrayReader:
    """Records that lie in an array; counts how often they are decoded."""

    labels = ("a", "b")
    target_kind: TargetKind = "class"

    def __init__(self, images_NHWC: NDArray[np.uint8]) -> None:
        self._images = images_NHWC
        self.sample_shape: tuple[int, int, int] = images_NHWC.shape[1:]
        self.num_decodes = 0

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Sample:
        return Sample(self._images[index], index % 2, str(index))

    def targets(self) -> NDArray[np.int64]:
        return np.arange(len(self))

    def decode_all(self, out: NDArray[np.uint8], progress: ProgressCall | None = None) -> None:
        self.num_decodes += 1
        out[:] = self._images
        if progress:
            progress(len(self), len(self))


def numbered(count: int, side: int = 4) -> Frames:
    """Pictures whose every pixel is the record's number."""
    images = torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(count, 1, side, side).contiguous()
    return Frames(images, np.arange(count), in_memory=True)


def source(frames: Frames, *, batch_size: int, seed: int = 1, shuffle: bool = True, crop_px: int = 0) -> TrainingSource:
    transform = Transform(crop_px=crop_px)
    return TrainingSource(frames, transform, COLLATE, batch_size=batch_size, seed=seed, shuffle=shuffle)


def test_without_shuffling_records_come_in_key_order_and_wrap_inside_a_batch_as_in_caffe() -> None:
    feed = source(numbered(10), batch_size=4, shuffle=False)

    assert [feed.records(number).tolist() for number in range(4)] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, 0, 1],
        [2, 3, 4, 5],
    ]


def test_a_batch_larger_than_the_database_wraps_more_than_once() -> None:
    feed = source(numbered(3), batch_size=8, shuffle=False)

    assert feed.records(1).tolist() == [2, 0, 1, 2, 0, 1, 2, 0]


def test_shuffled_each_pass_has_every_record_once_in_an_order_of_its_own() -> None:
    feed = source(numbered(10), batch_size=4)

    stream = np.concatenate([feed.records(number) for number in range(5)])

    assert sorted(stream[:10]) == sorted(stream[10:]) == list(range(10))
    assert stream[:10].tolist() != stream[10:].tolist()


def test_a_batch_is_a_function_of_seed_and_number_alone() -> None:
    frames = numbered(50, side=6)
    one, other, stranger = (source(frames, batch_size=8, seed=seed, crop_px=3) for seed in (5, 5, 6))
    in_order = [one.batch(number) for number in range(9)]

    for number in (8, 2, 5):  # a resumed training begins anywhere
        data, targets = other.batch(number)
        assert torch.equal(data, in_order[number][0])
        assert torch.equal(targets, in_order[number][1])
    assert not torch.equal(stranger.batch(2)[1], in_order[2][1])


def test_pictures_and_targets_stay_together() -> None:
    data, targets = source(numbered(30), batch_size=16).batch(3)

    assert data.shape == (16, 1, 4, 4)
    assert data.dtype == targets.dtype == torch.float32
    assert torch.equal(data[:, 0, 0, 0], targets)


def test_validation_sees_each_record_once_and_the_last_batch_is_smaller() -> None:
    batches = list(batches_once(numbered(10), Transform(), COLLATE, batch_size=4))

    assert [len(data) for data, _ in batches] == [4, 4, 2]
    assert torch.cat([targets for _, targets in batches]).tolist() == list(range(10))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_set_beyond_the_budget_is_decoded_to_disk_once_and_reads_the_same(tmp_path: Path, channels: int) -> None:
    images = np.random.default_rng(2).integers(0, 256, (7, 5, 6, channels), dtype=np.uint8)
    reader = ArrayReader(images)

    in_memory = load_frames(reader, cache=tmp_path, key="train", budget_bytes=images.nbytes)
    on_disk = load_frames(reader, cache=tmp_path, key="train", budget_bytes=images.nbytes - 1)
    again = load_frames(reader, cache=tmp_path, key="train", budget_bytes=0)

    assert isinstance(in_memory, Frames)
    assert isinstance(on_disk, Frames)
    assert isinstance(again, Frames)
    assert (in_memory.in_memory, on_disk.in_memory, again.in_memory) == (True, False, False)
    assert reader.num_decodes == 2
    np.testing.assert_array_equal(in_memory.images_NCHW, images[..., ::-1].transpose(0, 3, 1, 2))
    assert torch.equal(in_memory.images_NCHW, on_disk.images_NCHW)
    assert torch.equal(in_memory.images_NCHW, again.images_NCHW)
    expected, _ = source(in_memory, batch_size=3, crop_px=4).batch(5)
    with_thread = source(again, batch_size=3, crop_px=4)
    assert torch.equal(with_thread.batch(5)[0], expected)
    with_thread.close()


def test_a_decode_that_is_stopped_leaves_nothing_behind(tmp_path: Path) -> None:
    reader = ArrayReader(np.zeros((4, 2, 2, 1), np.uint8))

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_frames(reader, cache=tmp_path, key="train", budget_bytes=0, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_in_the_cache_is_swept_up(tmp_path: Path) -> None:
    gone, here = tmp_path / ".train-1x1x1x1.u8.999999999.tmp", tmp_path / f".val-1x1x1x1.u8.{os.getpid()}.tmp"
    gone.touch()
    here.touch()

    load_frames(ArrayReader(np.zeros((4, 2, 2, 1), np.uint8)), cache=tmp_path, key="train", budget_bytes=0)

    assert not gone.exists()
    assert here.exists()


def test_an_empty_database_is_refused_with_words(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no picture"):
        load_frames(ArrayReader(np.zeros((0, 2, 2, 1), np.uint8)), cache=tmp_path, key="train")


def test_a_kind_of_answer_nobody_knows_is_refused_with_words() -> None:
    with pytest.raises(TrainingError, match="answers of kind 'smell'"):
        target("smell")
