"""Questions for all that a network answers: every output as nested lists, one picture after the other or record by record of an LMDB.

An answer ends early once it is long; who asked goes on where it ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.databases import datum_pixels
from digits.data.records import RecordFile, read_datum
from digits.workers.given import GivenPictures, as_lists
from digits.workers.service import Question
from digits.workers.warm import NamedPicture, WarmModel, asked_path, in_parts, refusal

MAX_VALUES = 1_000_000
"""Of one answer; about 20 MB as text."""
_BATCH = 32


class Outputs:
    """The questions of the routes ``infer_*``; "whole" in a question leaves pictures their own size."""

    def __init__(self, model: WarmModel) -> None:
        self._model = model

    def paths(self, question: Question) -> dict[str, Any]:
        """``/outputs``: of each picture (``paths``, or ``records`` of a dataset) its outputs; fewer than were asked for where they are long."""
        whole, given = bool(question.get("whole")), GivenPictures(self._model, question)
        return {"results": self._model.alone(lambda: self._results(self._asked(question, whole), whole, given))}

    def records(self, question: Question) -> dict[str, Any]:
        """``/outputs_db``: of the first records behind the key ``after``, or from number ``first`` on; none once all were asked for.

        Raises:
            DataError: there is no LMDB at ``db_path``.
        """
        folder, whole = Path(asked_path(question, "db_path")), bool(question.get("whole"))
        given = GivenPictures(self._model, question)
        after = str(question.get("after") or "").encode("utf-8", "surrogateescape")
        first, most = int(question.get("first", 0)), int(question.get("most", _BATCH))
        if not (folder / "data.mdb").is_file():
            raise DataError("There is no LMDB here.", where=str(folder), hint="Name the folder that holds data.mdb.")
        with RecordFile(folder) as file:
            records = islice(file.items(after=after), first, first + most)
            return {"results": self._model.alone(lambda: self._results(self._of_records(records, whole), whole, given))}

    def _results(
        self, pictures: Iterable[NamedPicture], whole: bool, given: GivenPictures
    ) -> list[dict[str, Any]]:  # fmt: skip
        results: list[dict[str, Any]] = []
        num_values = 0
        waiting = iter(pictures)
        while num_values < MAX_VALUES and (some := list(islice(waiting, 1 if whole else _BATCH))):
            good = [image for _, image in some if not isinstance(image, DataError)]
            try:
                outputs = self._outputs(good, whole)
            except DataError as error:  # of the one picture that does not fit
                some, outputs = [(some[0][0], error)], iter(())
            for name, image in some:
                if isinstance(image, DataError):
                    results.append({"name": name} | refusal(image))
                    continue
                made = given.taken_back(next(outputs), given.size(name))
                num_values += sum(value.size for value in made.values())
                results.append({"name": name, "ok": True, "outputs": as_lists(made)})
        return results

    def _outputs(self, images: list[NDArray[np.uint8]], whole: bool) -> Iterator[Mapping[str, NDArray[np.float32]]]:
        """Return of each picture its outputs, each with a batch axis of 1."""
        if not images:
            return iter(())
        predictor = self._model.predictor
        made = predictor.predict_whole(images[0]) if whole else predictor.predict(images)
        return iter([{key: value[i : i + 1] for key, value in made.items()} for i in range(len(images))])

    def _asked(self, question: Question, whole: bool) -> Iterator[NamedPicture]:
        for part in in_parts(question, _BATCH):
            yield from self._model.pictures(part, whole=whole)

    def _of_records(self, records: Iterable[tuple[bytes, bytes]], whole: bool) -> Iterator[NamedPicture]:
        for key, record in records:
            yield key.decode("utf-8", "surrogateescape"), stored_picture(self._model, record, whole=whole)


def stored_picture(model: WarmModel, record: bytes, *, whole: bool) -> NDArray[np.uint8] | DataError:
    """Return the picture of a record, brought to the dataset's size and channels as a file is; or what is wrong with it."""
    try:
        datum = read_datum(record)
        if datum.encoded:
            return model.prepared(bytes(datum.data), whole=whole)
        return model.fitted(datum_pixels(datum), whole=whole)
    except DataError as error:
        return error
    except ValueError as error:
        return DataError(f"The record holds no picture: {error}.", rule="RECORD_BROKEN")
