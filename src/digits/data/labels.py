"""Labels that are arrays, as records: masks and pictures as uint8, numbers as float32, each a ``Datum`` beside its picture's.

Legend: HW, HWC = height, width, channels of uint8; n numbers; [c, h, w] a block of numbers as Caffe lays it out.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from digits.caffeproto import caffe_pb2
from digits.core.errors import DataError
from digits.data.contenthash import picture_digest
from digits.data.databases import datum_pixels, encode
from digits.data.reader import TargetKind
from digits.data.records import Datum, read_datum, write_datum

LabelEncoding = Literal["png", "none"]
_PIXEL_KINDS = ("mask", "image")


def label_record(label: NDArray[Any], encoding: LabelEncoding) -> bytes:
    """Return a label as a record: uint8 [H, W] or [H, W, C] with ``encoding``, float32 [n], [h, w] or [c, h, w] as they are."""
    if label.dtype == np.uint8:
        label_HWC = label if label.ndim == 3 else label[:, :, None]
        height, width, channels = label_HWC.shape
        used = encoding if channels in (1, 3) else "none"
        return write_datum(Datum(channels, height, width, encode(label_HWC, used), 0, used != "none"))
    assert label.dtype == np.float32, label.dtype
    channels, height, width = (len(label), 1, 1) if label.ndim == 1 else (1, *label.shape)[-3:]
    values = label.ravel().tolist()
    return caffe_pb2.Datum(channels=channels, height=height, width=width, float_data=values).SerializeToString()


def datum_label(record: bytes, kind: TargetKind) -> NDArray[Any]:
    """Return the label in a record, shaped as :func:`label_record` took it.

    Raises:
        DataError: it is no Datum.
        ValueError: it has not as many values as it says.
    """
    if kind in _PIXEL_KINDS:
        label_HWC = datum_pixels(read_datum(record))
        return label_HWC[:, :, 0] if kind == "mask" else label_HWC
    try:
        found = caffe_pb2.Datum.FromString(record)
    except DecodeError:
        raise DataError("The record is no Datum.", rule="RECORD_BROKEN") from None
    if found.float_data:
        block = np.array(found.float_data, np.float32).reshape(found.channels, found.height, found.width)
    else:  # as others write small numbers: a byte each
        block = datum_pixels(read_datum(record)).transpose(2, 0, 1).astype(np.float32)
    if kind == "vector":
        return block.reshape(-1)
    return block[0] if len(block) == 1 else block


def label_digest(label: NDArray[Any]) -> bytes:
    """Return the digest of a label: of its values and its shape."""
    if label.dtype == np.uint8:
        return picture_digest(label if label.ndim == 3 else label[:, :, None])
    found = hashlib.sha256(b"float32 %b\n" % " ".join(map(str, label.shape)).encode())
    found.update(np.ascontiguousarray(label, "<f4").data)
    return found.digest()
