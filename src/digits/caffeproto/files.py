"""Weights and solver states from files of every form. The content says which form it is, never the name.

HDF5 begins with eight bytes of its own; safetensors (a snapshot of a training here) with the length of a JSON object and that object; text
is what holds no control character; all else is taken for protobuf.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from digits.caffeproto import hdf5
from digits.caffeproto.caffemodel import read_caffemodel
from digits.caffeproto.glance import glance
from digits.caffeproto.states import SolverState, state_from_bytes
from digits.caffeproto.textweights import weights_from_text
from digits.core.errors import WeightsError

Form = Literal["hdf5", "safetensors", "text", "binary"]

_HEAD_BYTES = 4096
_MOST_HEADER_BYTES = 100_000_000
_BLOB_NAME = re.compile(r".*:\d{1,6}", re.DOTALL)
_SMALL_TEXT_BYTES = 1 << 20
"""A definition that is given for weights is smaller; this much text is read through in a second."""
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r")) + b"\x7f"


def form_of(data: bytes) -> Form:
    """Return the form of a file that begins with ``data``."""
    head = data[:_HEAD_BYTES]
    if head.startswith(hdf5.MAGIC):
        return "hdf5"
    if head[8:10] == b'{"' and 2 <= int.from_bytes(head[:8], "little") < _MOST_HEADER_BYTES:
        return "safetensors"
    if head.translate(None, _CONTROL) != head or not head.strip():
        return "binary"
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return "text" if error.end == len(head) == _HEAD_BYTES else "binary"  # a letter may be cut at the end
    return "text"


def read_weights_file(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a weight file by "<layer name>:<blob index>".

    Raises:
        WeightsError: there is no such file, it is none of weights, or it is a definition without weights.
    """
    form, data = _read(path)
    match form:
        case "hdf5":
            return hdf5.read_weights(path)
        case "safetensors":
            return _from_safetensors(data, where=str(path))
        case "text":
            return weights_from_text(data.decode(errors="replace"), where=str(path))
        case "binary":
            return read_caffemodel(data, where=str(path))


def check_weights_file(path: Path) -> None:
    """Do nothing if ``path`` looks like weights: little of a large file is read.

    Raises:
        WeightsError: there is no such file, it is none of weights, or it is a definition without weights.
    """
    form, size = _begins(path)
    if form == "binary":
        glance(path, size)
    elif form == "text" and size <= _SMALL_TEXT_BYTES:
        weights_from_text(path.read_text("utf-8", "replace"), where=str(path))


def read_state_file(path: Path) -> SolverState:
    """Return the solver state in a file.

    Raises:
        WeightsError: there is no such file, or it holds no solver state.
    """
    form, data = _read(path)
    return hdf5.read_state(path) if form == "hdf5" else state_from_bytes(data, where=str(path))


def _from_safetensors(data: bytes, *, where: str) -> dict[str, NDArray[np.float32]]:
    try:
        found = safetensors.numpy.load(data)
    except (safetensors.SafetensorError, KeyError, ValueError) as error:
        raise WeightsError(f"This is no file of weights: {error}.", where=where) from error
    if strange := next((name for name in found if not _BLOB_NAME.fullmatch(name)), None):
        raise WeightsError(
            f"This file is of no Caffe network: its array {strange[:80]!r} is not named as <layer>:<number>.",
            where=where,
        )
    return {name: np.asarray(array, np.float32) for name, array in found.items()}


def _read(path: Path) -> tuple[Form, bytes]:
    """Return the form of a file and its bytes; HDF5 reads its file itself."""
    form, _ = _begins(path)
    try:
        return form, b"" if form == "hdf5" else path.read_bytes()
    except OSError as error:
        raise WeightsError(f"The file cannot be read: {error.strerror}.", where=str(path)) from error


def _begins(path: Path) -> tuple[Form, int]:
    """Return the form of a file and its size in bytes."""
    try:
        if not path.is_file():
            raise WeightsError("There is no such file.", where=str(path))
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            size = file.seek(0, 2)
    except OSError as error:
        raise WeightsError(f"The file cannot be read: {error.strerror}.", where=str(path)) from error
    if not head:
        raise WeightsError("The file is empty.", where=str(path))
    return form_of(head), size
