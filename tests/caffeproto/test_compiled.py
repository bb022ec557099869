"""``caffe_pb2.py`` is what ``caffe.proto`` says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from digits.caffeproto import caffe_pb2

SOURCE = Path(__file__).resolve().parents[2] / "src"
PROTO = "digits/caffeproto/caffe.proto"


def without_json_names(file: FileDescriptorProto) -> FileDescriptorProto:
    """The names for JSON follow from the others, and not every compiler writes them down."""
    queue = list(file.message_type)
    for field in file.extension:
        field.ClearField("json_name")
    while queue:
        message = queue.pop()
        queue.extend(message.nested_type)
        for field in message.field:
            field.ClearField("json_name")
    return file


def test_the_compiled_messages_are_up_to_date(tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools", reason="grpcio-tools is not installed")
    out = tmp_path / "caffe.pb"
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I.", f"--descriptor_set_out={out}", PROTO], cwd=SOURCE, check=True
    )

    pool = DescriptorPool()
    pool.AddSerializedFile(FileDescriptorSet.FromString(out.read_bytes()).file[0].SerializeToString())

    fresh, compiled = FileDescriptorProto(), FileDescriptorProto()
    pool.FindFileByName(PROTO).CopyToProto(fresh)
    caffe_pb2.DESCRIPTOR.CopyToProto(compiled)

    assert without_json_names(compiled) == without_json_names(fresh), "run scripts/compile-proto"


def test_the_types_for_checkers_name_every_message() -> None:
    stub = (SOURCE / "digits/caffeproto/caffe_pb2.pyi").read_text()

    for name in caffe_pb2.DESCRIPTOR.message_types_by_name:
        assert re.search(rf"^class {name}\(", stub, re.MULTILINE), f"run scripts/compile-proto: {name}"


def test_the_compiled_code_runs_with_the_oldest_protobuf_that_is_promised() -> None:
    text = (SOURCE / "digits/caffeproto/caffe_pb2.py").read_text()
    promised = re.search(r'"protobuf>=(\d+)\.(\d+)', (SOURCE.parent / "pyproject.toml").read_text())
    compiler = re.search(r"Protobuf Python Version: (\d+)\.(\d+)", text)

    assert promised
    assert compiler
    assert tuple(map(int, compiler.groups())) <= tuple(map(int, promised.groups()))
