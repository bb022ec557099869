"""The files of a store's entry, fetched into a pretrained model's folder with progress."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from urllib.parse import quote

from digits.core.errors import DataError, SetupError
from digits.core.events import Emit, Progress
from digits.core.jobfolder import JobFolder
from digits.core.pretrainedspec import FETCH, PretrainedSpec
from digits.core.work import StopCheck, StoppedError, WorkerSettings
from digits.data.addresses import is_address
from digits.data.fetch import Fetcher, UrlRules

MAX_BYTES = {"weights_file": 20_000_000_000}
MAX_OTHER_BYTES = 20_000_000
FOLDER = "uploads"
_NEEDED = ("weights_file", "model_def_file")
_SAY_S = 0.5


def fetch_entry(
    spec: PretrainedSpec,
    folder: JobFolder,
    settings: WorkerSettings,  # noqa: ARG001 - the operator's own store needs no further leave
    emit: Emit,
    stop: StopCheck,
) -> PretrainedSpec:
    """Fetch the files that ``spec`` names, and return it with their places; a file that may be missing and is, is left out.

    Raises:
        DataError: the weights or the definition do not come.
        StoppedError: the job was asked to stop.
    """
    (folder.path / FOLDER).mkdir(exist_ok=True, mode=0o700)
    there: dict[str, str] = {}
    for number, (field, name) in enumerate(spec.store_files.items()):
        told = _Told(emit, stop, name, number, len(spec.store_files))
        place = folder.path / FOLDER / field
        try:
            _take(spec.store_entry, name, place, MAX_BYTES.get(field, MAX_OTHER_BYTES), told)
        except DataError as error:
            place.unlink(missing_ok=True)
            if field in _NEEDED:
                raise DataError(
                    f"{name} does not come: {error.message}", where=spec.store_entry, hint=error.hint
                ) from error
            continue
        there[field] = f"{FOLDER}/{field}"
    emit(Progress(task=FETCH, done=1, total=1, text=f"{len(there)} files", state="done"))
    return spec.model_copy(update=there)


def _take(entry: str, name: str, place: Path, max_bytes: int, told: _Told) -> None:
    if not is_address(entry):
        _copy(Path(entry), name, place, max_bytes, told)
        return
    address = entry + quote(name)
    with Fetcher(UrlRules.for_origin(address)) as fetcher, place.open("wb") as out:
        fetcher.save(address, out, max_bytes=max_bytes, told=told)


def _copy(folder: Path, name: str, place: Path, max_bytes: int, told: _Told) -> None:
    try:
        source = (folder / name).resolve(strict=True)
        size = source.stat().st_size
        if not source.is_file() or size > max_bytes:
            raise DataError(f"The file has {size:,} bytes, more than {max_bytes:,}.")
        shutil.copyfile(source, place)
    except FileNotFoundError as error:
        raise DataError("There is no such file.", where=name) from error
    except OSError as error:
        raise SetupError(f"The file cannot be copied: {error.strerror or error}.", where=name) from error
    told(size, size)


class _Told:
    """Says how far a file is, now and then; stops it where that was asked for."""

    def __init__(self, emit: Emit, stop: StopCheck, name: str, number: int, count: int) -> None:
        self._emit, self._stop, self._name, self._number, self._count = emit, stop, name, number, count
        self._next = 0.0

    def __call__(self, have: int, total: int) -> None:
        """Hear how many bytes have come.

        Raises:
            StoppedError: the job was asked to stop.
        """
        if self._stop():
            raise StoppedError("Stopped while files were fetched.")
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _SAY_S
            share = have / total if total else 0.0
            text = f"{self._name}: {have:,}" + (f" of {total:,}" if total else "") + " bytes"
            self._emit(Progress(task=FETCH, done=(self._number + share) / self._count, total=1, text=text))
