"""Source of ``HDF5Data``: rows of arrays in the files of a list, each top the dataset of its name; round and round."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.caffe.sources.registry import Asked, Source, source
from digits.caffeproto.hdf5 import is_hollow
from digits.core.errors import DataError
from digits.networks.layers.registry import Shape

_MAX_BYTES = 2**36
"""Of one array: a slip in a file must not ask for all memory that there is."""


@source("HDF5Data")
def hdf5_data(asked: Asked) -> Source:
    """Return the source of an ``HDF5Data`` layer.

    Raises:
        DigitsError: the list or a file cannot be read, or lacks a dataset.
    """
    return ArraySource(asked)


class ArraySource:
    """Rows in the order of the files; with ``shuffle`` files and rows are drawn anew each time around."""

    def __init__(self, asked: Asked) -> None:
        param, self._asked = asked.message.hdf5_data_param, asked
        where = asked.layer.error("", "hdf5_data_param.source", "hdf5_data_param").where
        if not param.batch_size:
            words = "batch_size must be given and be at least 1."
            raise asked.layer.error(words, "hdf5_data_param.batch_size", "hdf5_data_param")
        self._batch_size, self._shuffle = param.batch_size, param.shuffle
        listed = asked.folders.find(param.source, what="list of HDF5 files", where=where, is_file=True)
        folders = asked.folders.also(listed)
        names = [line.strip() for line in listed.read_text(encoding="utf-8", errors="replace").splitlines()]
        self._files = [folders.find(name, what="HDF5 file", where=str(listed), is_file=True) for name in names if name]
        if not self._files:
            raise DataError("The list names no HDF5 file.", where=str(listed))
        self._order = list(range(len(self._files)))
        self._at_file, self._at_row = 0, 0
        self._arrays = self._opened()

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Of each top."""
        return tuple((self._batch_size, *self._arrays[name].shape[1:]) for name in self._asked.message.top)

    def next(self) -> tuple[Tensor, ...]:
        """Return the next batch."""
        parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in self._arrays}
        missing = self._batch_size
        while missing:
            rows = slice(self._at_row, self._at_row + missing)
            for name, array in self._arrays.items():
                parts[name].append(array[rows])
            taken = len(next(iter(parts.values()))[-1])
            missing -= taken
            self._at_row += taken
            if self._at_row == len(next(iter(self._arrays.values()))):
                self._go_on()
        return tuple(torch.from_numpy(np.concatenate(parts[name])) for name in self._asked.message.top)

    def close(self) -> None:
        """Do nothing: the files were read whole."""

    def _go_on(self) -> None:
        self._at_row = 0
        self._at_file = (self._at_file + 1) % len(self._files)
        if len(self._files) > 1 or self._shuffle:
            self._arrays = self._opened()

    def _opened(self) -> Mapping[str, NDArray[np.float32]]:
        if self._shuffle and self._at_file == 0:
            self._asked.chance.shuffle(self._order)
        arrays = read_arrays(self._files[self._order[self._at_file]], tuple(self._asked.message.top))
        if self._shuffle:
            rows = self._asked.chance.permutation(len(next(iter(arrays.values()))))
            arrays = {name: array[rows] for name, array in arrays.items()}
        return arrays


def read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
    """Return the datasets ``names`` of an HDF5 file.

    Raises:
        DataError: it is no such file, lacks a dataset, or they differ in length or have none.
    """
    try:
        with h5py.File(path, "r") as file:
            arrays = {name: _array(file.get(name), name, path) for name in names}
    except DataError:
        raise
    except Exception as error:  # HDF5 raises anything on a file that was made to break it
        raise DataError(
            "This HDF5 file cannot be read.", where=str(path), hint=str(error).partition("\n")[0]
        ) from error
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) != 1 or not all(lengths.values()):
        words = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise DataError(f"The datasets must have the same number of rows: {words}.", where=str(path))
    return arrays


def _array(entry: Any, name: str, path: Path) -> NDArray[np.float32]:
    if not isinstance(entry, h5py.Dataset) or not entry.shape or entry.dtype.kind not in "fiu":
        raise DataError(
            f"The file has no dataset {name!r} of numbers.", where=str(path), hint="Tops are named as datasets."
        )
    if entry.nbytes > _MAX_BYTES or is_hollow(entry):
        raise DataError(f"Dataset {name!r} of shape {entry.shape} is too large.", where=str(path))
    with np.errstate(over="ignore"):  # a double beyond float32 becomes inf, as in Caffe
        return np.asarray(entry[()], np.float32)
