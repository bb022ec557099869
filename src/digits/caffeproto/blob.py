"""Blobs as numpy arrays, of every form found in files: float or double, packed or not, old 4-number shapes, NVCaffe's raw bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.caffeproto import caffe_pb2, limits
from digits.core.errors import WeightsError

_RAW_DTYPES = {
    caffe_pb2.DOUBLE: "<f8",
    caffe_pb2.FLOAT: "<f4",
    caffe_pb2.FLOAT16: "<f2",
    caffe_pb2.INT: "<i4",
    caffe_pb2.UINT: "<u4",
    caffe_pb2.BOOL: "?",
}
_PACKED_DATA = bytes([caffe_pb2.BlobProto.DATA_FIELD_NUMBER << 3 | 2])  # wire type 2: bytes of a length that is said


def blob_shape(blob: caffe_pb2.BlobProto) -> tuple[int, ...]:
    """Return the shape; an old blob has four numbers (num, channels, height, width)."""
    if any(blob.HasField(name) for name in ("num", "channels", "height", "width")):
        return blob.num, blob.channels, blob.height, blob.width
    return tuple(blob.shape.dim)


def blob_to_array(blob: caffe_pb2.BlobProto, *, where: str = "") -> NDArray[np.float32]:
    """Return the values of a blob.

    Raises:
        WeightsError: the number of values is not that of the shape, or the shape is absurd.
    """
    shape = blob_shape(blob)
    values: Any
    if blob.double_data:
        values = np.asarray(blob.double_data, dtype=np.float64)
    elif blob.data:
        values = np.asarray(blob.data, dtype=np.float32)
    else:
        dtype = np.dtype(_RAW_DTYPES[blob.raw_data_type if blob.HasField("raw_data_type") else caffe_pb2.FLOAT])
        if len(blob.raw_data) % dtype.itemsize:
            raise WeightsError(f"A blob's {len(blob.raw_data)} raw bytes are no whole number of values.", where=where)
        values = np.frombuffer(blob.raw_data, dtype)
    count = 1
    for size in shape:
        count *= size
    if any(size < 0 for size in shape) or count > limits.MAX_BLOB_ELEMENTS:
        raise WeightsError(f"A blob of shape {shape} cannot be.", where=where)
    if count != values.size:
        raise WeightsError(f"A blob of shape {shape} needs {count} values and has {values.size}.", where=where)
    with np.errstate(over="ignore"):  # a double beyond float32 becomes inf, as in Caffe
        return np.array(values, dtype=np.float32).reshape(shape)  # not ascontiguousarray, which makes () a (1,)


def array_to_blob(array: NDArray[Any]) -> caffe_pb2.BlobProto:
    """Return a blob with the float32 values of ``array`` and its shape, as BVLC Caffe writes it.

    The values go in as the bytes that stand in a file: one by one, as protobuf's Python takes them, AlexNet's need 12 seconds.
    """
    values = np.ascontiguousarray(array, dtype="<f4").tobytes()
    blob = caffe_pb2.BlobProto()
    if values:
        blob.MergeFromString(b"".join((_PACKED_DATA, _varint(len(values)), values)))
    blob.shape.dim.extend(array.shape)
    return blob


def _varint(number: int) -> bytes:
    """Return a number as protobuf writes it: seven bits a byte, the lowest first."""
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
