"""Snapshots: weights and everything a training needs to go on as if it had never stopped.

snapshots/epoch_<E>/
  weights.safetensors  "<layer>:<blob index>" -> float32     state.safetensors  "solver/...", "network/..." and "random/..."
  state.json           step, epoch, seed, lengths of the curves, the machine, sha256 of both files

A snapshot is written as a folder beside its place, forced to the disk, then renamed: it is whole or it is not there; one that takes
the place of another leaves that one beside it until then, and ``clear`` brings it back after a crash in between. All weights are kept
unless the form says how many (``spare``); the solver's state, as large again, is kept with the two newest alone (two, so that one damaged
file costs one interval).
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from digits.core.errors import NotFoundError, WeightsError
from digits.core.files import folder_bytes, read_json, sync_folder, write_bytes, write_json
from digits.core.jobfolder import SNAPSHOT_FACTS, SNAPSHOT_PREFIX, SNAPSHOT_STATE, SNAPSHOT_WEIGHTS, JobFolder
from digits.core.measures import best_of

WEIGHTS, STATE, FACTS = SNAPSHOT_WEIGHTS, SNAPSHOT_STATE, SNAPSHOT_FACTS
_STATES_KEPT = 2
_FORMER = ".former"


@dataclass(frozen=True)
class Facts:
    """``state.json``: where the training stands."""

    step: int
    epoch: float
    seed: int
    validated: int = -1
    pieces: int = 1
    """In how many pieces a batch is learned."""
    lengths: dict[str, int] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    """What the bits of a sum depend on, by its name for people."""
    sha256: dict[str, str] = field(default_factory=dict)
    version: int = 1


def epoch_name(epoch: float) -> str:
    """Return the epoch as DIGITS writes it: rounded to 3 decimals, whole ones without a point."""
    rounded = round(epoch, 3)
    return str(int(rounded)) if rounded == int(rounded) else str(rounded)


def write_snapshot(
    folder: JobFolder, facts: Facts, weights: Mapping[str, NDArray[np.float32]], state: Mapping[str, NDArray[Any]]
) -> tuple[str, int]:
    """Write a snapshot, whole or not at all; one of the same epoch is replaced.

    Returns:
        Its path below the job folder, and its size in bytes.
    """
    name = SNAPSHOT_PREFIX + epoch_name(facts.epoch)
    place, temporary, former = (folder.snapshots / each for each in (name, f".{name}.tmp", f".{name}{_FORMER}"))
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    files = {
        WEIGHTS: safetensors.numpy.save({key: np.asarray(value, order="C") for key, value in weights.items()}),
        STATE: safetensors.numpy.save({key: np.asarray(value, order="C") for key, value in state.items()}),
    }
    for file, data in files.items():
        write_bytes(temporary / file, data)
    hashes = {file: hashlib.sha256(data).hexdigest() for file, data in files.items()}
    write_json(temporary / FACTS, asdict(facts) | {"sha256": hashes})
    if place.exists():
        os.replace(place, former)
    os.replace(temporary, place)
    sync_folder(folder.snapshots)
    shutil.rmtree(former, ignore_errors=True)
    for old in folder.snapshot_folders()[:-_STATES_KEPT]:
        (old / STATE).unlink(missing_ok=True)
    return place.relative_to(folder.path).as_posix(), folder_bytes(place)


def spare(folder: JobFolder, keep: int, measure: str) -> list[Path]:
    """Return the snapshots that go where the ``keep`` newest and the best one by ``measure`` stay (blank: by the validation loss).

    The newest is what a training goes on from, and it is never among them.
    """
    found = folder.snapshot_folders()
    older = found[:-keep]
    if not older:
        return []
    place = best_of([read_facts(snapshot).metrics for snapshot in found], measure)
    return [snapshot for index, snapshot in enumerate(older) if index != place]


def find_snapshot(folder: JobFolder, epoch: float | None = None) -> Path:
    """Return the folder of the snapshot of ``epoch``, or of the newest.

    Raises:
        NotFoundError: there is none.
    """
    found = folder.snapshot_folders()
    if epoch is not None:
        found = [path for path in found if path.name == SNAPSHOT_PREFIX + epoch_name(epoch)]
    if not found:
        raise NotFoundError(
            "The model has no snapshot yet."
            if epoch is None
            else f"The model has no snapshot of epoch {epoch_name(epoch)}."
        )
    return found[-1]


def read_weights(snapshot: Path) -> dict[str, NDArray[np.float32]]:
    """Return the weights, "<layer>:<blob index>" to float32.

    Raises:
        WeightsError: the file is damaged.
    """
    weights: dict[str, NDArray[np.float32]] = safetensors.numpy.load(_checked(snapshot, WEIGHTS))
    return weights


def read_state(snapshot: Path) -> tuple[Facts, dict[str, NDArray[Any]]]:
    """Return where the training stood, and its solver's and generators' state.

    Raises:
        WeightsError: the file is damaged, or is no longer kept.
    """
    state: dict[str, NDArray[Any]] = safetensors.numpy.load(_checked(snapshot, STATE))
    return read_facts(snapshot), state


def read_facts(snapshot: Path) -> Facts:
    """Return ``state.json``.

    Raises:
        WeightsError: it is damaged.
    """
    try:
        values: dict[str, Any] = read_json(snapshot / FACTS)
        return Facts(**values)
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError("The snapshot's file cannot be read.", where=str(snapshot / FACTS)) from error


def newest_whole(folder: JobFolder) -> Path | None:
    """Return the newest snapshot that a training can go on from, passing over damaged ones; None where there was none yet.

    Raises:
        WeightsError: there are some, and none of them is whole: to begin anew would cost the weights that they hold.
    """
    clear(folder)
    found = folder.snapshot_folders()
    for snapshot in reversed(found):
        try:
            for file in (STATE, WEIGHTS):
                _checked(snapshot, file)
        except WeightsError:
            continue
        return snapshot
    if found:
        raise WeightsError(
            "None of the training's snapshots is whole, so it cannot go on.",
            where=str(folder.snapshots),
            hint="Clone the job to train anew, or begin a new model with the weights of one of them.",
        )
    return None


def clear(folder: JobFolder) -> None:
    """Put right what a process left that was killed while it wrote a snapshot."""
    for former in folder.snapshots.glob(f".*{_FORMER}"):
        place = former.with_name(former.name[1:].removesuffix(_FORMER))
        if not place.exists():
            os.replace(former, place)
    for left in folder.snapshots.glob(".*"):
        shutil.rmtree(left, ignore_errors=True)


def forget_later(folder: JobFolder, snapshot: Path) -> list[str]:
    """Remove the snapshots after ``snapshot`` that a training goes on from: they were damaged; return their names."""
    found = folder.snapshot_folders()
    later = found[found.index(snapshot) + 1 :]
    for each in later:
        folder.remove_snapshot(each.name)
    return [each.name for each in later]


def _checked(snapshot: Path, file: str) -> bytes:
    """Return a file's bytes once their sha256 is the one that was written down."""
    try:
        data = (snapshot / file).read_bytes()
    except OSError as error:
        raise WeightsError("The snapshot's file cannot be read.", where=str(snapshot / file)) from error
    if hashlib.sha256(data).hexdigest() != read_facts(snapshot).sha256.get(file):
        raise WeightsError(
            "The snapshot is damaged: its sha256 is another than when it was written.",
            where=str(snapshot / file),
            hint="Choose another snapshot.",
        )
    return data
