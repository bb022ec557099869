"""What a solver file says: its networks, by Caffe's rules for the nine ways of naming them, and settings that are not for here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from digits.caffe.checking.findings import at
from digits.caffe.definitions import Definition, State, of_message, read_message, read_net, read_text
from digits.caffe.paths import Folders
from digits.caffeproto import caffe_pb2
from digits.core.errors import NetworkError
from digits.networks.layers.registry import Phase

_NVCAFFE = "NVCaffe's, and the training goes on without it"
_SSD = "it belongs to SSD's evaluation, which is not built yet"
UNUSED: Mapping[str, str] = {
    "ap_version": _SSD,
    "debug_info": "`digits caffe forward` writes every blob and gradient",
    "eval_type": _SSD,
    "larc": _NVCAFFE,
    "larc_eta": _NVCAFFE,
    "larc_policy": _NVCAFFE,
    "larc_turbo": _NVCAFFE,
    "layer_wise_reduce": "a training runs on one GPU",
    "local_gw_ratio": _NVCAFFE,
    "local_lr_auto": _NVCAFFE,
    "max_momentum": _NVCAFFE,
    "min_lr": _NVCAFFE,
    "momentum_policy": _NVCAFFE,
    "momentum_power": _NVCAFFE,
    "plateau_winsize": "it belongs to SSD's policy plateau, which is not built yet",
    "rampup_interval": _NVCAFFE,
    "rampup_lr": _NVCAFFE,
    "show_per_class_result": _SSD,
    "snapshot_diff": "gradients are not kept",
    "solver_data_type": "all is computed in float32",
    "store_blobs_in_old_format": "blobs are written with their shapes, which every Caffe since 2015 reads",
    "test_and_snapshot_last_epochs": _NVCAFFE,
    "test_and_snapshot_start_epoch": _NVCAFFE,
    "weight_decay_policy": _NVCAFFE,
    "weight_decay_power": _NVCAFFE,
}
"""Fields of a solver that change nothing here, and why."""


@dataclass(frozen=True)
class SolverFile:
    """A solver with its networks, each filtered to its state."""

    message: caffe_pb2.SolverParameter
    where: str
    train: Definition
    tests: tuple[Definition, ...]
    warnings: tuple[str, ...] = ()

    @property
    def seed(self) -> int | None:
        """Where chance starts; None for a new one each time."""
        return self.message.random_seed if self.message.random_seed >= 0 else None

    @property
    def prefix(self) -> str:
        """How the names of snapshots begin: as in Caffe from the working folder on, or beside the solver where only that folder is there."""
        named = Path(self.message.snapshot_prefix or os.path.splitext(self.where)[0])
        beside = Path(self.where).resolve().parent / named
        return str(beside if beside.parent.is_dir() and not named.parent.is_dir() else named)


def read_solver(path: Path, *, stages: tuple[str, ...] = (), level: int = 0) -> SolverFile:
    """Return the solver in a file.

    Args:
        path: a solver prototxt.
        stages: further stages of the training network, from the command line.
        level: of the training network, from the command line.

    Raises:
        NotFoundError: the file, or one that it names, is not there.
        NetworkError: it holds no solver, or one that contradicts itself.
    """
    message = read_message(path, caffe_pb2.SolverParameter())
    check(message, where=str(path))
    folders = Folders.of(path)
    train = _train(message, str(path), folders, stages, level)
    warnings = tuple(f"{at(str(path), read_text(path), field)}: {words}" for field, words in unused_settings(message))
    return SolverFile(message, str(path), train, _tests(message, str(path), folders), warnings)


def check(message: caffe_pb2.SolverParameter, *, where: str) -> None:
    """Do nothing if a solver is sound, its networks aside.

    Raises:
        NetworkError: it contradicts itself, in words.
    """
    problems = list(problems_of(message))
    if problems:
        raise NetworkError(problems[0][1], where=where, hint=problems[0][2])


def problems_of(message: caffe_pb2.SolverParameter) -> list[tuple[str, str, str]]:
    """Return what is wrong with a solver: (field, words, what to do)."""
    found: list[tuple[str, str, str]] = []
    given = [name for name in ("net", "net_param", "train_net", "train_net_param") if message.HasField(name)]
    if len(given) != 1:
        words = f"A solver names exactly one training network; this one has {' and '.join(given) or 'none'}."
        found.append((given[1] if given else "", words, "Give net, or train_net and test_net."))
    num_fixed = len(message.test_net) + len(message.test_net_param)
    is_generic = message.HasField("net") or message.HasField("net_param")
    if num_fixed > len(message.test_iter) or (not is_generic and num_fixed != len(message.test_iter)):
        words = f"There are {num_fixed} test networks and {len(message.test_iter)} test_iter."
        found.append(("test_iter", words, "Give one test_iter for each test network."))
    if message.test_state and len(message.test_state) != len(message.test_iter):
        words = f"There are {len(message.test_state)} test_state and {len(message.test_iter)} test_iter."
        found.append(("test_state", words, "Give one for each test network, or none."))
    if message.test_iter and message.test_interval < 1:
        found.append(
            ("test_interval", "There are test networks and no test_interval.", "Give test_interval, at least 1.")
        )
    if message.HasField("type") and message.HasField("solver_type"):
        found.append(("solver_type", "type and the old solver_type are both given.", "Give type alone."))
    if message.iter_size < 1:
        found.append(("iter_size", f"iter_size {message.iter_size} is below 1.", ""))
    if message.average_loss < 1:
        found.append(("average_loss", f"average_loss {message.average_loss} is below 1.", ""))
    if message.regularization_type not in ("L1", "L2"):
        words = f"There is no regularization_type {message.regularization_type[:40]!r}."
        found.append(("regularization_type", words, "It may be L1 or L2."))
    return found


def unused_settings(message: caffe_pb2.SolverParameter) -> list[tuple[str, str]]:
    """Return (field, words) of what is set and changes nothing here."""
    given = {field.name for field, _ in message.ListFields()}
    return [(name, f"{name} is not used: {why}.") for name, why in UNUSED.items() if name in given]


def _train(
    message: caffe_pb2.SolverParameter, where: str, folders: Folders, stages: tuple[str, ...], level: int
) -> Definition:
    if message.HasField("train_net_param"):
        whole = of_message(message.train_net_param, where=where, folders=folders)
    elif message.HasField("net_param"):
        whole = of_message(message.net_param, where=where, folders=folders)
    else:
        name = message.train_net if message.HasField("train_net") else message.net
        whole = _file(name, where, folders)
    state = _state(whole, message.train_state, "TRAIN")
    return whole.only(State("TRAIN", (*state.stages, *stages), level or state.level))


def _tests(message: caffe_pb2.SolverParameter, where: str, folders: Folders) -> tuple[Definition, ...]:
    """Return the test networks in Caffe's order: messages, files, then the common network for each test_iter that is left."""
    wholes = [of_message(each, where=where, folders=folders) for each in message.test_net_param]
    wholes += [_file(name, where, folders) for name in message.test_net]
    if len(wholes) < len(message.test_iter):
        common = (
            of_message(message.net_param, where=where, folders=folders)
            if message.HasField("net_param")
            else _file(message.net, where, folders)
        )
        wholes += [common] * (len(message.test_iter) - len(wholes))
    states = list(message.test_state) or [caffe_pb2.NetState()] * len(wholes)
    return tuple(whole.only(_state(whole, state, "TEST")) for whole, state in zip(wholes, states, strict=True))


def _state(whole: Definition, asked: caffe_pb2.NetState, phase: Phase) -> State:
    """Return the state of a network: its own, then what the solver asks for; the phase is the role's."""
    merged = caffe_pb2.NetState()
    merged.CopyFrom(whole.message.state)
    merged.MergeFrom(asked)
    return State(phase, tuple(merged.stage), merged.level)


def _file(name: str, where: str, folders: Folders) -> Definition:
    return read_net(folders.find(name, what="network", where=where, above=True, is_file=True), folders=folders)
