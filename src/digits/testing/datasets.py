"""What a dataset extension has to hold: its declaration, its build in a worker process, and the reader of what it made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.events import Done, Event, Progress, Stopped
from digits.core.extensions import DatasetExtension, extension, load
from digits.core.jobfolder import JobFolder
from digits.core.settings import Settings
from digits.core.spec import DatasetSpec
from digits.data.reader import PairReader, PairSample
from digits.testing.promises import check_import, check_name, check_spec, holds, last, run_worker

FACTS = ("labels", "target_kind", "dbs", "image", "content_hash")
"""What ``dataset.json`` says of every dataset."""
_LOOKED_AT = 8  # records of a database that are compared one by one
_DENSE = ("mask", "image")


@dataclass(frozen=True)
class BuiltDataset:
    """What the extension made of the spec."""

    folder: JobFolder
    facts: dict[str, Any]
    events: tuple[Event, ...]


def check_dataset(name: str, spec: DatasetSpec, folder: Path, *, refused: DatasetSpec | None = None) -> BuiltDataset:
    """Hold the installed dataset extension ``name`` against everything that the product relies on.

    Args:
        name: of its entry point in ``digits.datasets``.
        spec: makes a small dataset; with a random seed if the extension has one, as it is built twice.
        folder: where job folders may be made.
        refused: a spec with a mistake that ``check`` must tell.

    Returns:
        The dataset that was built, for tests of one's own.

    Raises:
        AssertionError: a promise is broken; the words say which.
        NotFoundError: no extension of that name is installed.
    """
    kind: DatasetExtension = extension("datasets", name)
    _check_declaration(kind, name)
    check_spec(kind.spec, spec)
    _check_check(kind, spec, refused)
    tasks = tuple(load(kind.tasks)(spec))
    names = [task.name for task in tasks]
    holds(bool(tasks) and len(set(names)) == len(names), "A job has tasks, each with a name of its own.", names)

    def run(*, stopped: bool = False) -> tuple[JobFolder, list[Event]]:
        return run_worker(folder, "build", kind="dataset", extension=name, spec=spec, tasks=tasks, stopped=stopped)

    job, events = run()
    end = last(job, events)
    holds(isinstance(end, Done), "The build is done.", end)
    said = {event.task for event in events if isinstance(event, Progress)}
    holds(said <= set(names), "Progress is told of tasks that were planned.", sorted(said - set(names)))
    facts = json.loads((job.path / "dataset.json").read_text(encoding="utf-8"))
    missing = [each for each in FACTS if each not in facts]
    holds(not missing, "dataset.json says what every dataset says.", f"no {', '.join(missing)}")
    for db, told in facts["dbs"].items():
        if told.get("entries"):
            _check_reader(kind, job, db, facts, int(told["entries"]))
    again, _ = run()
    other = json.loads((again.path / "dataset.json").read_text(encoding="utf-8"))["content_hash"]
    holds(
        other == facts["content_hash"],
        "The same spec makes the same content.",
        f"{facts['content_hash']}, then {other}",
    )
    halted, said_last = run(stopped=True)
    holds(isinstance(last(halted, said_last), Stopped), "Asked to stop, a build stops, and says so.", said_last[-1])
    holds(not (halted.path / "dataset.json").exists(), "A build that was stopped leaves no dataset.json.")
    return BuiltDataset(job, facts, tuple(events))


def _check_declaration(kind: DatasetExtension, name: str) -> None:
    check_name(kind.name, kind.title)
    holds(kind.name == name, "The entry point is called as the extension.", f"{name} and {kind.name}")
    holds(all(text.strip() for text in kind.menu), "The menu says a category, an item and what it is for.", kind.menu)
    check_import(kind.spec.__module__)
    for reference in (kind.check, kind.tasks, kind.build, kind.reader, kind.recognise, kind.inspect):
        holds(not reference or callable(load(reference)), "What is named as module:attribute is there.", reference)


def _check_check(kind: DatasetExtension, spec: DatasetSpec, refused: DatasetSpec | None) -> None:
    check, settings = load(kind.check), Settings()
    problems = check(spec, settings)
    holds(problems == {}, "Nothing is found wrong with a spec that can be built.", problems)
    if refused is not None:
        problems = check(refused, settings)
        holds(bool(problems), "A mistake in the spec is told before a job exists.")
        texts = [text for found in problems.values() for text in found]
        holds(
            all(isinstance(text, str) and text.strip() for text in texts), "Problems are lists of sentences.", problems
        )


def _check_reader(kind: DatasetExtension, job: JobFolder, db: str, facts: dict[str, Any], entries: int) -> None:
    reader = load(kind.reader)(job, db)
    holds(
        len(reader) == entries,
        f"A reader has as many records as dataset.json says ({db}).",
        f"{len(reader)}, {entries}",
    )
    holds(reader.target_kind == facts["target_kind"], "Reader and facts name one kind of answer.", reader.target_kind)
    holds(list(reader.labels) == list(facts["labels"]), "Reader and facts name the same labels.", reader.labels)
    for index in (entries, -1):
        try:
            reader[index]
        except IndexError:
            continue
        raise AssertionError(f"A reader raises IndexError where there is no record {index}.")
    some = range(0, entries, max(1, entries // _LOOKED_AT))
    copied = ForkingPickler.loads(bytes(ForkingPickler.dumps(reader)))
    for index in some:
        one, other = reader[index], copied[index]
        image = one.image_HWC
        holds(
            image.dtype == np.uint8 and image.ndim == 3, "Pictures are uint8 [H, W, C].", f"{image.dtype} {image.shape}"
        )
        same = np.array_equal(image, other.image_HWC) and np.array_equal(_answer(one), _answer(other))
        holds(same, "A reader that went to another process reads the same.", f"record {index} of {db}")
    if reader.sample_shape is not None:
        _check_decoded(reader, some)


def _answer(sample: Any) -> Any:
    """Return what a record is answered with: an array of pairs, else a number or some."""
    return sample.label if isinstance(sample, PairSample) else sample.target


def _check_decoded(reader: Any, some: range) -> None:
    """Hold what is decoded in one go against the records one by one."""
    images: NDArray[np.uint8] = np.empty((len(reader), *reader.sample_shape), np.uint8)
    if isinstance(reader, PairReader):
        dtype = np.uint8 if reader.target_kind in _DENSE else np.float32
        targets: NDArray[Any] = np.empty((len(reader), *(reader.label_shape or ())), dtype)
        reader.decode_all(images, targets)
    else:
        reader.decode_all(images)
        targets = reader.targets()
    holds(len(targets) == len(reader), "There is an answer for every record.", len(targets))
    for index in some:
        holds(
            np.array_equal(images[index], reader[index].image_HWC), "Decoded in one go, pictures are the same.", index
        )
        if isinstance(reader, PairReader):
            holds(np.array_equal(targets[index], reader[index].label), "Decoded in one go, labels are the same.", index)
