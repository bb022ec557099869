"""A loaded model with what its questions share: how pictures are read, one question at a time at the network, files for the web process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError, SpecError
from digits.core.files import read_json
from digits.core.work import WorkerSettings
from digits.data.encode import encode_png
from digits.data.images import Limits, read_file
from digits.data.stored import StoredDb
from digits.training.inference import Predictor
from digits.workers.service import Question

T = TypeVar("T")
_COLOURS = (1, 3)
NamedPicture = tuple[str, NDArray[np.uint8] | DataError]


class WarmModel:
    """A model that stays loaded."""

    def __init__(self, predictor: Predictor, settings: WorkerSettings) -> None:
        self.predictor = predictor
        self.limits = Limits(max_pixels=settings.max_image_pixels)
        self._spool = settings.spool
        self._threads = ThreadPoolExecutor(max(2, settings.num_threads), "decode")
        self._network = ThreadPoolExecutor(1, "network")

    @property
    def spool(self) -> Path:
        """The folder of files that pass to the web process; what nobody takes goes after a day."""
        assert self._spool, "this question needs a spool"
        folder = Path(self._spool)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def alone(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns, done while no other question reaches the network."""
        return self._network.submit(work).result()

    def prepared(self, data: bytes, *, whole: bool = False) -> NDArray[np.uint8]:
        """Return the picture in the file ``data`` as the dataset has its pictures; ``whole``: in its own size.

        Raises:
            DataError: it holds none that can be used.
        """
        prepare = self.predictor.prepare_whole if whole else self.predictor.prepare
        return prepare(data, limits=self.limits)

    def read(self, path: str, *, whole: bool = False) -> NDArray[np.uint8]:
        """Return the prepared picture at ``path``.

        Raises:
            DataError: there is none that can be used.
        """
        try:
            return self.prepared(read_file(path), whole=whole)
        except DataError as error:
            error.where = error.where or path
            raise

    def read_each(self, paths: Iterable[str], *, whole: bool = False) -> Iterator[NDArray[np.uint8] | DataError]:
        """Yield the prepared picture at each path, or what is wrong with it."""

        def attempt(path: str) -> NDArray[np.uint8] | DataError:
            try:
                return self.read(path, whole=whole)
            except DataError as error:
                return error

        return self._threads.map(attempt, paths)

    def fitted(self, pixels_HWC: NDArray[np.uint8], *, whole: bool = False) -> NDArray[np.uint8]:
        """Return the pixels of a record brought to the dataset's size and channels as a file is; ``whole``: in its own size.

        Raises:
            DataError: it has neither 1 nor 3 channels, and another size.
        """
        facts = self.predictor.facts
        if whole or pixels_HWC.shape == (facts.height, facts.width, facts.channels):
            return pixels_HWC
        if pixels_HWC.shape[2] not in _COLOURS:
            shape = " × ".join(map(str, pixels_HWC.shape))
            raise DataError(f"The record is {shape}, which cannot be resized.", rule="IMG_CHANNELS")
        return self.prepared(encode_png(pixels_HWC), whole=whole)

    def pictures(self, question: Question, *, whole: bool = False) -> list[NamedPicture]:
        """Return the pictures of a question, or what is wrong with each: at ``paths``, or ``records`` of a dataset.

        Records are ``{"folder": the dataset's, "db", "first": the number of the first, "count"}``.

        Raises:
            SpecError: the question names neither.
            DataError: there is no such database.
        """
        asked = question.get("records")
        if not isinstance(asked, Mapping):
            paths = asked_paths(question)
            return list(zip(paths, self.read_each(paths, whole=whole), strict=True))
        folder = Path(asked["folder"])
        with StoredDb(folder, asked["db"], read_json(folder / "dataset.json")) as stored:
            rows = range(asked["first"], min(asked["first"] + asked["count"], len(stored)))
            keys = [stored.index.key(row).decode("utf-8", "surrogateescape") for row in rows]
            images = self._threads.map(lambda row: self._record(stored, row, whole=whole), rows)
            return list(zip(keys, images, strict=True))

    def _record(self, stored: StoredDb, row: int, *, whole: bool) -> NDArray[np.uint8] | DataError:
        try:
            return self.fitted(stored.read(row).image_HWC, whole=whole)
        except DataError as error:
            return error


def refusal(error: DataError) -> dict[str, Any]:
    """Return the part of an answer that says what is wrong with a picture."""
    return {"ok": False, "error": {"message": error.message, "hint": error.hint, "rule": error.rule}}


def asked_path(question: Question, name: str = "path") -> str:
    """Return the path of a question.

    Raises:
        SpecError: it has none.
    """
    path = question.get(name)
    if not isinstance(path, str):
        raise SpecError({name: ["must be a path"]})
    return path


def asked_paths(question: Question) -> list[str]:
    """Return the ``paths`` of a question.

    Raises:
        SpecError: it has none.
    """
    paths = question.get("paths")
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise SpecError({"paths": ["must be a list of paths"]})
    return paths


def in_parts(question: Question, size: int) -> Iterator[Question]:
    """Yield a question about many pictures as questions about at most ``size`` each.

    Raises:
        SpecError: it names no pictures.
    """
    if isinstance(asked := question.get("records"), Mapping):
        first, count = int(asked["first"]), int(asked["count"])
        for start in range(0, count, size):
            yield question | {"records": {**asked, "first": first + start, "count": min(size, count - start)}}
        return
    paths = asked_paths(question)
    for start in range(0, len(paths), size):
        yield question | {"paths": paths[start : start + size]}
