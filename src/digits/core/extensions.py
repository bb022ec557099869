"""What an extension declares about itself, and how installed ones are found.

An extension is one folder whose ``__init__`` holds ``EXTENSION``: names and "module:attribute" strings, so that listing what is installed
imports no numpy and no torch. Registration is one line of ``pyproject.toml`` (an entry point); nothing imports an
extension by name. Two of one name stop the start; one that cannot be loaded is left out, and :func:`entries` says why.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from digits.core.errors import NotFoundError, SetupError
from digits.core.spec import DatasetSpec, Spec

ModuleAttribute = str
"""'package.module:attribute'"""
GENERIC_MODELS = "images/generic"
"""Below /models/: what is trained on datasets of every kind but DIGITS' first; the extension's name tells them apart."""


@dataclass(frozen=True)
class InferenceForm:
    """What a kind of dataset asks for where a model is tested by ``infer_extension``, instead of a picture.

    ``inputs(spec, folder, facts) -> iterable of (key, path of a picture)`` runs in the web process: it may write pictures into
    ``folder``, which goes when they are answered; ``facts`` are those of the dataset (its ``dataset.json``), and ``folder`` the path of its job.
    """

    spec: type[Spec]
    inputs: ModuleAttribute


@dataclass(frozen=True)
class DatasetExtension:
    """A kind of dataset.

    ``check(spec, settings) -> dict[dotted field path, list of problems]`` runs in the web process, before a job exists: it looks at paths
    and names alone. ``tasks(spec) -> tuple[TaskPlan, ...]``. ``build(spec, folder: JobFolder, emit) -> dict of facts`` and
    ``reader(folder: JobFolder, db) -> DatasetReader`` run in workers only. ``recognise(path) -> fields`` tells what lies at a path (in the
    web process), ``inspect(path=, source=, ...) -> (answer, samples)`` what a source holds.
    """

    name: str
    title: str
    menu: tuple[str, str, str]
    """Category, item and one line of what it is for: ("Images", "Classification", "One label a picture")."""
    route: str
    """Below /datasets/: "images/classification"."""
    spec: type[DatasetSpec]
    check: ModuleAttribute
    tasks: ModuleAttribute
    build: ModuleAttribute
    reader: ModuleAttribute
    recognise: ModuleAttribute = ""
    inspect: ModuleAttribute = ""
    model_route: str = ""
    """Below /models/: where models of such datasets are made."""
    model_title: str = ""
    """What a model of such a dataset is called: "Image Classification Model"."""
    target_kind: str = "class"
    """What its records are labelled with, as far as that is known before one is made: see ``training.targets``."""
    model_defaults: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Fields of the model form, by flat name, in which such models begin otherwise than others."""
    inference: InferenceForm | None = None

    @property
    def model_form(self) -> str:
        """The path of the form of a model that is trained on such datasets; "" where there is none."""
        if not self.model_route:
            return ""
        return f"/models/{self.model_route}/new" + (f"/{self.name}" if self.model_route == GENERIC_MODELS else "")


