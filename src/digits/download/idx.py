"""The idx format of MNIST's files: a magic number, the sizes, then the bytes; gzip around it or not.

Source: http://yann.lecun.com/exdb/mnist, "FILE FORMATS FOR THE MNIST DATABASE".
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError

UINT8 = 0x08


def unpack(data: bytes, *, max_bytes: int, where: str = "") -> bytes:
    """Return ``data`` without gzip around it, as far as it has any.

    Raises:
        DataError: it is broken, or holds more than ``max_bytes``.
    """
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            plain = file.read(max_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"The gzip file is broken: {error}.", where=where) from error
    if len(plain) > max_bytes:
        raise DataError(f"It unpacks to more than the {max_bytes:,} bytes that it should hold.", where=where)
    return plain


def parse(data: bytes, *, where: str = "") -> NDArray[np.uint8]:
    """Return the array of unsigned bytes in an idx file: [N] for labels, [N, H, W] for pictures.

    Raises:
        DataError: it is not idx, not of unsigned bytes, or not as long as its head says.
    """
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != UINT8 or not 1 <= data[3] <= 4:
        raise DataError("This is no idx file of unsigned bytes.", where=where)
    num_dimensions = data[3]
    head = 4 + 4 * num_dimensions
    if len(data) < head:
        raise DataError("The idx file ends within its head.", where=where)
    shape = struct.unpack(f">{num_dimensions}I", data[4:head])
    expected = head + int(np.prod(shape, dtype=object))
    if len(data) != expected:
        raise DataError(f"The idx file has {len(data):,} bytes; its head promises {expected:,}.", where=where)
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)
