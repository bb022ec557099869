"""``<prefix>_iter_<N>.caffemodel`` and ``.solverstate``, or their HDF5 forms: written as Caffe writes them, read whoever wrote them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.caffeproto import caffe_pb2, hdf5
from digits.caffeproto.caffemodel import write_caffemodel
from digits.caffeproto.files import read_state_file
from digits.caffeproto.states import SolverState, state_to_bytes
from digits.core.errors import NotFoundError, SetupError, WeightsError
from digits.core.files import write_bytes
from digits.training.policies import Schedule
from digits.training.solvers import Learnable, Solver

_HINT = "snapshot_prefix names a folder that is there and may be written to, and the beginning of a file's name."


def check_folder(prefix: str) -> None:
    """Do nothing if snapshots can be written: it would be late to hear of it after hours of training.

    Raises:
        SetupError: the folder is not there, or takes no file.
    """
    folder = Path(prefix).parent
    if not folder.is_dir():
        raise SetupError(
            "There is no such folder for snapshots.", where=str(folder), hint=f"Make it: mkdir -p {folder}"
        )
    if not os.access(folder, os.W_OK):
        raise SetupError("The folder for snapshots may not be written to.", where=str(folder), hint=_HINT)


def write_weights(
    prefix: str, iteration: int, net: caffe_pb2.NetParameter, weights: Mapping[str, NDArray[Any]], *, as_hdf5: bool
) -> Path:
    """Write the weights of an iteration and return the file.

    Raises:
        SetupError: the folder does not take it.
    """
    path = Path(f"{prefix}_iter_{iteration}.caffemodel{'.h5' if as_hdf5 else ''}")
    _write(path, hdf5.weights_bytes(weights) if as_hdf5 else write_caffemodel(net, weights))
    return path


def write_state(prefix: str, state: SolverState, *, as_hdf5: bool) -> Path:
    """Write a solver state and return the file.

    Raises:
        SetupError: the folder does not take it.
    """
    path = Path(f"{prefix}_iter_{state.iteration}.solverstate{'.h5' if as_hdf5 else ''}")
    _write(path, hdf5.state_bytes(state) if as_hdf5 else state_to_bytes(state))
    return path


def state_of(solver: Solver, parameters: Sequence[Learnable], schedule: Schedule, learned_net: Path) -> SolverState:
    """Return the state of a solver in Caffe's order: each slot of all parameters, zeros for those that never move."""
    kept = solver.state()
    history = []
    for slot in solver.slots:
        for parameter in parameters:
            blob = kept.get(f"{slot}/{parameter.name}", torch.zeros_like(parameter.tensor))
            history.append(blob.detach().cpu().numpy())
    return SolverState(solver.iteration, tuple(history), str(learned_net), schedule.steps_taken(solver.iteration))


def restore(solver: Solver, parameters: Sequence[Learnable], state: SolverState, *, where: str) -> None:
    """Let ``solver`` go on from ``state``.

    Raises:
        WeightsError: it is of another network or another kind of solver.
    """
    wanted = [(f"{slot}/{parameter.name}", parameter) for slot in solver.slots for parameter in parameters]
    if len(state.history) != len(wanted):
        raise WeightsError(
            f"The solver state has {len(state.history)} arrays; this network and solver have {len(wanted)}.",
            where=where,
            hint="It goes with the network and the type of solver that it was made with.",
        )
    tensors: dict[str, Tensor] = {}
    for (name, parameter), blob in zip(wanted, state.history, strict=True):
        if blob.size != parameter.tensor.numel():
            words = f"The solver state's {name} is of shape {blob.shape}, and not {tuple(parameter.tensor.shape)}."
            raise WeightsError(words, where=where)
        values = torch.from_numpy(np.ascontiguousarray(blob, np.float32)).reshape(parameter.tensor.shape)
        tensors[name] = values.to(parameter.tensor.device)
    solver.load_state(tensors, state.iteration)


def read_state(path: Path) -> tuple[SolverState, Path]:
    """Return the state in a file, and the file of the weights that go with it.

    That is the one it names, else one beside it, of the same name or of the state's.

    Raises:
        WeightsError: the file holds no solver state.
        NotFoundError: its weights are not there.
    """
    state = read_state_file(path)
    named = Path(state.learned_net)
    beside = path.with_name(path.name.replace(".solverstate", ".caffemodel"))
    for candidate in (named, path.with_name(named.name), beside):
        if state.learned_net and candidate.is_file() and candidate != path:
            return state, candidate
    raise NotFoundError(
        f"The weights of this solver state are missing: {state.learned_net or 'it names none'}.",
        where=str(path),
        hint=f"Put them beside it as {beside.name}.",
    )


def _write(path: Path, data: bytes) -> None:
    try:
        write_bytes(path, data)
    except OSError as error:
        raise SetupError(f"The snapshot cannot be written: {error.strerror}.", where=str(path), hint=_HINT) from error