@dataclass(frozen=True)
class FrameworkExtension:
    """A way to define and train networks.

    ``check(spec, dataset_facts) -> problems`` as above; ``describe(text_or_name, ...)`` makes the table of layers (inspector only);
    ``trainer(folder: JobFolder, emit) -> dict of facts`` and ``predictor(folder, snapshot) -> Predictor`` run in workers only.
    ``standard(name) -> text`` returns a standard network's definition without loading the framework, and so does
    ``refit(text, num_classes, rename) -> text`` a model's own for another dataset, and ``rename(text, layer) -> text`` one whose layer
    of that name is to start anew. ``copies(question) -> dict`` tells which weights would
    be copied into which layers (inspector only). ``snapshot`` writes a snapshot as the framework's own file of weights, and each of
    ``exports`` a model as a file for others, by the format's name: ``(folder: JobFolder, epoch | None, path without an ending) -> path``
    (inspector only).
    """

    name: str
    title: str
    check: ModuleAttribute
    describe: ModuleAttribute
    trainer: ModuleAttribute
    predictor: ModuleAttribute
    standard: ModuleAttribute
    refit: ModuleAttribute
    rename: ModuleAttribute
    copies: ModuleAttribute
    snapshot: ModuleAttribute
    exports: Mapping[str, ModuleAttribute]
    definition: str = "original.prototxt"
    """The file of a job that holds the network as it was written."""
    weights_suffix: str = "caffemodel"
    """How the files end that ``snapshot`` writes."""
    log: str = "caffe_output.log"
    """The file of a job that a training appends its lines to."""
    check_weights: ModuleAttribute = "digits.caffeproto.files:check_weights_file"
    """``check_weights(path)`` raises where a file holds no weights for such networks: it reads little, and runs in the web process."""
    take_in: ModuleAttribute = ""
    """``take_in(Intake) -> facts``: weights and a definition of others made into a model's folder (workers only); "" where it takes none."""
    weights_endings: tuple[str, ...] = (".caffemodel", ".caffemodel.h5", ".h5", ".safetensors")
    """How the files end that it takes weights from."""
    splits_batches: bool = False
    """Whether several processes of its trainer train one network, each on a share of every batch and on a GPU of its own."""
    library: str = ""
    """What must be importable where its networks run, beside the product ("tensorflow"); they run in processes of their own then."""
    solvers: tuple[str, ...] = ("SGD", "NESTEROV", "ADAGRAD", "RMSPROP", "ADADELTA", "ADAM", "ADAMW")
    """The solver types that it trains with."""
    standard_suffix: str = "prototxt"
    """How the files end that define standard networks for it: ``network.<this>`` in their folders."""
    weight_decay: float | None = None
    """What its trainings set, whatever the form says; None for a hundredth of the learning rate, as DIGITS' for Caffe."""
    is_own: ModuleAttribute = ""
    """Where a definition is code that runs: ``is_own(text) -> bool`` tells the framework's own, which run where no others may."""
    to_fcn: ModuleAttribute = ""
    """``to_fcn(question) -> dict`` makes a classifier fully convolutional (inspector only); "" where it cannot."""

    @property
    def definition_suffix(self) -> str:
        """How the files of definitions end: "prototxt"."""
        return self.definition.rpartition(".")[2]


@dataclass(frozen=True)
class ViewExtension:
    """A way to show what a network answers about one picture.

    ``render(outputs, picture_HWC, facts, spec) -> Rendered`` (see ``digits.data.views``) runs in the worker that ran the net. The web
    process fills ``template``, "package:file", with what it made, and serves the files in the folder ``static`` of that package.
    """

    name: str
    title: str
    spec: type[Spec]
    render: ModuleAttribute
    template: str
    kinds: tuple[str, ...] = ()
    """The kinds of target of the models it is offered for; none: of all."""
    default_of: tuple[str, ...] = ()
    """The kinds of target, or the kinds of dataset, of the models whose answers it shows unless another is chosen."""
    script: str = ""
    """A module of JavaScript in ``static``."""
    style: str = ""
    """A sheet of CSS in ``static``."""
    most: int = 1
    """So many pictures stand on one page."""

    @property
    def package(self) -> str:
        """The package that holds its template and its folder ``static``."""
        return self.template.partition(":")[0]


@dataclass(frozen=True)
class ExecutorExtension:
    """A place where workers run; ``executor(spec)`` has the methods of ``digits.core.executor.Executor``."""

    name: str
    title: str
    spec: type[Spec]
    executor: ModuleAttribute


def interpreter(framework: str, pythons: Mapping[str, str]) -> str:
    """Return the Python that runs networks of ``framework``: the one that a setting names, or this one.

    Args:
        framework: its name; of anything else this one runs it.
        pythons: by library, what the settings name.

    Raises:
        SetupError: no Python is known that has the framework's library.
    """
    found = installed("frameworks").get(framework)
    library = found.library if found else ""
    if not library or library in pythons:
        return pythons.get(library, sys.executable)
    if find_spec(library) is None:
        raise SetupError(
            f"{found.title if found else framework} is not installed here.",
            hint=f"pip install 'opendigits[{library}]', or let DIGITS_{library.upper()}_PYTHON name the Python of an environment that has it.",
        )
    return sys.executable


