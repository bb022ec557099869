"""The text format: ``prototxt`` to messages with the line of every layer, and back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from google.protobuf import text_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from digits.caffeproto import caffe_pb2, limits
from digits.caffeproto.place import place
from digits.caffeproto.scan import NotANetworkError, ScannedLayer, scan

M = TypeVar("M", bound=Message)

_POSITION = re.compile(r"^\d+:\d+ ?: ?")
_QUOTED_LINE = re.compile(r"^'.*': ", re.DOTALL)
"""protobuf puts the whole line before some messages."""


@dataclass(frozen=True)
class ParsedNet:
    """A definition as read: the message, and the line of each ``layer`` (or, in an old file, ``layers``) in order.

    Every layer also carries its line with it (``layer_line``), so that what is left after filters and copies still knows it.
    """

    message: caffe_pb2.NetParameter
    lines: tuple[int, ...]


def parse_net(text: str, *, where: str, max_bytes: int = limits.MAX_TEXT_BYTES) -> ParsedNet:
    """Return the network of a prototxt.

    Args:
        text: the definition.
        where: the file's name for errors; with "" they say "line N".
        max_bytes: how large the text may be.

    Raises:
        NotANetworkError: the text is too large or no NetParameter; says line and column, and the nearest known name.
    """
    message = caffe_pb2.NetParameter()
    scanned = _parse(text, message, where, max_bytes)
    for layer, found in zip(message.layer, scanned["layer"], strict=True):
        _keep_source(layer.Extensions[caffe_pb2.source], found)
    for old, found in zip(message.layers, scanned["layers"], strict=True):
        _keep_source(old.Extensions[caffe_pb2.source_v1], found)
    return ParsedNet(message, tuple(found.line for found in scanned["layer"] or scanned["layers"]))


def parse_message(text: str, message: M, *, where: str) -> M:
    """Fill ``message`` (a SolverParameter, say) from text and return it.

    Raises:
        NotANetworkError: as in ``parse_net``.
    """
    _parse(text, message, where)
    return message


def to_text(message: Message) -> str:
    """Return the text of ``message``, as Caffe reads it; where its layers came from is left out."""
    if isinstance(message, caffe_pb2.NetParameter):
        message = without_source(message)
    return str(text_format.MessageToString(message))


def without_source(net: caffe_pb2.NetParameter) -> caffe_pb2.NetParameter:
    """Return a copy whose layers do not know their lines."""
    copy = caffe_pb2.NetParameter()
    copy.CopyFrom(net)
    clear: list[tuple[Any, Any]] = [(layer, caffe_pb2.source) for layer in copy.layer]
    clear += [(old, caffe_pb2.source_v1) for old in copy.layers]
    for layer, extension in clear:
        layer.ClearExtension(extension)
    return copy


def layer_line(layer: caffe_pb2.LayerParameter, *fields: str) -> int:
    """Return the line of the first of ``fields`` (dotted names) that the layer's text has, else its own; 0 for unknown."""
    source: caffe_pb2.Source = layer.Extensions[caffe_pb2.source]
    return next((source.fields[name] for name in fields if name in source.fields), source.line)


def _keep_source(source: caffe_pb2.Source, found: ScannedLayer) -> None:
    source.line = found.line
    source.fields.update(found.fields)


def _parse(
    text: str, message: Message, where: str, max_bytes: int = limits.MAX_TEXT_BYTES
) -> dict[str, list[ScannedLayer]]:
    size = len(text.encode(errors="replace"))
    if size > max_bytes:
        raise NotANetworkError(f"The text has {size:,} bytes; {max_bytes:,} is the limit.", where=where)
    text = text.removeprefix("\ufeff")  # a byte-order mark, as editors on Windows write it
    scanned = scan(text, cast(Descriptor, message.DESCRIPTOR), where=where)
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as error:
        words = _QUOTED_LINE.sub("", _POSITION.sub("", str(error))).replace("digits.caffe.", "").strip().rstrip(".")
        raise NotANetworkError(f"{words}.", where=place(where, error.GetLine() or 0, error.GetColumn() or 0)) from error
    except (UnicodeError, RecursionError, ValueError) as error:
        raise NotANetworkError(f"The text cannot be read: {error}.", where=where) from error
    return scanned
