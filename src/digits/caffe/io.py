"""``caffe.io``: pictures to arrays and back, arrays to Caffe's messages and back, with pycaffe's names and numbers.

Pictures are float32 (H, W, channels), RGB, from 0 to 1. Legend: HWC = height, width, channels; CHW as Caffe has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from digits.caffeproto import caffe_pb2
from digits.caffeproto.blob import array_to_blob, blob_to_array
from digits.core.errors import DataError
from digits.data.decode import decode
from digits.data.images import to_channels

Array = NDArray[np.float32]
_INTERPOLATIONS = {0: cv2.INTER_NEAREST, 1: cv2.INTER_LINEAR, 2: cv2.INTER_CUBIC, 3: cv2.INTER_CUBIC}


def load_image(filename: str | Path, color: bool = True) -> Array:
    """Return a picture as (H, W, 3), or (H, W, 1) without ``color``, from 0 to 1.

    Raises:
        DataError: it cannot be read.
    """
    try:
        data = Path(filename).read_bytes()
    except OSError as error:
        raise DataError(f"The picture cannot be read: {error.strerror}.", where=str(filename)) from error
    image_HWC = to_channels(decode(data).image_HWC, 3 if color else 1)
    return image_HWC.astype(np.float32) / np.float32(255)


def resize_image(im: ArrayLike, new_dims: Sequence[int], interp_order: int = 1) -> Array:
    """Return a picture of any number of channels at (height, width) = ``new_dims``; each pixel is interpolated, none averaged.

    Args:
        im: (H, W, channels).
        new_dims: height and width.
        interp_order: 0 the nearest pixel, 1 linear, 3 cubic.
    """
    image_HWC = np.ascontiguousarray(im, np.float32)
    height, width = (int(size) for size in new_dims[:2])
    if image_HWC.shape[:2] == (height, width):
        return image_HWC.copy()
    how = _INTERPOLATIONS.get(interp_order, cv2.INTER_LANCZOS4)
    planes = [
        cv2.resize(np.ascontiguousarray(image_HWC[:, :, channel]), (width, height), interpolation=how)
        for channel in range(image_HWC.shape[2])
    ]
    return np.asarray(np.stack(planes, axis=-1), np.float32)


def oversample(images: Iterable[ArrayLike], crop_dims: Sequence[int]) -> Array:
    """Return ten crops of each picture: four corners, the centre, and the mirrors of these five.

    Args:
        images: (H, W, channels), all of one size.
        crop_dims: height and width of a crop.
    """
    whole = [np.asarray(image, np.float32) for image in images]
    height, width = whole[0].shape[:2]
    crop_h, crop_w = (int(size) for size in crop_dims)
    corners = [(top, left) for top in (0, height - crop_h) for left in (0, width - crop_w)]
    places = [*corners, ((height - crop_h) // 2, (width - crop_w) // 2)]
    crops = []
    for image_HWC in whole:
        five = [image_HWC[top : top + crop_h, left : left + crop_w] for top, left in places]
        crops += [*five, *(crop[:, ::-1] for crop in five)]
    return np.stack(crops)


class Transformer:
    """From pictures to inputs of a network, each step only where it is set: resize, transpose, swap channels, scale, mean, scale.

    Args:
        inputs: shapes of the inputs by name, (N, C, H, W).
    """

    def __init__(self, inputs: Mapping[str, Sequence[int]]) -> None:
        self.inputs = {name: tuple(shape) for name, shape in inputs.items()}
        self.transpose: dict[str, Sequence[int]] = {}
        self.channel_swap: dict[str, Sequence[int]] = {}
        self.raw_scale: dict[str, float] = {}
        self.mean: dict[str, Array] = {}
        self.input_scale: dict[str, float] = {}

    def preprocess(self, in_: str, data: ArrayLike) -> Array:
        """Return a picture (H, W, channels) as the network takes it (C, H, W)."""
        self._check(in_)
        image = np.asarray(data, np.float32)
        size = self.inputs[in_][2:]
        if image.shape[:2] != size:
            image = resize_image(image, size)
        if in_ in self.transpose:
            image = image.transpose(self.transpose[in_])
        if in_ in self.channel_swap:
            image = image[list(self.channel_swap[in_])]
        if in_ in self.raw_scale:
            image = image * np.float32(self.raw_scale[in_])
        if in_ in self.mean:
            image = image - self.mean[in_]
        if in_ in self.input_scale:
            image = image * np.float32(self.input_scale[in_])
        return np.asarray(image, np.float32)

    def deprocess(self, in_: str, data: ArrayLike) -> Array:
        """Return an input of the network as a picture: ``preprocess`` the other way round, without the resizing."""
        self._check(in_)
        image = np.array(data, np.float32).squeeze()
        if in_ in self.input_scale:
            image /= self.input_scale[in_]
        if in_ in self.mean:
            image += self.mean[in_]
        if in_ in self.raw_scale:
            image /= self.raw_scale[in_]
        if in_ in self.channel_swap:
            image = image[np.argsort(self.channel_swap[in_])]
        if in_ in self.transpose:
            image = image.transpose(np.argsort(self.transpose[in_]))
        return image

    def set_transpose(self, in_: str, order: Sequence[int]) -> None:
        """Set the order of axes: (2, 0, 1) makes (C, H, W) of (H, W, C)."""
        self._check(in_)
        if len(order) != len(self.inputs[in_]) - 1:
            raise ValueError("Transpose order needs to have the same number of dimensions as the input.")
        self.transpose[in_] = order

    def set_channel_swap(self, in_: str, order: Sequence[int]) -> None:
        """Set the order of channels: (2, 1, 0) makes BGR of RGB."""
        self._check(in_)
        if len(order) != self.inputs[in_][1]:
            raise ValueError("Channel swap needs to have the same number of dimensions as the input channels.")
        self.channel_swap[in_] = order

    def set_raw_scale(self, in_: str, scale: float) -> None:
        """Set the factor before the mean: 255 for pictures from 0 to 1 and a mean from 0 to 255."""
        self._check(in_)
        self.raw_scale[in_] = scale

    def set_mean(self, in_: str, mean: ArrayLike) -> None:
        """Set what is taken off: one number a channel, or a picture (C, H, W), which is resized where it has another size."""
        self._check(in_)
        values = np.asarray(mean, np.float32)
        shape = self.inputs[in_]
        if values.ndim == 1:
            if values.shape[0] not in (1, shape[1]):
                raise ValueError("Mean channels incompatible with input.")
            values = values[:, None, None]
        else:
            if values.ndim == 2:
                values = values[None]
            if values.ndim != 3 or values.shape[0] not in (1, shape[1]):
                raise ValueError("Mean shape incompatible with input shape.")
            if values.shape[1:] != shape[2:]:
                values = resize_image(values.transpose(1, 2, 0), shape[2:]).transpose(2, 0, 1)
        self.mean[in_] = values

    def set_input_scale(self, in_: str, scale: float) -> None:
        """Set the factor after the mean."""
        self._check(in_)
        self.input_scale[in_] = scale

    def _check(self, in_: str) -> None:
        if in_ not in self.inputs:
            raise ValueError(f"{in_} is not one of the net inputs: {sorted(self.inputs)}")


def blobproto_to_array(blob: caffe_pb2.BlobProto, return_diff: bool = False) -> Array:
    """Return the values of a blob, or its ``diff``."""
    if not return_diff:
        return blob_to_array(blob)
    swapped = caffe_pb2.BlobProto()
    swapped.CopyFrom(blob)
    swapped.data[:], swapped.double_data[:] = blob.diff, blob.double_diff
    return blob_to_array(swapped)


def array_to_blobproto(arr: ArrayLike, diff: ArrayLike | None = None) -> caffe_pb2.BlobProto:
    """Return a blob with the values of ``arr``, and a ``diff``."""
    blob = array_to_blob(np.asarray(arr))
    if diff is not None:
        blob.diff.extend(np.asarray(diff, np.float32).ravel())
    return blob


def arraylist_to_blobprotovector_str(arraylist: Iterable[ArrayLike]) -> bytes:
    """Return the bytes of a BlobProtoVector of arrays."""
    return caffe_pb2.BlobProtoVector(blobs=[array_to_blobproto(each) for each in arraylist]).SerializeToString()


def blobprotovector_str_to_arraylist(text: bytes) -> list[Array]:
    """Return the arrays in the bytes of a BlobProtoVector."""
    return [blobproto_to_array(blob) for blob in caffe_pb2.BlobProtoVector.FromString(text).blobs]


def array_to_datum(arr: ArrayLike, label: int | None = None) -> caffe_pb2.Datum:
    """Return a record of a picture (C, H, W): bytes of uint8, else floats.

    Raises:
        ValueError: it has not 3 axes.
    """
    array = np.asarray(arr)
    if array.ndim != 3:
        raise ValueError("Incorrect array shape.")
    datum = caffe_pb2.Datum(channels=array.shape[0], height=array.shape[1], width=array.shape[2])
    if array.dtype == np.uint8:
        datum.data = array.tobytes()
    else:
        datum.float_data.extend(array.astype(float).ravel())
    if label is not None:
        datum.label = label
    return datum


def datum_to_array(datum: caffe_pb2.Datum) -> NDArray[Any]:
    """Return the picture of a record that is not encoded, as (C, H, W)."""
    shape = (datum.channels, datum.height, datum.width)
    if len(datum.data):
        return np.frombuffer(datum.data, np.uint8).reshape(shape)
    return np.array(datum.float_data).astype(float).reshape(shape)
