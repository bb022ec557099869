"""Weight files (``.caffemodel``): arrays by "layer:index", as Caffe's users know them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from google.protobuf.message import DecodeError, Message
from numpy.typing import NDArray

from digits.caffeproto import caffe_pb2
from digits.caffeproto.blob import array_to_blob, blob_to_array
from digits.caffeproto.text import without_source
from digits.core.errors import WeightsError

M = TypeVar("M", bound=Message)


def write_caffemodel(net: caffe_pb2.NetParameter, weights: Mapping[str, NDArray[Any]]) -> bytes:
    """Return a weight file of ``net`` that Caffe reads.

    Args:
        net: the network; its layers go into the file with their settings.
        weights: arrays by "<layer name>:<blob index>".
    """
    model = without_source(net)
    model.ClearField("state")
    for layer in model.layer:
        del layer.blobs[:]
        index = 0
        while (array := weights.get(f"{layer.name}:{index}")) is not None:
            layer.blobs.append(array_to_blob(array))
            index += 1
    return bytes(model.SerializeToString(deterministic=True))


def read_caffemodel(data: bytes, *, where: str = "") -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a weight file by "<layer name>:<blob index>", in the file's order.

    Old files (V1, V0) and NVCaffe's are read too. Shapes are as the file has them: an old one says every shape with four numbers.

    Raises:
        WeightsError: the bytes are no weight file, or a blob's values do not fit its shape.
    """
    model = read_message(data, caffe_pb2.WeightFile(), where=where, what="Caffe weight file")
    weights: dict[str, NDArray[np.float32]] = {}
    named = [(layer.name, layer.blobs) for layer in model.layer]
    for old in model.layers:
        nested = old.layer if old.HasField("layer") else None
        named.append((nested.name or old.name, nested.blobs) if nested else (old.name, old.blobs))
    for name, blobs in named:
        for index, blob in enumerate(blobs):
            weights[f"{name}:{index}"] = blob_to_array(blob, where=f"{where}, layer {name!r}".lstrip(", "))
    return weights


def read_message(data: bytes, message: M, *, where: str, what: str) -> M:
    """Fill ``message`` from bytes and return it.

    Raises:
        WeightsError: the bytes are no such message; ``what`` names it in the words.
    """
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise WeightsError(f"This is no {what}.", where=where, hint="The file may be cut short.") from error
    return message
