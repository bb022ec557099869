"""What leaves a network by a file (HDF5Output) and enters it from memory (MemoryData)."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from digits import caffe
from digits.caffe.commands.test import measure
from digits.caffe.definitions import State
from digits.core.errors import NetworkError, SetupError

NET = """
layer { name: "in" type: "HDF5Data" top: "x" top: "t" hdf5_data_param { source: "list.txt" batch_size: 3 } }
layer { name: "double" type: "Power" bottom: "x" top: "y" power_param { scale: 2 } }
layer { name: "keep" type: "HDF5Output" bottom: "y" bottom: "t" hdf5_output_param { file_name: "%s" } }
layer { name: "size" type: "Reduction" bottom: "y" top: "size" }
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with six rows of data; it is the working folder."""
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file["x"] = np.arange(12, dtype=np.float32).reshape(6, 2)
        file["t"] = np.arange(6, dtype=np.float32)
    (tmp_path / "list.txt").write_text("rows.h5\n")
    (tmp_path / "net.prototxt").write_text(NET % "kept.h5")
    (tmp_path / "empty.prototxt").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kept(path: Path) -> tuple[list[list[float]], list[float]]:
    with h5py.File(path) as file:
        assert set(file) == {"data", "label"}
        return np.asarray(file["data"]).tolist(), np.asarray(file["label"]).tolist()


def test_the_rows_of_every_pass_are_kept_and_can_be_read_as_data_again(project: Path) -> None:
    (project / "kept.h5").write_text("something older")

    measure(project / "net.prototxt", weights=[], iterations=2, state=State("TEST"))

    data, labels = kept(project / "kept.h5")
    assert data == (2 * np.arange(12).reshape(6, 2)).tolist()
    assert labels == [0, 1, 2, 3, 4, 5]


def test_the_pycaffe_face_writes_the_same(project: Path) -> None:
    net = caffe.Net(project / "net.prototxt", caffe.TEST)
    assert not (project / "kept.h5").exists()  # building writes nothing

    net.forward()

    assert kept(project / "kept.h5") == ([[0, 2], [4, 6], [8, 10]], [0, 1, 2])


def test_a_file_in_no_folder_is_refused_with_what_to_do(project: Path) -> None:
    (project / "net.prototxt").write_text(NET % "absent/kept.h5")

    with pytest.raises(SetupError, match=r"absent/kept.h5: HDF5Output cannot write.*Is its folder there"):
        measure(project / "net.prototxt", weights=[], iterations=1, state=State("TEST"))


MEMORY = """
layer { name: "m" type: "MemoryData" top: "data" top: "label" memory_data_param { batch_size: 2 channels: 1 height: 1 width: 2 } }
layer { name: "sum" type: "Reduction" bottom: "data" top: "sum" reduction_param { axis: 1 } }
"""


@pytest.fixture
def memory(tmp_path: Path) -> caffe.Net:
    (tmp_path / "memory.prototxt").write_text(MEMORY)
    return caffe.Net(tmp_path / "memory.prototxt", caffe.TEST)


def test_arrays_in_memory_are_taken_batch_after_batch_and_round_again(memory: caffe.Net) -> None:
    data = np.arange(8, dtype=np.float32).reshape(4, 1, 1, 2)

    memory.set_input_arrays(data, np.array([5, 6, 7, 8], np.float32)[:, None, None, None])

    seen = [(memory.forward()["sum"].tolist(), memory.blobs["label"].data.tolist()) for _ in range(3)]
    assert seen == [([1, 5], [5, 6]), ([9, 13], [7, 8]), ([1, 5], [5, 6])]


@pytest.mark.parametrize(
    ("shape", "labels", "words"),
    [
        ((3, 1, 1, 2), 3, "3 pictures and 3 labels are no whole batches of 2"),
        ((4, 1, 1, 2), 2, "4 pictures and 2 labels"),
        ((0, 1, 1, 2), 0, "0 pictures"),
        ((4, 2), 4, r"takes pictures of \(1, 1, 2\), and \(2,\) were given"),
    ],
)
def test_arrays_that_are_no_whole_batches_are_refused(
    memory: caffe.Net, shape: tuple[int, ...], labels: int, words: str
) -> None:
    with pytest.raises(NetworkError, match=words):
        memory.set_input_arrays(np.zeros(shape, np.float32), np.zeros(labels))
