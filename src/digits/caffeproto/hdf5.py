"""Weights and solver states as HDF5: ``/data/<layer>/<i>``, and ``iter``, ``learned_net``, ``current_step``, ``/history/<i>``.

A layer's name that holds "/" makes nested groups, as HDF5 understands such a name (real Caffe cannot write them at all). Files come from
anybody: links to other files are not followed, and an array is not given more memory than its bytes on disk can fill.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from digits.caffeproto import limits
from digits.caffeproto.states import SolverState
from digits.core.errors import WeightsError

MAGIC = b"\x89HDF\r\n\x1a\n"
_MOST_COMPRESSED = 1100  # deflate makes no more of a byte


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a ``.caffemodel.h5`` by "<layer name>:<blob index>".

    Raises:
        WeightsError: the file holds no weights, or cannot be read.
    """
    with _opened(path) as file:
        group = _group(file, "data", path)
        found: dict[tuple[str, int], NDArray[np.float32]] = {}
        for name, dataset in _datasets(group, path):
            layer, _, index = name.rpartition("/")
            if not layer or not index.isdecimal():
                raise WeightsError(f"/data/{name[:100]} is no blob of a layer.", where=str(path))
            found[layer, int(index)] = _array(dataset, path)
    return {f"{layer}:{index}": array for (layer, index), array in sorted(found.items())}


def weights_bytes(weights: Mapping[str, NDArray[Any]]) -> bytes:
    """Return a ``.caffemodel.h5`` of arrays by "<layer name>:<blob index>"."""
    with _written() as (file, written):
        file.create_group("data")
        for name, array in weights.items():
            layer, _, index = name.rpartition(":")
            file.create_dataset(f"data/{layer.strip('/')}/{index}", data=np.asarray(array, np.float32))
    return written()


def read_state(path: Path) -> SolverState:
    """Return what is in a ``.solverstate.h5``.

    Raises:
        WeightsError: the file holds no solver state, or cannot be read.
    """
    with _opened(path) as file:
        group = _group(file, "history", path)
        blobs: dict[int, NDArray[np.float32]] = {}
        for name, dataset in _datasets(group, path):
            if not name.isdecimal():
                raise WeightsError(f"/history/{name[:100]} is no blob.", where=str(path))
            blobs[int(name)] = _array(dataset, path)
        return SolverState(
            iteration=_number(file, "iter", path),
            history=tuple(blobs[index] for index in sorted(blobs)),
            learned_net=_text(file, "learned_net"),
            current_step=_number(file, "current_step", path),
        )


def state_bytes(state: SolverState) -> bytes:
    """Return a ``.solverstate.h5``."""
    with _written() as (file, written):
        file["iter"] = np.array([state.iteration], np.int32)
        file["learned_net"] = np.bytes_(state.learned_net.encode() + b"\0")
        file["current_step"] = np.array([state.current_step], np.int32)
        file.create_group("history")
        for index, blob in enumerate(state.history):
            file.create_dataset(f"history/{index}", data=np.asarray(blob, np.float32))
    return written()


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    try:
        with h5py.File(path, "r") as file:
            yield file
    except WeightsError:
        raise
    except Exception as error:  # HDF5 raises anything on a file that was made to break it
        first = str(error).partition("\n")[0]
        raise WeightsError("This HDF5 file cannot be read.", where=str(path), hint=f"HDF5 says: {first}.") from error


@contextmanager
def _written() -> Iterator[tuple[h5py.File, Callable[[], bytes]]]:
    """Give an open file, and what returns its bytes once the block has ended."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        yield file, buffer.getvalue


def _group(file: h5py.File, name: str, path: Path) -> h5py.Group:
    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink) or not isinstance(file[name], h5py.Group):
        hint = "Weights have a group 'data', solver states one named 'history'."
        raise WeightsError(f"The HDF5 file has no group {name!r}.", where=str(path), hint=hint)
    return file[name]


def _datasets(group: h5py.Group, path: Path) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield all datasets below ``group`` by path; a walk of HDF5's own follows no soft and no external link."""
    found: list[str] = []

    def visit(name: str | bytes) -> bool | None:
        found.append(name if isinstance(name, str) else name.decode(errors="replace"))
        return True if len(found) > 4 * limits.MAX_LAYERS else None  # anything but None ends the walk

    if group.visit(visit):
        raise WeightsError(f"There are more than {4 * limits.MAX_LAYERS:,} entries.", where=str(path))
    for name in found:
        if isinstance(entry := group[name], h5py.Dataset):
            yield name, entry


def _array(dataset: h5py.Dataset, path: Path) -> NDArray[np.float32]:
    where = f"{path}, {dataset.name}"
    if dataset.is_virtual or dataset.external or dataset.dtype.kind not in "fiu" or dataset.shape is None:
        raise WeightsError("An array of numbers in this file is wanted.", where=where)
    if dataset.size > limits.MAX_BLOB_ELEMENTS:
        raise WeightsError(f"A blob of shape {dataset.shape} cannot be.", where=where)
    if is_hollow(dataset):
        raise WeightsError(f"A blob of shape {dataset.shape} has too few bytes in the file.", where=where)
    with np.errstate(over="ignore"):  # a double beyond float32 becomes inf, as in Caffe
        return np.asarray(dataset[()], dtype=np.float32)


def is_hollow(dataset: h5py.Dataset) -> bool:
    """Whether a dataset claims more values than its bytes in the file can make, to take all memory there is."""
    return bool(dataset.nbytes > _MOST_COMPRESSED * dataset.id.get_storage_size())


def _number(file: h5py.File, name: str, path: Path) -> int:
    entry = file.get(name)
    if not isinstance(entry, h5py.Dataset) or entry.size != 1 or entry.dtype.kind not in "iu":
        raise WeightsError(f"The solver state has no number {name!r}.", where=str(path))
    return int(np.asarray(entry[()]).ravel()[0])


def _text(file: h5py.File, name: str) -> str:
    entry = file.get(name)
    value = entry[()] if isinstance(entry, h5py.Dataset) and entry.shape == () else b""
    return value.decode(errors="replace").rstrip("\0") if isinstance(value, bytes) else str(value)