def load(reference: ModuleAttribute) -> Any:
    """Return what "module:attribute" names."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


KINDS: Mapping[str, type] = {
    "datasets": DatasetExtension, "frameworks": FrameworkExtension, "views": ViewExtension, "executors": ExecutorExtension,
}  # fmt: skip
"""What the entry points of each group, ``digits.<group>``, name."""


@dataclass(frozen=True)
class Entry:
    """An entry point: the extension that it names, or why that cannot be used."""

    group: str
    name: str
    distribution: str
    """The one that brings it, with its version: "digits-pixel-csv 0.1"."""
    extension: Any = None
    problem: str = ""


@cache
def entries(group: str) -> tuple[Entry, ...]:
    """Return what is registered in ``group`` ("datasets", "frameworks", "views", "executors"), sorted by name.

    Raises:
        SetupError: two distributions bring one name, or kinds of datasets with one route.
    """
    found: dict[str, Entry] = {}
    routes: dict[str, Entry] = {}
    for point in sorted(entry_points(group=f"digits.{group}"), key=lambda point: point.name):
        entry = _entry(group, point)
        if point.name in found and found[point.name].distribution != entry.distribution:
            raise _twice(f"an extension {point.name!r} of {group}", found[point.name], entry)
        route = getattr(entry.extension, "route", "")
        if route and routes.setdefault(route, entry).name != point.name:
            raise _twice(f"datasets at /datasets/{route}", routes[route], entry)
        found[point.name] = entry
    return tuple(found.values())


def _entry(group: str, point: EntryPoint) -> Entry:
    origin = f"{point.dist.name} {point.dist.version}" if point.dist else "?"
    kind = KINDS[group]
    try:
        loaded = point.load()
    except Exception as error:  # a plugin that is broken must not take the others with it
        return Entry(
            group, point.name, origin, problem=f"{point.value} cannot be loaded: {type(error).__name__}: {error}"
        )
    if not isinstance(loaded, kind):
        return Entry(group, point.name, origin, problem=f"{point.value} is no {kind.__name__}.")
    name = getattr(loaded, "name", "")
    if name != point.name:
        return Entry(
            group, point.name, origin, problem=f"Its entry point is called {point.name!r}, the extension {name!r}."
        )
    return Entry(group, point.name, origin, loaded)


def _twice(what: str, one: Entry, other: Entry) -> SetupError:
    return SetupError(
        f"Two distributions bring {what}: {one.distribution} and {other.distribution}.", hint="Uninstall one of them."
    )


def broken() -> list[Entry]:
    """Return the extensions of all groups that are installed and cannot be used."""
    return [each for group in KINDS for each in entries(group) if each.problem]


@cache
def installed(group: str) -> dict[str, Any]:
    """Return the extensions of ``group`` ("datasets", "frameworks", "views", "executors") that can be used, by name, sorted.

    Raises:
        SetupError: two distributions bring one name.
    """
    return {each.name: each.extension for each in entries(group) if not each.problem}


def extension(group: str, name: str) -> Any:
    """Return the extension ``name`` of ``group``.

    Raises:
        NotFoundError: none of that name is installed.
    """
    found = installed(group)
    if name in found:
        return found[name]
    known = "" if any(each.name == name for each in entries(group)) else f"Installed: {', '.join(found) or 'none'}."
    raise NotFoundError(absence(group, name), hint=known)


def absence(group: str, name: str) -> str:
    """Return why the extension ``name`` of ``group`` cannot be used; "" where it can."""
    if name in installed(group):
        return ""
    for each in entries(group):
        if each.name == name:
            return f"The extension {name!r} of {group} ({each.distribution}) cannot be used: {each.problem}"
    return f"No extension {name!r} of {group} is installed."
