"""Files that come with a form: uploads until the form is good, then part of the job's folder.

In a spec the value of a file's field is "upload:ID" as it comes, or "job:ID" for the file of the job that a form is a clone of; a path
while the spec is checked; and "uploads/<field>", below the job's folder, in ``job.json``. A path that somebody types into such a field is
no file of theirs, and counts as nothing.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request

from digits.core.errors import DigitsError, NotFoundError
from digits.core.jobfolder import JOB_ID, JobFolder
from digits.core.spec import Spec, Widget, upload_name
from digits.store import Store
from digits.store.uploads import UPLOAD_ID, Upload, Uploads
from digits.web.fields import FormView
from digits.web.forms import Problems
from digits.web.reading import Form
from digits.web.shape import Choice, Leaf, Node, shape
from digits.web.site import settings, store

S = TypeVar("S", bound=Spec)
FOLDER = "uploads"
_SENT = re.compile(rf"upload:({UPLOAD_ID.pattern})")
_CLONED = re.compile(rf"job:({JOB_ID.pattern})")


async def receive(request: Request, spec: type[Spec], form: Form) -> dict[str, list[str]]:
    """Keep the files of a form as uploads, and return their fields: "upload:ID" where one was sent, "" where none was."""
    fields: dict[str, list[str]] = {}
    for leaf in shape(spec).leaves():
        if leaf.extra.get("widget") != "file":
            continue
        file, typed = form.file(leaf.flat), form.text(upload_name(leaf.flat)) or form.text(leaf.flat)
        if file is not None:
            upload = await run_in_threadpool(_keep, request, file)
            fields[leaf.flat] = [f"upload:{upload.id}"]
        elif _SENT.fullmatch(typed) or _CLONED.fullmatch(typed):
            fields[leaf.flat] = [typed]
        elif form.text(upload_name(leaf.flat)):
            fields[leaf.flat] = [f"upload:{typed}"]
        elif leaf.flat in form.fields:
            fields[leaf.flat] = [""]
    return fields


def _keep(request: Request, file: UploadFile) -> Upload:
    uploads = Uploads(settings(request))
    upload = uploads.begin(name=file.filename or "", username=request.state.user, size=file.size)
    file.file.seek(0)
    return uploads.put(upload, 0, file.file)


def of_clone(spec: type[Spec], job_id: str, fields: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the fields of a clone of ``job_id`` with that job's files in them."""
    files = {leaf.flat for leaf in shape(spec).leaves() if leaf.extra.get("widget") == "file"}
    return {name: [f"job:{job_id}"] if name in files and any(texts) else texts for name, texts in fields.items()}


@dataclass(frozen=True)
class Chosen:
    """A file that a form has already."""

    value: str
    """What the form sends for it."""
    name: str
    size: int
    """Bytes."""


@dataclass(frozen=True)
class FormFiles:
    """The files of one submitted form."""

    uploads: Uploads
    username: str
    store: Store

    @classmethod
    def of(cls, request: Request) -> FormFiles:
        """Return those of ``request``."""
        return cls(Uploads(settings(request)), request.state.user, store(request))

    def found(self, spec: S) -> tuple[S, Problems]:
        """Return ``spec`` with the paths of its files, and what is wrong with them by dotted field path."""
        problems: Problems = {}

        def path(where: str, flat: str, value: str) -> str:
            try:
                return str(self._path(flat, value) or "")
            except DigitsError as error:
                problems.setdefault(where, []).append(str(error))
                return ""

        return change_files(spec, path), problems

    def moved(self, spec: S, folder: JobFolder) -> S:
        """Move the files of ``spec`` into the job's folder, and return it with their places there."""

        def move(_where: str, flat: str, value: str) -> str:
            path = self._path(flat, value)
            if path is None:
                return ""
            place = folder.path / FOLDER / flat
            if sent := _SENT.fullmatch(value):
                self.uploads.take(self.uploads.find(sent[1], username=self.username), place)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, place)
            return f"{FOLDER}/{flat}"

        return change_files(spec, move)

    def chosen(self, view: FormView) -> dict[str, Chosen]:
        """Return the files that are chosen in a form already, by flat name; those that are gone are left out."""
        found: dict[str, Chosen] = {}
        for name, each in view.fields.items():
            value = view.value(name)
            if each.widget != "file" or not value:
                continue
            try:
                if path := self._path(name, value):
                    found[name] = Chosen(value, self._title(value), path.stat().st_size)
            except (DigitsError, OSError):
                continue
        return found

    def _title(self, value: str) -> str:
        if sent := _SENT.fullmatch(value):
            return self.uploads.find(sent[1], username=self.username).name
        return f"The file of {self.store.job(value.removeprefix('job:')).name!r}"

    def _path(self, flat: str, value: str) -> Path | None:
        """Return where a file lies; None where the value names none."""
        if sent := _SENT.fullmatch(value):
            upload = self.uploads.find(sent[1], username=self.username)
            if not upload.is_whole:
                raise DigitsError(
                    f"Only {upload.have:,} of {upload.size:,} bytes have come.", hint="Send the rest first."
                )
            return upload.data
        if cloned := _CLONED.fullmatch(value):
            path = self.store.job(cloned[1]).folder.path / FOLDER / flat
            if not path.is_file():
                raise NotFoundError("The cloned job has this file no more.", hint="Choose it again.")
            return path
        return None


def change_files(spec: S, change: Callable[[str, str, str], str], *, widget: Widget = "file") -> S:
    """Return ``spec`` with ``change(dotted path, flat name, value)`` in each field that is a file (or another widget) and has a value."""
    return _changed(spec, shape(type(spec)), "", change, widget)


def _changed(spec: S, node: Node, where: str, change: Callable[[str, str, str], str], widget: Widget) -> S:
    update: dict[str, Any] = {}
    for name, part in node.parts.items():
        value = getattr(spec, name)
        path = f"{where}{name}"
        if isinstance(part, Leaf):
            if part.extra.get("widget") == widget and value:
                update[name] = change(path, part.flat, value)
        elif isinstance(part, Choice):
            branch = part.branches[str(getattr(value, part.discriminator))]
            update[name] = _changed(value, branch, f"{path}.", change, widget)
        else:
            update[name] = _changed(value, part, f"{path}.", change, widget)
    return spec.model_copy(update=update) if update else spec
