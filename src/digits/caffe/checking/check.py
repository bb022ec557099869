"""From a file to its findings: networks, solvers and the networks that solvers name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from digits.caffe.checking.findings import Finding, at
from digits.caffe.checking.lint import is_for_digits, lint, notes_of, states_of
from digits.caffe.checking.trial import trial
from digits.caffe.definitions import Definition, State, of_message, read_text
from digits.caffe.paths import Folders
from digits.caffe.solverfile import problems_of, read_solver, unused_settings
from digits.caffeproto import caffe_pb2
from digits.caffeproto.text import parse_message, parse_net
from digits.core.errors import DigitsError, NetworkError
from digits.networks.caffe.definition import prepare
from digits.networks.layers.registry import Phase
from digits.training.policies import Schedule
from digits.training.solvers import make_solver

_SOLVER_FIELDS = set(caffe_pb2.SolverParameter.DESCRIPTOR.fields_by_name)
_NET_FIELDS = set(caffe_pb2.NetParameter.DESCRIPTOR.fields_by_name)
_LABEL_MAP = re.compile(r"(?:\s|#[^\n]*\n)*+item\s*:?\s*\{")
"""How a file of SSD's class names begins; nothing of it is built, but it stands among the networks."""
_NUM_CLASSES = 10
_DIGITS_SIZES = ((1, 28, 28), (3, 32, 32), (3, 256, 256))
"""Of the pictures that an all-in-one definition is tried with: they are the dataset's, and none is here."""


def check(path: Path, *, builds: bool, phases: Sequence[Phase] = ("TRAIN", "TEST")) -> list[Finding]:
    """Return what is wrong with a network or solver file; nothing, or notes alone, if it is sound.

    Args:
        path: the file; its content says which it is.
        builds: build the network too, and run it once forward and backward.
        phases: those to look at.

    Raises:
        NotFoundError: there is no such file.
    """
    try:
        text = read_text(path)
        if _LABEL_MAP.match(text):
            parse_message(text, caffe_pb2.LabelMap(), where=str(path))
            return []
        if _is_solver(text):
            return _notes_last(_check_solver(path, text, builds, phases))
        return _notes_last(_check_net(path, text, builds, phases))
    except NetworkError as error:
        return [Finding.of(error, file=str(path))]


def _is_solver(text: str) -> bool:
    """Whether a text is meant for a solver: more of its lines begin with fields of one than with those of a network."""
    words = re.findall(r"^[ \t]*([a-z_]+)[ \t]*[:{]", text, re.MULTILINE)
    return sum(word in _SOLVER_FIELDS - _NET_FIELDS for word in words) > sum(
        word in ("layer", "layers", "input") for word in words
    )


def _check_net(path: Path, text: str, builds: bool, phases: Sequence[Phase]) -> list[Finding]:
    message = parse_net(text, where=str(path)).message
    definition = of_message(message, where=str(path), folders=Folders.of(path))
    states = states_of(definition, phases)
    found, notes = lint(definition, states, builds=builds), notes_of(definition)
    if found or not builds:
        return found + notes
    found = [finding for state in states for finding in trial(definition.only(state), state.phase)]
    if is_for_digits(definition) and any(not each.is_note for each in found):
        found = _build_for_digits(definition, text, states)
    return found + notes


def _build_for_digits(definition: Definition, text: str, states: Sequence[State]) -> list[Finding]:
    """Return why an all-in-one definition does not build after DIGITS' rules, for pictures of any of the usual sizes."""
    found: list[Finding] = []
    for channels, height, width in _DIGITS_SIZES:
        try:
            made = prepare(
                text, where=definition.where, num_classes=_NUM_CLASSES, channels=channels, height=height, width=width,
                batch_size=2, use_mean="none",
            )  # fmt: skip
        except DigitsError as error:
            found = [Finding.of(error, file=definition.where)]
        else:
            side = made.crop_size
            size = (channels, side or height, side or width)
            nets = {"train": made.train, "val": made.val, "deploy": made.deploy}
            found = []
            for state in states:
                net = nets[state.stages[0]]
                if net is not None:
                    fed = Definition(_with_inputs(net, size), definition.where, definition.folders)
                    found += trial(fed, state.phase)
        if not found:
            return []
    return list(dict.fromkeys(found))


