"""Event files for TensorBoard, read by protobuf's own runtime and, where it is installed, by TensorBoard itself."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from digits.training.tensorboard import TensorBoardMetrics, record

Point = tuple[str, int, float]
Kind = FieldDescriptorProto


def read_events(file: Path) -> list[Point]:
    """Return the points of an event file; fails where it is no chain of TFRecords of whole messages."""
    event, data, found = event_class(), file.read_bytes(), []
    while data:
        (length,) = struct.unpack_from("<Q", data)
        message = event.FromString(data[12 : 12 + length])
        assert record(data[12 : 12 + length]) == data[: 16 + length]
        found += [(value.tag, message.step, value.simple_value) for value in message.summary.value]
        data = data[16 + length :]
    return found


def event_class() -> Any:
    """Return the class of TensorFlow's ``Event``, those of its fields that curves need."""
    file = FileDescriptorProto(name="event.proto", package="t", syntax="proto3")
    for name, fields in {
        "Value": [("tag", 1, Kind.TYPE_STRING, ""), ("simple_value", 2, Kind.TYPE_FLOAT, "")],
        "Summary": [("value", 1, Kind.TYPE_MESSAGE, "Value")],
        "Event": [
            ("wall_time", 1, Kind.TYPE_DOUBLE, ""), ("step", 2, Kind.TYPE_INT64, ""),
            ("file_version", 3, Kind.TYPE_STRING, ""), ("summary", 5, Kind.TYPE_MESSAGE, "Summary"),
        ],
    }.items():  # fmt: skip
        message = DescriptorProto(name=name)
        for field, number, kind, of in fields:
            label = Kind.LABEL_REPEATED if field == "value" else Kind.LABEL_OPTIONAL
            message.field.add(name=field, number=number, type=kind, label=label, type_name=f".t.{of}" if of else None)
        file.message_type.append(message)
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("t.Event"))


@pytest.fixture
def writer(tmp_path: Path) -> TensorBoardMetrics:
    """Begin curves in an empty job folder."""
    return TensorBoardMetrics(tmp_path / "metrics", tmp_path / "tb")


def only_file(tmp_path: Path) -> Path:
    """Return the one event file there is."""
    (file,) = (tmp_path / "tb").iterdir()
    return file


def test_the_sum_of_a_record_is_the_castagnoli_crc() -> None:
    # The check value of CRC-32C of "123456789" is 0xE3069283; masked: turned right by 15, plus 0xa282ead8.
    crc = 0xE3069283
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

    assert record(b"123456789")[-4:] == struct.pack("<I", masked)


def test_every_point_is_in_the_event_file_with_its_step(writer: TensorBoardMetrics, tmp_path: Path) -> None:
    writer.append("loss/train", step=0, epoch=0.0, value=2.5)
    writer.append("accuracy/val", step=300, epoch=1.0, value=0.75)
    writer.append("loss/train", step=70_000, epoch=2.0, value=1e300)
    writer.append("loss/train", step=70_001, epoch=2.0, value=math.nan)
    writer.close()

    points = read_events(only_file(tmp_path))

    assert points[:3] == [("loss/train", 0, 2.5), ("accuracy/val", 300, 0.75), ("loss/train", 70_000, math.inf)]
    assert math.isnan(points[3][2])


def test_a_resumed_training_has_no_point_twice_and_none_that_was_cut_off(
    writer: TensorBoardMetrics, tmp_path: Path
) -> None:
    for step in range(10):
        writer.append("loss/train", step=step, epoch=step / 10, value=step)
    writer.append("loss/val", step=10, epoch=1, value=7.0)
    writer.close()

    again = TensorBoardMetrics(tmp_path / "metrics", tmp_path / "tb")
    again.cut({"loss/train": 6})
    again.append("loss/train", step=6, epoch=0.6, value=60.0)
    again.close()

    assert read_events(only_file(tmp_path)) == [
        *(("loss/train", step, float(step)) for step in range(6)), ("loss/train", 6, 60.0),
    ]  # fmt: skip


def test_tensorboard_reads_what_was_written(writer: TensorBoardMetrics, tmp_path: Path) -> None:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="TensorBoard is not installed"
    )
    for step in (0, 10, 20):
        writer.append("loss/train", step=step, epoch=step / 10, value=1 / (1 + step))
    writer.close()

    read = accumulator.EventAccumulator(str(tmp_path / "tb")).Reload()

    assert read.Tags()["scalars"] == ["loss/train"]
    assert [each.step for each in read.Scalars("loss/train")] == [0, 10, 20]
    assert [each.value for each in read.Scalars("loss/train")] == pytest.approx([1, 1 / 11, 1 / 21])
