"""``digits caffe train``: a training by a solver file, with real Caffe's lines and files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import torch
from google.protobuf import text_format
from numpy.typing import NDArray

from digits.caffe.arrayfiles import load_arrays
from digits.caffe.fed import FedNet
from digits.caffe.recording import Recorder
from digits.caffe.snapshots import check_folder
from digits.caffe.solverfile import SolverFile, read_solver
from digits.caffe.solving import Solving
from digits.caffeproto import caffe_pb2
from digits.core.errors import SetupError
from digits.networks.caffe.unused import unused_fields
from digits.training import devices
from digits.training.caffelog import CaffeLog


def train(
    solver: Path,
    *,
    weights: Sequence[Path] = (),
    snapshot: Path | None = None,
    data: Path | None = None,
    record: Path | None = None,
    gpu: str = "",
    stages: tuple[str, ...] = (),
    level: int = 0,
    stop: Callable[[], str] = lambda: "",
) -> None:
    """Train by a solver file, to its end or to a stop.

    Args:
        solver: the solver's prototxt.
        weights: files to begin with, copied by the names of layers; those of the solver's own ``weights`` if none is given.
        snapshot: a solver state to go on from.
        data: arrays whose rows are used, in order, instead of the data layers' sources.
        record: gets the weights after each iteration.
        gpu: "all", or numbers; "" as the solver says.
        stages: further stages of the training network.
        level: of the training network.
        stop: asked between iterations; see ``Solving.solve``.

    Raises:
        DigitsError: something cannot be used, in words.
    """
    file = read_solver(solver, stages=stages, level=level)
    if file.message.snapshot or file.message.snapshot_after_train:
        check_folder(file.prefix)
    log = CaffeLog(sys.stderr)
    device = choose_device(gpu, file.message.solver_mode, file.message.device_id, log)
    say_solver(file, log)
    arrays = load_arrays(data) if data is not None else None
    with ExitStack() as stack, devices.denormals_flushed():
        solving = open_solving(file, device, log, arrays=arrays)
        for each in (solving.train, *solving.tests):
            assert isinstance(each, FedNet)
            stack.callback(each.close)
        if snapshot is not None:
            solving.restore(snapshot)
        else:
            named = [name for listed in file.message.weights for name in listed.split(",") if name]
            find = partial(file.train.folders.find, what="weights", where=file.where)
            begin = list(weights) or [find(name) for name in named]
            if begin:
                solving.copy_weights(begin)
        recorder = Recorder(solving) if record is not None else None
        log.say("Starting Optimization")
        with devices.memory_words(device, next(iter(solving.train.net.input_shapes.values()), (1,))[0]):
            solving.solve(stop)
        if recorder is not None and record is not None:
            recorder.save(record)


def open_solving(
    file: SolverFile, device: torch.device, log: CaffeLog, *, arrays: Mapping[str, NDArray[np.float32]] | None = None
) -> Solving:
    """Return a training with its networks and data open.

    Raises:
        DigitsError: a network cannot be built, or its data cannot be opened.
    """
    if file.seed is not None:
        devices.seed_everything(file.seed)
    log.say(f"Creating training net from {file.train.where}")
    train_net = FedNet(file.train, "TRAIN", seed=file.seed, device=device, arrays=arrays)
    say_net(train_net, log)
    tests = []
    for number, definition in enumerate(file.tests):
        log.say(f"Creating test net (#{number}) from {definition.where}")
        tests.append(FedNet(definition, "TEST", seed=file.seed, share=train_net, device=device, arrays=arrays))
    return Solving(file, train_net, tests, log)


def choose_device(gpu: str, solver_mode: int, device_id: int, log: CaffeLog) -> torch.device:
    """Return where the networks run: on what ``--gpu`` names, else on the GPU if the solver wants one and there is one.

    Raises:
        SetupError: this machine has no such GPU, or several are asked for.
    """
    found = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else ""
    if not gpu and (solver_mode != caffe_pb2.SolverParameter.GPU or not found):
        if solver_mode == caffe_pb2.SolverParameter.GPU:
            log.say("This machine has no GPU.")
        log.say("Use CPU.")
        return torch.device("cpu")
    wanted = str(device_id) if not gpu else "0" if gpu == "all" and torch.cuda.device_count() <= 1 else gpu
    if not wanted.isdecimal():
        raise SetupError(f"Training on several GPUs at once (--gpu {gpu}) is not built yet.", hint="Name one of them.")
    if not found or (found == "cuda" and int(wanted) >= torch.cuda.device_count()):
        raise SetupError(f"This machine has no GPU {wanted}.", hint="Leave --gpu out to run on the processor.")
    log.say(f"Using GPUs {wanted}")
    return torch.device(found, int(wanted))


def say_solver(file: SolverFile, log: CaffeLog) -> None:
    """Log the solver, and what of it is not used."""
    shown = caffe_pb2.SolverParameter()
    shown.CopyFrom(file.message)
    for name in ("net_param", "train_net_param", "test_net_param"):
        shown.ClearField(name)
    log.say("Initializing solver from parameters: " + os.linesep + text_format.MessageToString(shown))
    for warning in file.warnings:
        log.say(f"Warning: {warning}")


def say_net(fed: FedNet, log: CaffeLog) -> None:
    """Log what of the definition is not used, and each layer with what goes in and comes out."""
    for unused in unused_fields(fed.definition.message, where=fed.definition.where):
        log.say(f"{'Ignored' if unused.is_needless else 'Warning'}: {unused.where}: {unused.words}")
    memory = 0
    for layer in fed.net.layers:
        log.say(f"Creating Layer {layer.name}")
        for bottom in layer.bottoms:
            log.say(f"{layer.name} <- {bottom}")
        for top, shape in zip(layer.tops, layer.output_shapes, strict=True):
            in_place = " (in-place)" if top in layer.bottoms else ""
            log.say(f"{layer.name} -> {top}{in_place}")
            count = int(np.prod(shape, dtype=np.int64))
            memory += 0 if in_place else 4 * count
            log.say(f"Top shape: {' '.join(map(str, (*shape, f'({count})')))}")
    for name in fed.net.outputs:
        log.say(f"This network produces output {name}")
    log.say(f"Network initialization done. Memory required for data: {memory}")
