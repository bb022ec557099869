"""The file of an ``HDF5Output`` layer: datasets "data" and "label", a row for each picture that went through.

Real Caffe stops at the second pass; here each pass adds its rows, so that ``digits caffe test`` writes the features of a whole set.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from digits.core.errors import DataError, SetupError
from digits.networks.caffe.net import CaffeNet
from digits.networks.layers.hdf5_output import HDF5Output

_ROWS = 256  # that lie together in the file


class OutputFile:
    """Begun anew at the first pass, and closed after each."""

    def __init__(self, path: Path) -> None:
        self._path, self._mode = path, "w"

    def add(self, data: NDArray[np.float32], label: NDArray[np.float32]) -> None:
        """Write the rows of one pass.

        Raises:
            SetupError: the file cannot be written.
            DataError: the rows have another shape than those before.
        """
        try:
            with h5py.File(self._path, self._mode) as file:
                for name, rows in (("data", data), ("label", label)):
                    _append(file, name, rows, self._path)
        except OSError as error:
            words = str(error).partition("\n")[0]
            raise SetupError(
                f"HDF5Output cannot write its file: {words}.", where=str(self._path), hint="Is its folder there?"
            ) from error
        self._mode = "a"


class OutputFiles:
    """Those of one network; relative paths begin at the working folder, as in Caffe."""

    def __init__(self) -> None:
        self._files: dict[str, OutputFile] = {}

    def attach(self, net: CaffeNet) -> CaffeNet:
        """Let a network's HDF5Output layers write, and return it."""
        for module in net.module.modules():
            if isinstance(module, HDF5Output) and module.file_name:
                file = self._files.setdefault(module.file_name, OutputFile(Path(module.file_name)))
                module.sink = lambda data, label, file=file: file.add(_array(data), _array(label))
        return net


def _append(file: h5py.File, name: str, rows: NDArray[np.float32], path: Path) -> None:
    held = file.get(name)
    if held is None:
        chunks = (_ROWS, *rows.shape[1:])
        file.create_dataset(name, data=rows, maxshape=(None, *rows.shape[1:]), chunks=chunks)
        return
    if held.shape[1:] != rows.shape[1:]:
        words = f"HDF5Output gets {name} of {rows.shape[1:]} after rows of {held.shape[1:]}."
        raise DataError(words, where=str(path))
    held.resize(len(held) + len(rows), axis=0)
    held[-len(rows) :] = rows


def _array(blob: Tensor) -> NDArray[np.float32]:
    return np.asarray(blob.cpu().numpy(), np.float32)