def _with_inputs(net: caffe_pb2.NetParameter, size: tuple[int, int, int]) -> caffe_pb2.NetParameter:
    """Return a network whose data layer is an Input layer for two pictures of ``size``."""
    copy = caffe_pb2.NetParameter()
    copy.CopyFrom(net)
    for layer in copy.layer:
        if "Data" in layer.type and not layer.bottom:
            layer.type = "Input"
            layer.input_param.ClearField("shape")
            layer.input_param.shape.add().dim.extend((2, *size))
            for _ in layer.top[1:]:
                layer.input_param.shape.add().dim.append(2)
    return copy


def _check_solver(path: Path, text: str, builds: bool, phases: Sequence[Phase]) -> list[Finding]:
    where = str(path)
    message = parse_message(text, caffe_pb2.SolverParameter(), where=where)
    found = [Finding(at(where, text, field), words, hint) for field, words, hint in problems_of(message)]
    found += [Finding(at(where, text, field), words, is_note=True) for field, words in unused_settings(message)]
    for field, check_ in (("lr_policy", Schedule.from_solver), ("type", lambda each: make_solver(each, []))):
        try:
            check_(message)
        except DigitsError as error:
            found.append(Finding(at(where, text, field), error.message, error.hint))
    if message.max_iter < 1:
        found.append(Finding(at(where, text, "max_iter"), "max_iter is missing or 0: nothing would be trained."))
    prefix = Path(message.snapshot_prefix)
    if message.snapshot_prefix and not any((folder / prefix).parent.is_dir() for folder in Folders.of(path).all):
        words = f"snapshot_prefix: there is no folder {str(prefix.parent)!r}."
        hint = "Make it: a training does not begin without."
        found.append(Finding(at(where, text, "snapshot_prefix"), words, hint, is_note=True))
    missing = [*_missing(message, path, text)]
    return found + missing if missing else _all(found, _check_nets(path, builds, phases))


def _missing(message: caffe_pb2.SolverParameter, path: Path, text: str) -> Iterator[Finding]:
    """Yield the networks' files that are not there."""
    for field, names in (("net", [message.net]), ("train_net", [message.train_net]), ("test_net", message.test_net)):
        for name in filter(None, names):
            try:
                Folders.of(path).find(name, what="network", above=True, is_file=True)
            except DigitsError as error:
                yield Finding(at(str(path), text, field), error.message, error.hint)


def _all(one: list[Finding], other: list[Finding]) -> list[Finding]:
    """Return both lists; what the second says again, perhaps without a line, is left out."""
    said = {each.what for each in one}
    return one + [each for each in other if each.what not in said]


def _check_nets(path: Path, builds: bool, phases: Sequence[Phase]) -> list[Finding]:
    """Return what is wrong with the networks that a solver trains and tests, each in the state that the solver asks for."""
    try:
        file = read_solver(path)
    except DigitsError as error:
        return [Finding.of(error, file=str(path))]
    found: list[Finding] = []
    nets: list[tuple[Definition, Phase]] = [(file.train, "TRAIN"), *((each, "TEST") for each in file.tests)]
    for definition, phase in nets:
        if phase in phases:
            state = definition.message.state
            slips = lint(definition, [State(phase, tuple(state.stage), state.level)], builds=builds)
            found += slips or (trial(definition, phase) if builds else [])
            found += notes_of(definition)
    return found


def _notes_last(findings: list[Finding]) -> list[Finding]:
    """Return each finding once, and the notes behind what is wrong."""
    return sorted(dict.fromkeys(findings), key=lambda finding: finding.is_note)
