"""The mean picture of a training set: added up by any number of threads, kept as Caffe's ``mean.binaryproto`` and as a JPEG.

Legend: HWC = height, width, channels (RGB); CHW in Caffe's order of channels, BGR.
"""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from digits.caffeproto import caffe_pb2
from digits.caffeproto.blob import blob_to_array
from digits.core.errors import DataError
from digits.core.files import write_bytes
from digits.data.encode import encode_jpeg


class MeanAccumulator:
    """Adds pictures of one shape; each thread adds to a sum of its own, so none waits for another."""

    def __init__(self, shape_HWC: tuple[int, int, int]) -> None:
        self._shape = shape_HWC
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._sums: list[NDArray[np.float64]] = []
        self._counts: list[list[int]] = []

    def add(self, image_HWC: NDArray[np.uint8]) -> None:
        """Add one picture. Sums are float64, exact up to 10^13 pictures, so their order does not matter."""
        if not hasattr(self._mine, "sum"):
            self._mine.sum, self._mine.count = np.zeros(self._shape, np.float64), [0]
            with self._lock:
                self._sums.append(self._mine.sum)
                self._counts.append(self._mine.count)
        cv2.accumulate(image_HWC, self._mine.sum)
        self._mine.count[0] += 1

    def mean(self) -> NDArray[np.uint8]:
        """Return the mean, rounded; no thread may be adding.

        Raises:
            DataError: nothing was added.
        """
        count = sum(each[0] for each in self._counts)
        if not count:
            raise DataError("There is no picture to take the mean of.")
        total = sum(self._sums, np.zeros(self._shape, np.float64))
        return np.asarray(np.around(total / count), np.uint8)


def write_mean(folder: Path, mean_HWC: NDArray[np.uint8]) -> None:
    """Write ``mean.binaryproto`` (a BlobProto of 1×C×H×W floats, BGR) and ``mean.jpg`` into ``folder``."""
    mean_CHW = mean_HWC[:, :, ::-1].transpose(2, 0, 1)
    blob = caffe_pb2.BlobProto(num=1, channels=mean_CHW.shape[0], height=mean_CHW.shape[1], width=mean_CHW.shape[2])
    blob.data.extend(mean_CHW.astype(np.float32).ravel().tolist())
    write_bytes(folder / "mean.binaryproto", blob.SerializeToString())
    write_bytes(folder / "mean.jpg", encode_jpeg(mean_HWC))


def read_mean(path: Path) -> NDArray[np.float32]:
    """Return the mean in a ``mean.binaryproto`` as CHW floats, BGR as Caffe has it.

    Raises:
        DataError: the file holds no mean picture.
    """
    blob = caffe_pb2.BlobProto()
    try:
        blob.ParseFromString(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise DataError("This is no mean file.", where=str(path), hint=str(error)) from error
    values = blob_to_array(blob, where=str(path))
    if values.ndim == 4 and values.shape[0] == 1:
        values = values[0]
    if values.ndim != 3:
        raise DataError(f"A mean picture has 3 axes, not the shape {values.shape}.", where=str(path))
    return values
