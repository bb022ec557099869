"""A training that begins with weights of others: copied by the names of layers before the first step, and told layer by layer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digits.core.beginning import COPIED, Beginning, WeightFile
from digits.core.errors import WeightsError
from digits.core.events import Emit, Warned
from digits.core.files import write_json
from digits.core.jobfolder import JobFolder
from digits.networks.caffe.copying import Holder, copy_by_name, copy_table, warnings_of
from digits.training.caffelog import CaffeLog

Read = Callable[[Path], Mapping[str, NDArray[np.float32]]]
"""Reads a file of weights as a framework's networks name them."""


def copy_weights(
    net: Holder, folder: JobFolder, emit: Emit, log: CaffeLog, read: Read, *, num_classes: int | None = None
) -> None:
    """Copy the weights that the training in ``folder`` begins with, write ``weights.json``, and warn of layers that start anew.

    Args:
        net: takes the weights.
        folder: the job's.
        emit: hears the warnings.
        log: hears every layer.
        read: reads a file.
        num_classes: see ``copy_by_name``.

    Raises:
        WeightsError: a file has gone, is damaged, or holds no weights.
    """
    beginning = Beginning.read(folder)
    if not beginning.weights:
        return
    names = [each.name for each in beginning.weights]
    rows = copy_by_name(net, _read(beginning, folder, log, read), unfit="keep", num_classes=num_classes)
    for row in rows:
        log.say(row.line)
    write_json(folder.path / COPIED, copy_table(rows, names))
    for fact, hint in warnings_of(rows, names):
        emit(Warned(message=fact, hint=hint))


def _read(
    beginning: Beginning, folder: JobFolder, log: CaffeLog, read: Read
) -> Iterator[tuple[str, Mapping[str, NDArray[np.float32]]]]:
    """Yield the files one by one: several large ones need not be in memory together."""
    for path, file in beginning.files(folder):
        log.say(f"Finetuning from {file.name}")
        _check(path, file)
        try:
            yield file.name, read(path)
        except WeightsError as error:
            raise WeightsError(error.message, where=f"weights {file.name}", hint=error.hint) from error


def _check(path: Path, file: WeightFile) -> None:
    if not path.is_file():
        raise WeightsError(
            "The weight file has gone since the job was made.",
            where=file.name,
            hint="Put it back, or clone the job with another.",
        )
    if not file.sha256:
        return
    with path.open("rb") as data:
        found = hashlib.file_digest(data, "sha256").hexdigest()
    if found != file.sha256:
        raise WeightsError(
            "The snapshot is damaged: its sha256 is another than when it was written.",
            where=file.name,
            hint="Choose another.",
        )
