"""Weights and solver states from files of every form. The content says which form it is, never the name.

HDF5 begins with eight bytes of its own; text is what holds no control character; all else is taken for protobuf.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from digits.caffeproto import hdf5
from digits.caffeproto.caffemodel import read_caffemodel
from digits.caffeproto.states import SolverState, state_from_bytes
from digits.caffeproto.textweights import weights_from_text
from digits.core.errors import WeightsError

Form = Literal["hdf5", "text", "binary"]

_HEAD_BYTES = 4096
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r")) + b"\x7f"


def form_of(data: bytes) -> Form:
    """Return the form of a file that begins with ``data``."""
    head = data[:_HEAD_BYTES]
    if head.startswith(hdf5.MAGIC):
        return "hdf5"
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
        case "text":
            return weights_from_text(data.decode(errors="replace"), where=str(path))
        case "binary":
            return read_caffemodel(data, where=str(path))


def read_state_file(path: Path) -> SolverState:
    """Return the solver state in a file.

    Raises:
        WeightsError: there is no such file, or it holds no solver state.
    """
    form, data = _read(path)
    return hdf5.read_state(path) if form == "hdf5" else state_from_bytes(data, where=str(path))


def _read(path: Path) -> tuple[Form, bytes]:
    """Return the form of a file and its bytes; HDF5 reads its file itself."""
    try:
        if not path.is_file():
            raise WeightsError("There is no such file.", where=str(path))
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            form = form_of(head)
            data = head if form == "hdf5" else head + file.read()
    except OSError as error:
        raise WeightsError(f"The file cannot be read: {error.strerror}.", where=str(path)) from error
    if not data:
        raise WeightsError("The file is empty.", where=str(path))
    return form, data
