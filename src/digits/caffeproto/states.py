"""Solver states (``.solverstate``): where a training stands beside its weights, so that it can go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from digits.caffeproto import caffe_pb2
from digits.caffeproto.blob import array_to_blob, blob_to_array
from digits.caffeproto.caffemodel import read_message


@dataclass(frozen=True)
class SolverState:
    """What Caffe keeps of a solver."""

    iteration: int
    """Iterations that are done."""
    history: tuple[NDArray[Any], ...]
    """Arrays in the order of the network's parameters (owners of shared ones only, also those that never move): one set, or, for Adam
    (all means, then all squares) and AdaDelta (all squares of gradients, then of moves), two."""
    learned_net: str = ""
    """The weights' file, as it was named."""
    current_step: int = 0
    """Steps that policy ``multistep`` has taken."""


def state_from_bytes(data: bytes, *, where: str = "") -> SolverState:
    """Return what a binary ``.solverstate`` holds.

    Raises:
        WeightsError: the bytes are no solver state.
    """
    message = read_message(data, caffe_pb2.SolverState(), where=where, what="Caffe solver state")
    history = tuple(
        blob_to_array(blob, where=f"{where}, history {index}".lstrip(", "))
        for index, blob in enumerate(message.history)
    )
    return SolverState(message.iter, history, message.learned_net, message.current_step)


def state_to_bytes(state: SolverState) -> bytes:
    """Return a binary ``.solverstate`` that Caffe reads."""
    message = caffe_pb2.SolverState(
        iter=state.iteration, learned_net=state.learned_net, current_step=state.current_step
    )
    message.history.extend(array_to_blob(blob) for blob in state.history)
    return bytes(message.SerializeToString(deterministic=True))
