"""Definitions from files, brought up to date and filtered to one state."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from google.protobuf.message import Message

from digits.caffe.paths import Folders
from digits.caffeproto import caffe_pb2, limits
from digits.caffeproto.filter import filter_net
from digits.caffeproto.text import parse_message, parse_net
from digits.caffeproto.upgrade import upgrade_net
from digits.core.errors import NetworkError, NotFoundError
from digits.networks.layers.registry import Phase

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class State:
    """Which of a definition's layers are meant."""

    phase: Phase
    stages: tuple[str, ...] = ()
    level: int = 0


@dataclass(frozen=True)
class Definition:
    """A definition with the file it came from; its layers know their lines there."""

    message: caffe_pb2.NetParameter
    where: str
    folders: Folders

    def only(self, state: State) -> Definition:
        """Return the layers of one state; the stages that the definition itself names hold, too.

        Raises:
            NetworkError: a layer has include and exclude rules together.
        """
        stages = (*self.message.state.stage, *state.stages)
        kept = filter_net(self.message, phase=state.phase, stages=stages, level=state.level, where=self.where)
        return Definition(kept, self.where, self.folders)


def read_text(path: Path) -> str:
    """Return the text of a definition's file.

    Raises:
        NotFoundError: there is none, or it cannot be read.
        NetworkError: it is too large, or no text.
    """
    try:
        if not path.is_file():
            raise NotFoundError("There is no such file.", where=str(path))
        with path.open("rb") as file:
            data = file.read(limits.MAX_TEXT_BYTES + 1)
    except OSError as error:
        raise NotFoundError(f"The file cannot be read: {error.strerror}.", where=str(path)) from error
    if len(data) > limits.MAX_TEXT_BYTES:
        raise NetworkError(f"The text has more than {limits.MAX_TEXT_BYTES:,} bytes.", where=str(path))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise NetworkError("This is no text in UTF-8.", where=f"{path}:{line}") from error


def read_net(path: Path, *, folders: Folders | None = None) -> Definition:
    """Return the whole definition in a file, in the current form.

    Raises:
        NotFoundError: there is no such file.
        NetworkError: it holds no network; with line, column and nearest name.
    """
    message = parse_net(read_text(path), where=str(path)).message
    return of_message(message, where=str(path), folders=(folders or Folders()).also(path))


def of_message(message: caffe_pb2.NetParameter, *, where: str, folders: Folders) -> Definition:
    """Return a definition that is no file of its own, in the current form."""
    return Definition(upgrade_net(message, where=where), where, folders)


def read_message(path: Path, message: M) -> M:
    """Fill ``message`` (a SolverParameter, say) from a text file.

    Raises:
        NotFoundError: there is no such file.
        NetworkError: it holds no such message; with line, column and nearest name.
    """
    return parse_message(read_text(path), message, where=str(path))
