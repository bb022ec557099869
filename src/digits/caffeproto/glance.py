"""A look at a binary weight file that reads only where its layers begin: enough to tell weights from anything else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO

from digits.core.errors import WeightsError

Fields = Mapping[int, "Fields"]
_WEIGHTS: Fields = {100: {7: {}}, 2: {6: {}, 1: {50: {}}}}
"""Field numbers on the way to blobs: NetParameter.layer.blobs; .layers.blobs of V1; .layers.layer.blobs of V0."""
_STRING, _VARINT = 2, 0
_FIXED_BYTES = {1: 8, 5: 4}
_MOST_FIELDS = 200_000


def glance(path: Path, size: int) -> None:
    """Do nothing if the file is a NetParameter with a layer that has blobs.

    Raises:
        WeightsError: it is no protobuf message of that shape, or no layer has weights.
    """
    with path.open("rb") as file:
        found = _walk(file, size, path, _WEIGHTS)
    if not found:
        raise WeightsError("No layer in this file has weights.", where=str(path))


def _walk(file: IO[bytes], end: int, path: Path, wanted: Fields) -> bool:
    """Return whether the message that ends at ``end`` has a field at the end of one of the ways in ``wanted``; it stops at the first."""
    for _ in range(_MOST_FIELDS):
        if file.tell() >= end:
            return False
        tag = _varint(file, path)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            _varint(file, path)
        elif kind in _FIXED_BYTES:
            file.seek(_FIXED_BYTES[kind], 1)
        elif kind == _STRING and number:
            length = _varint(file, path)
            stop = file.tell() + length
            if stop > end:
                raise _broken(path)
            if number in wanted and (not wanted[number] or _walk(file, stop, path, wanted[number])):
                return True
            file.seek(stop)
        else:
            raise _broken(path)
    return True


def _varint(file: IO[bytes], path: Path) -> int:
    value = shift = 0
    while byte := file.read(1):
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
        shift += 7
        if shift > 63:
            break
    raise _broken(path)


def _broken(path: Path) -> WeightsError:
    return WeightsError("This is no Caffe weight file.", where=str(path), hint="The file may be cut short.")
