from __future__ import annotations

import copy
from pathlib import Path

import lmdb
import numpy as np
import pytest

from digits.core.errors import DataError, NotFoundError
from digits.data.reader import DatasetReader
from digits.data.recordreader import RecordReader
from tests.extensions.datasets.classification.folders import Built, draw_classes, spec_of


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.mktemp("reader")
    return Built(root / "job", spec_of(draw_classes(root / "in", {"cat": 300, "dog": 300})))


def test_a_reader_is_what_training_expects(built: Built) -> None:
    reader = RecordReader(built.path, "train")

    assert isinstance(reader, DatasetReader)
    assert reader.labels == ("cat", "dog")
    assert reader.sample_shape == (8, 8, 3)
    assert reader.target_kind == "class"
    assert len(reader) == 450
    assert reader.targets().dtype == np.int64


def test_everything_is_decoded_at_once_into_memory_that_is_given(built: Built, tmp_path: Path) -> None:
    reader = RecordReader(built.path, "train", num_threads=3)
    out = np.lib.format.open_memmap(tmp_path / "out.npy", "w+", np.uint8, (450, 8, 8, 3))
    told: list[tuple[int, int]] = []

    reader.decode_all(out, lambda done, total: told.append((done, total)))

    assert all((out[index] == reader[index].image_HWC).all() for index in range(450))
    assert told[-1] == (450, 450)
    assert told == sorted(told)


def test_a_progress_call_may_stop_the_decoding(built: Built) -> None:
    def stop(done: int, total: int, /) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        RecordReader(built.path, "train").decode_all(np.empty((450, 8, 8, 3), np.uint8), stop)


def test_a_copy_in_another_place_opens_its_files_itself(built: Built) -> None:
    reader = RecordReader(built.path, "val")
    first = reader[0]

    twin = copy.deepcopy(reader)  # as sending it to another process does
    reader.close()

    assert (twin[0].image_HWC == first.image_HWC).all()
    assert (reader[0].image_HWC == first.image_HWC).all()


def test_what_is_not_there_is_said(built: Built, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no database 'test'"):
        RecordReader(built.path, "test")
    with pytest.raises(NotFoundError):
        RecordReader(tmp_path, "train")
    with pytest.raises(IndexError):
        RecordReader(built.path, "val")[150]


def test_a_broken_record_is_told_by_its_number(tmp_path: Path) -> None:
    built = Built(tmp_path / "job", spec_of(draw_classes(tmp_path / "in", {"cat": 5, "dog": 5})))
    with lmdb.open(str(built.path / "train_db"), lock=False) as env, env.begin(write=True) as transaction:
        keys = list(transaction.cursor().iternext(values=False))
        record = transaction.get(keys[3])
        assert record is not None
        transaction.put(keys[3], record[:-20] + bytes(20))
        transaction.delete(keys[5])

    reader = RecordReader(built.path, "train")

    assert reader[0].image_HWC.shape == (8, 8, 3)
    with pytest.raises(DataError, match=r"Record 3 of the train database is broken"):
        reader[3]
    with pytest.raises(DataError, match="no record"):
        reader[5]
    with pytest.raises(DataError):
        reader.decode_all(np.empty((8, 8, 8, 3), np.uint8))
