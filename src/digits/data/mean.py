"""The mean picture of a training set: added up by any number of threads, kept as Caffe's ``mean.binaryproto`` and as a JPEG.

Legend: HWC = height, width, channels (RGB); CHW in Caffe's order of channels, BGR.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from digits.caffeproto import caffe_pb2
from digits.caffeproto.blob import array_to_blob, blob_to_array
from digits.core.errors import DataError, WeightsError
from digits.core.files import write_bytes
from digits.data.encode import encode_jpeg
from digits.data.images import visible

_FLUSH = 60_000  # sums of so many bytes are exact in float32, which adds twice as fast as float64


class MeanAccumulator:
    """Adds pictures of one shape; each thread adds to a sum of its own, so none waits for another."""

    def __init__(self, shape_HWC: tuple[int, int, int]) -> None:
        self._shape = shape_HWC
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._sums: list[_Sum] = []

    def add(self, image_HWC: NDArray[np.uint8]) -> None:
        """Add one picture. Sums are exact, so the order of pictures does not matter."""
        mine: _Sum | None = getattr(self._mine, "sum", None)
        if mine is None:
            mine = self._mine.sum = _Sum(self._shape)
            with self._lock:
                self._sums.append(mine)
        mine.add(image_HWC)

    def mean(self) -> NDArray[np.uint8]:
        """Return the mean, rounded; no thread may be adding.

        Raises:
            DataError: nothing was added.
        """
        total, count = self.total()
        if not count:
            raise DataError("There is no picture to take the mean of.")
        return np.asarray(np.around(total / count), np.uint8)

    def total(self) -> tuple[NDArray[np.float64], int]:
        """Return the sum of all pictures, exact, and their number; no thread may be adding."""
        total = np.zeros(self._shape, np.float64)
        for each in self._sums:
            total += each.flushed()
        return total, sum(each.count for each in self._sums)

    def add_total(self, total_HWC: NDArray[np.float64], count: int) -> None:
        """Add what :meth:`total` returned elsewhere."""
        added = _Sum(self._shape)
        added.add_total(total_HWC, count)
        with self._lock:
            self._sums.append(added)


class _Sum:
    """One thread's sum."""

    def __init__(self, shape_HWC: tuple[int, int, int]) -> None:
        self.count = 0
        self._recent = np.zeros(shape_HWC, np.float32)
        self._total = np.zeros(shape_HWC, np.float64)

    def add(self, image_HWC: NDArray[np.uint8]) -> None:
        height, width, channels = image_HWC.shape  # OpenCV adds up any number of values, and few channels
        cv2.accumulate(image_HWC.reshape(height, width * channels), self._recent.reshape(height, width * channels))
        self.count += 1
        if self.count % _FLUSH == 0:
            self.flushed()

    def add_total(self, total_HWC: NDArray[np.float64], count: int) -> None:
        self._total += total_HWC
        self.count += count

    def flushed(self) -> NDArray[np.float64]:
        """Return the sum of everything so far."""
        self._total += self._recent
        self._recent[:] = 0
        return self._total


def write_mean(folder: Path, mean_HWC: NDArray[np.uint8]) -> None:
    """Write ``mean.binaryproto`` (a BlobProto of 1×C×H×W floats, BGR where there are 3) and ``mean.jpg`` into ``folder``."""
    mean_CHW = (mean_HWC[:, :, ::-1] if mean_HWC.shape[2] == 3 else mean_HWC).transpose(2, 0, 1)
    blob = array_to_blob(mean_CHW)
    blob.ClearField("shape")  # four numbers instead, which all that read means know
    blob.num, (blob.channels, blob.height, blob.width) = 1, mean_CHW.shape
    write_bytes(folder / "mean.binaryproto", blob.SerializeToString())
    write_bytes(folder / "mean.jpg", encode_jpeg(visible(mean_HWC)))


def mean_facts(mean_HWC: NDArray[np.uint8]) -> dict[str, Any]:
    """Return what ``dataset.json`` says of a mean that was written: files, values per channel (BGR where there are 3), extremes."""
    ordered_HWC = mean_HWC[:, :, ::-1] if mean_HWC.shape[2] == 3 else mean_HWC
    per_channel = ordered_HWC.reshape(-1, mean_HWC.shape[2]).mean(axis=0)
    return {
        "file": "mean.binaryproto",
        "picture": "mean.jpg",
        "values": [round(float(value), 4) for value in per_channel],
        "min": int(mean_HWC.min()),
        "max": int(mean_HWC.max()),
        "std": round(float(mean_HWC.std()), 4),
    }


def read_mean(path: Path) -> NDArray[np.float32]:
    """Return the mean in a ``mean.binaryproto`` as CHW floats, BGR as Caffe has it.

    Raises:
        DataError: the file holds no mean picture.
    """
    blob = caffe_pb2.BlobProto()
    try:
        blob.ParseFromString(path.read_bytes())
        values = blob_to_array(blob)
    except (OSError, DecodeError, WeightsError) as error:
        raise DataError("This is no mean file.", where=str(path), hint=str(error)) from error
    if values.ndim == 4 and values.shape[0] == 1:
        values = values[0]
    if values.ndim != 3:
        raise DataError(f"A mean picture has 3 axes, not the shape {values.shape}.", where=str(path))
    return values
