"""Pretrained models that are made: of files of a form, of an archive, of a model's snapshot.

Every way ends in the same job: the files below ``uploads/`` of its folder, and a ``PretrainedSpec`` that names them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from digits.caffeproto.files import check_weights_file
from digits.caffeproto.text import parse_net
from digits.core.beginning import PYTHON_LAYERS
from digits.core.errors import DataError, DigitsError, NotFoundError
from digits.core.extensions import FrameworkExtension, extension, installed, load
from digits.core.files import read_json
from digits.core.jobfolder import SNAPSHOT_WEIGHTS, JobFolder
from digits.core.modelinfo import FILE as INFO_FILE
from digits.core.modelinfo import MAX_BYTES, InfoError, described, parse
from digits.core.pretrainedspec import TITLE, PretrainedForm, PretrainedSpec, tasks
from digits.core.settings import Settings
from digits.data.archive.extract import extract
from digits.data.archive.members import Archive, Member, open_archive
from digits.store import Job, SnapshotRow, Store
from digits.web.formfiles import FOLDER, FormFiles
from digits.web.forms import Problems
from digits.web.jobjson import plain_epoch
from digits.web.pythonfile import read_python

MAX_MEMBERS = 1_000
MAX_WEIGHTS_BYTES = 20_000_000_000
MAX_TEXT_BYTES = 20_000_000
_LINKED = {"labels_file": "labels.txt", "mean_file": "mean.binaryproto", "python_layers_file": PYTHON_LAYERS,
           "train_val_file": "train_val.prototxt"}  # fmt: skip
"""Files of a trained model that go with its pretrained copy."""


def submit(store: Store, spec: PretrainedSpec, username: str, folder: JobFolder) -> Job:
    """Queue the making of a pretrained model whose files lie in ``folder``."""
    return store.submit(
        kind="pretrained_model", extension=spec.framework, title=TITLE, name=spec.name, username=username, worker="pretrained",
        tasks=tasks(spec), spec=spec.model_dump(mode="json"), folder=folder,
    )  # fmt: skip


@contextmanager
def new_folder(store: Store) -> Iterator[JobFolder]:
    """Give the folder of a job to be submitted, with a place for its files; it goes if the block fails."""
    folder = store.new_folder()
    try:
        (folder.path / FOLDER).mkdir(mode=0o700)
        yield folder
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise


# ---------------------------------------------------------------- the form


def check(form: PretrainedForm, found: PretrainedForm, names: Mapping[str, str], settings: Settings) -> Problems:
    """Return what is wrong with a form beyond its own fields, by field.

    Args:
        form: as it was sent: a field is empty where no file came.
        found: the same with the files' paths.
        names: by field, what their owner calls the files.
        settings: whether code may run here.
    """
    problems: Problems = {}
    framework: FrameworkExtension | None = installed("frameworks").get(form.framework)
    if framework is None or not framework.take_in:
        known = ", ".join(name for name, each in installed("frameworks").items() if each.take_in)
        return {"framework": [f"Unknown framework {form.framework[:40]!r}. Choose one of {known}."]}
    if not form.weights_file:
        problems["weights_file"] = ["Missing weights file"]
    elif _is_sent(form.weights_file) and not names.get("weights_file", "").lower().endswith(framework.weights_endings):
        problems["weights_file"] = [_wrong_ending("Weights", framework.weights_endings)]
    if not form.model_def_file:
        problems["model_def_file"] = ["Missing model definition file"]
    elif _is_sent(form.model_def_file) and not names.get("model_def_file", "").lower().endswith(
        f".{framework.definition_suffix}"
    ):
        problems["model_def_file"] = [f"Model definition must be .{framework.definition_suffix} file"]
    if form.use_mean != "none" and not form.mean_file:
        problems["mean_file"] = ["Subtract Mean needs the mean picture, a mean.binaryproto."]
    if form.crop_size and form.crop_size > min(form.height, form.width):
        problems["crop_size"] = [
            f"Crop size {form.crop_size} is larger than the pictures of {form.width} x {form.height}."
        ]
    for field in ("weights_file", "model_def_file"):
        if field not in problems and getattr(found, field):
            problems |= _looked(field, Path(getattr(found, field)), framework, settings)
    return problems


def _is_sent(value: str) -> bool:
    """Whether a file came with the form, under a name; the files of a clone were looked at once."""
    return value.startswith("upload:")


def _wrong_ending(what: str, endings: tuple[str, ...]) -> str:
    if len(endings) == 1:
        return f"{what} must be a {endings[0]} file"
    return f"{what} must be a {', '.join(endings[:-1])} or {endings[-1]} file"


def _looked(field: str, path: Path, framework: FrameworkExtension, settings: Settings) -> Problems:
    """Return what the beginning of a file tells against it; nothing of it runs."""
    try:
        if field == "weights_file":
            if framework.name == "caffe":
                check_weights_file(path)
            return {}
        if path.stat().st_size > MAX_TEXT_BYTES:
            return {field: [f"A definition of more than {MAX_TEXT_BYTES:,} bytes is none."]}
        if framework.definition_suffix == "py":
            read_python(path)
            text = path.read_text("utf-8")
            if framework.is_own and not settings.runs_python_layers and not load(framework.is_own)(text):
                return {
                    field: [
                        "Networks written in Python do not run on this server, because others can reach it. "
                        "The setting allow_python_layers changes that."
                    ]
                }
        else:
            parse_net(path.read_text("utf-8", "replace"), where="")
    except DigitsError as error:
        line = f"{error.where}: " if error.where and str(path) not in error.where else ""  # not our name of the file
        return {field: [f"{line}{error.message} {error.hint}".strip()]}
    return {}


def of_form(store: Store, files: FormFiles, form: PretrainedForm) -> Job:
    """Queue the pretrained model that a form asks for, once it was checked."""
    with new_folder(store) as folder:
        spec = PretrainedSpec(**files.moved(form, folder).model_dump(), origin="Uploaded")
        return submit(store, spec, files.username, folder)


# ---------------------------------------------------------------- an archive


def of_archive(store: Store, path: Path, username: str, *, name: str = "") -> Job:
    """Queue the pretrained model in an archive: ``info.json`` and the files that it names, side by side; folders above them do not matter.

    Raises:
        InfoError: it is no archive, or its ``info.json`` is missing, wrong or incomplete; in DIGITS' words.
    """
    with new_folder(store) as folder:
        try:
            archive = open_archive(path, folder.path, stop=lambda: False)
            members = _by_name(archive)
        except DataError as error:
            raise InfoError("Incorrect Archive Type", hint=str(error)) from error
        if INFO_FILE not in members:
            raise InfoError("Missing or Incorrect json file", hint=f"The archive has no {INFO_FILE}.")
        info = members[INFO_FILE]
        if info.size > MAX_BYTES or info.problem:
            raise InfoError("Missing or Incorrect json file", hint=f"{INFO_FILE} is no ordinary small file.")
        try:
            model = described(parse(archive.read(info.place, info.size)), members)
            for field, file in model.files.items():
                most = MAX_WEIGHTS_BYTES if field == "weights_file" else MAX_TEXT_BYTES
                extract(archive, members[file], folder.path / FOLDER / field, max_bytes=most)
        except DataError as error:
            raise InfoError("Incorrect Archive Type", hint=str(error)) from error
        (folder.path / "archive.tar").unlink(missing_ok=True)
        spec = spec_of(model.fields, model.files, origin=f"Archive {name}".strip())
        return submit(store, spec, username, folder)


def _by_name(archive: Archive) -> dict[str, Member]:
    """Return the members beside the topmost ``info.json`` by their own names.

    Raises:
        InfoError: there are too many.
    """
    found: dict[tuple[bytes, ...], dict[str, Member]] = {}
    for count, member in enumerate(archive.members()):
        if count >= MAX_MEMBERS:
            raise InfoError("Incorrect Archive Type", hint=f"It has more than {MAX_MEMBERS:,} entries.")
        if member.parts and b".." not in member.parts:
            found.setdefault(member.parts[:-1], {}).setdefault(os.fsdecode(member.parts[-1]), member)
    folders = sorted((place for place in found if INFO_FILE in found[place]), key=len)
    return found[folders[0]] if folders else {}


def spec_of(fields: Mapping[str, Any], files: Mapping[str, str], **more: Any) -> PretrainedSpec:
    """Return the spec of a model that an ``info.json`` describes; ``files`` are those that came.

    Raises:
        InfoError: a value of it cannot be.
    """
    framework: FrameworkExtension | None = installed("frameworks").get(str(fields.get("framework")))
    if framework is None or not framework.take_in:
        known = ", ".join(name for name, each in installed("frameworks").items() if each.take_in)
        raise InfoError(f"The framework {fields.get('framework')!r} is not known.", hint=f"Known: {known}.")
    try:
        return PretrainedSpec.model_validate({**fields, **{field: f"{FOLDER}/{field}" for field in files}, **more})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InfoError(f"info.json: {place}: {first['msg']}.") from error


# ---------------------------------------------------------------- a snapshot of a model


def of_model(store: Store, job: Job, snapshot: SnapshotRow, username: str) -> Job:
    """Queue a pretrained copy of a model's snapshot; its weights are linked, so that the model may be deleted.

    Raises:
        NotFoundError: the training has not written its files yet.
    """
    try:
        facts: dict[str, Any] = read_json(job.folder.path / "model.json")
    except (OSError, ValueError) as error:
        raise NotFoundError("The model has no network yet.", hint="Wait for its first snapshot.") from error
    framework: FrameworkExtension = extension("frameworks", job.extension)
    sources = {name: job.folder.path / file for name, file in _LINKED.items()}
    sources |= {
        "weights_file": job.folder.path / snapshot.file / SNAPSHOT_WEIGHTS,
        "model_def_file": job.folder.path / framework.definition,
    }
    fields = preprocessing(job, facts) | {
        "name": job.name, "framework": framework.name, "image_type": "1" if facts["channels"] == 1 else "3", "width": facts["width"],
        "height": facts["height"], "resize_mode": facts["resize_mode"], "epoch": snapshot.epoch, "step": snapshot.step,
    }  # fmt: skip
    with new_folder(store) as folder:
        present = {name: path for name, path in sources.items() if path.is_file()}
        for name, path in present.items():
            _link(path, folder.path / FOLDER / name)
        origin = f"{job.name}, epoch {plain_epoch(snapshot.epoch)} ({job.id})"
        spec = spec_of(fields, {name: name for name in present}, origin=origin)
        return submit(store, spec, username, folder)


def preprocessing(job: Job, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``info.json`` says of a model's pictures beyond DIGITS' own keys.

    Args:
        job: a model, or a pretrained one.
        facts: its ``model.json``.
    """
    return {
        "crop_size": job.spec.get("crop_size"), "use_mean": facts["use_mean"], "target_kind": facts["target_kind"],
        "noise_seed": facts["seed"],
    }  # fmt: skip


def _link(path: Path, place: Path) -> None:
    try:
        os.link(path.resolve(), place)
    except OSError:
        shutil.copyfile(path, place)
