"""The curves once more as TensorBoard's event files, in ``tb/`` of the job folder: ``tensorboard --logdir <jobs>`` shows them.

An event file is TFRecords: length (uint64), its masked CRC-32C, a message ``Event`` of ``tensorflow/core/util/event.proto``, the CRC of that.
Of ``Event`` four fields are written: wall_time = 1, step = 2, file_version = 3, summary = 5 (of values with tag = 1 and simple_value = 2),
and session_log = 7, whose START tells TensorBoard to forget what it read before.
"""

from __future__ import annotations

import math
import platform
import shutil
import struct
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO

from digits.core.metrics import RECORD, MetricsWriter, series_file, series_names

FOLDER = "tb"
_DOUBLE, _BYTES, _FLOAT, _INT = 1, 2, 5, 0
_START = 1


class TensorBoardMetrics(MetricsWriter):
    """Keeps ``folder`` as ever, and the same points below ``tb``: what a resumed training cuts off is gone there too."""

    def __init__(self, folder: Path, tb: Path) -> None:
        super().__init__(folder)
        self._tb = tb
        self._file: BinaryIO | None = None

    def append(self, name: str, *, step: int, epoch: float, value: float) -> None:
        """Append one point of series ``name`` to both."""
        if self._file is None:
            self._file = self._begin()
        super().append(name, step=step, epoch=epoch, value=value)
        self._file.write(record(scalar(name, step, value, time.time())))
        self._file.flush()

    def close(self) -> None:
        """Close all files."""
        super().close()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> BinaryIO:
        """Write an event file of all points there are, in the order in which they came, and leave it open."""
        shutil.rmtree(self._tb, ignore_errors=True)
        self._tb.mkdir(parents=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{platform.node() or 'localhost'}"
        file = (self._tb / name).open("xb")
        file.write(record(_double(1, time.time()) + _text(3, "brain.Event:2")))
        file.write(record(_double(1, time.time()) + _text(7, _number(1, _START))))
        for moment, series, step, value in sorted(self._kept()):
            file.write(record(scalar(series, step, value, moment)))
        return file

    def _kept(self) -> Iterator[tuple[float, str, int, float]]:
        for name in series_names(self._folder):
            points = series_file(self._folder, name).read_bytes()
            for step, _, moment, value in RECORD.iter_unpack(points[: len(points) // RECORD.size * RECORD.size]):
                yield moment, name, step, value


def scalar(tag: str, step: int, value: float, wall_time: float) -> bytes:
    """Return the ``Event`` of one value of a curve."""
    summary = _text(1, tag) + _key(2, _FLOAT) + struct.pack("<f", _as_float32(value))
    return _double(1, wall_time) + _number(2, step) + _text(5, _text(1, summary))


def record(data: bytes) -> bytes:
    """Return ``data`` as a TFRecord."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def _masked(data: bytes) -> bytes:
    """Return the CRC-32C (Castagnoli, reflected) of ``data``, turned by 15 bits and masked, as TFRecords have it."""
    table, crc = _crc_table(), 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


@cache
def _crc_table() -> tuple[int, ...]:
    found = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        found.append(value)
    return tuple(found)


def _as_float32(value: float) -> float:
    """Return a value that a float32 can hold: infinity where it is too large."""
    largest = 3.4028234663852886e38
    return value if not abs(value) > largest else math.copysign(math.inf, value)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _number(field: int, value: int) -> bytes:
    return _key(field, _INT) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _key(field, _DOUBLE) + struct.pack("<d", value)


def _text(field: int, value: str | bytes) -> bytes:
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    return _key(field, _BYTES) + _varint(len(data)) + data
