"""The pictures that a model is tested with: the lines of a list that came with the request, or the records of a dataset that is here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from digits.core.errors import DigitsError
from digits.core.states import JobState
from digits.data.addresses import is_address
from digits.data.index import Index
from digits.store import Job, SnapshotRow
from digits.web.classifying import Chunk, PictureSet, Refused, shown
from digits.web.evaluations import databases
from digits.web.imagelist import UNLABELLED, read_list
from digits.web.paths import is_allowed, require_allowed
from digits.web.reading import argument, job_named, whole_number
from digits.web.site import link, settings
from digits.web.testarchives import is_archive, unpack

Entries = Sequence[tuple[str, int]]
"""(path, class id or -1) of each line."""


@dataclass(frozen=True)
class Lines:
    """The pictures of a list; those that may not be opened are refused."""

    entries: Entries
    roots: Sequence[Path]

    def __len__(self) -> int:
        return len(self.entries)

    def chunk(self, start: int, stop: int) -> Chunk:
        """See ``PictureSet.chunk``."""
        chunk = Chunk()
        for place, (path, truth) in enumerate(self.entries[start:stop], start):
            if is_address(path):
                text = "Addresses in a list are not fetched: save the picture on the server."
                chunk.refused.append(Refused(path, text))
            elif self.roots and not is_allowed(Path(path), self.roots):
                chunk.refused.append(Refused(path, "The path lies outside data_roots."))
            else:
                chunk.add(place, path, truth)
        chunk.question = {"paths": chunk.names}
        return chunk

    async def picture(self, request: Request, job: Job, snapshot: SnapshotRow, place: int) -> str:
        """See ``PictureSet.picture``."""
        return await shown(request, job, snapshot, self.entries[place][0])


@dataclass(frozen=True)
class Records:
    """The first ``count`` records of a database; ``ids`` are the model's class ids by the dataset's."""

    dataset: Job
    db: str
    index: Index
    count: int
    ids: Sequence[int]

    def __len__(self) -> int:
        return self.count

    def name(self, place: int) -> str:
        """Return the path that a record was made of."""
        return self.index.paths[place].decode("utf-8", "surrogateescape")

    def chunk(self, start: int, stop: int) -> Chunk:
        """See ``PictureSet.chunk``."""
        chunk = Chunk()
        stop = min(stop, self.count)
        for place in range(start, stop):
            answer = self.index.answer(place)
            truth = self.ids[answer] if isinstance(answer, int) and answer < len(self.ids) else UNLABELLED
            chunk.add(place, self.name(place), truth)
        folder = str(self.dataset.folder.path)
        chunk.question = {"records": {"folder": folder, "db": self.db, "first": start, "count": stop - start}}
        return chunk

    async def picture(self, request: Request, job: Job, snapshot: SnapshotRow, place: int) -> str:  # noqa: ARG002 - as of lists
        """See ``PictureSet.picture``."""
        return link(request, f"/datasets/{self.dataset.id}/picture/{self.db}/{place}")


def asked_set(request: Request, labels: Sequence[str] = ()) -> PictureSet:
    """Return the pictures that the request names: ``image_list`` (lines of paths, or an archive), or ``dataset_id`` with ``db``.

    Args:
        request: its form has been read.
        labels: names of the model's classes; those of a dataset are held against them.

    Raises:
        DigitsError: neither is given, or what is given cannot be used.
        NotFoundError: there is no such dataset.
    """
    if request.state.form.file("image_list") is None and (dataset_id := argument(request, "dataset_id").strip()):
        return _records(request, dataset_id, labels)
    if is_archive(request):
        return unpack(request, labels)
    return Lines(entries_of(request), settings(request).data_roots)


def _records(request: Request, dataset_id: str, labels: Sequence[str]) -> Records:
    dataset = job_named(request, dataset_id, "dataset")
    if dataset.state is not JobState.DONE:
        raise DigitsError(f'"{dataset.name}" is {dataset.state}; a finished dataset can be answered.')
    found = databases(dataset)
    db = argument(request, "db").strip() or next(iter(found), "")
    if db not in found:
        raise DigitsError(f'"{dataset.name}" has no {db or "database"} with pictures in it.')
    index = Index(dataset.folder.path / "index" / db, dataset.facts.get("target_kind", "class"))
    known = {label: number for number, label in enumerate(labels)}
    most = whole_number(request, "num_test_images", 0) or len(index)
    ids = [known.get(label, UNLABELLED) for label in dataset.facts.get("labels", ())]
    return Records(dataset, db, index, min(most, len(index)), ids)


def entries_of(request: Request) -> Entries:
    """Return the lines of ``image_list``.

    Raises:
        DigitsError: there is no list, or its folder does not exist or may not be named.
    """
    upload = request.state.form.file("image_list")
    if upload is None:
        raise DigitsError("image_list is a required field")
    folder = argument(request, "image_folder").strip()
    if folder:
        require_allowed(Path(folder), settings(request))
        if not _is_folder(folder):
            raise DigitsError(f'image_folder "{folder}" does not exit', hint="Name a folder on the server.")  # sic
    most = whole_number(request, "num_test_images", 0) or None
    upload.file.seek(0)
    entries = list(read_list(upload.file, folder, most))
    if not entries:
        raise DigitsError("image_list names no picture.", hint="Give one path a line, a class id behind it.")
    return entries


def _is_folder(folder: str) -> bool:
    try:
        return Path(folder).is_dir()
    except (OSError, ValueError):
        return False
