"""Questions for views: what a network answers about a picture, shown as a view extension does; the pictures are made here, where the net ran."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.extensions import ViewExtension, extension, load
from digits.core.spec import Spec
from digits.data.records import RecordFile
from digits.data.views import Render, Rendered, Truth, ViewFacts
from digits.workers.given import KIND, GivenPictures
from digits.workers.outputs import stored_picture
from digits.workers.service import Question
from digits.workers.truths import Truths
from digits.workers.warm import WarmModel, asked_path, refusal


@dataclass(frozen=True)
class _Seen:
    """A picture as the network is given it, and what it should be."""

    name: str
    image_HWC: NDArray[np.uint8] | DataError
    truth: Truth | None = None


class Viewing:
    """The question of the pages of ``infer_*``."""

    def __init__(self, model: WarmModel) -> None:
        self._model = model

    def view(self, question: Question) -> dict[str, Any]:
        """``/view``: of each picture what the view ``view`` with the settings ``fields`` makes of the outputs.

        The pictures are at ``paths`` (the first with what it should be at ``label_path``, if that is given), ``records`` of a dataset, or
        the records ``first`` to ``first + count`` of the LMDB at ``db_path``.

        Raises:
            NotFoundError: there is no such view.
            DataError: there is no such database.
        """
        view: ViewExtension = extension("views", str(question.get("view")))
        spec, render = view.spec.model_validate(question.get("fields") or {}), load(view.render)
        truths, began = Truths(self._model, question), time.perf_counter()
        with closing(truths):
            seen = list(self._seen(question, truths))
        predictor, whole = self._model.predictor, bool(question.get("whole"))
        known = ViewFacts(
            predictor.labels, truths.colours.palette, truths.colours.ignore_label,
            target_kind=predictor.facts.target_kind, dataset=question.get("dataset") or {},
        )  # fmt: skip
        given = GivenPictures(self._model, question) if KIND in view.kinds else None
        results = [self._result(each, render, spec, known, whole=whole, given=given) for each in seen]
        answer: dict[str, Any] = {"results": results, "seconds": time.perf_counter() - began}
        if "db_path" in question:
            answer["count"] = self._entries(question)
        return answer

    def _result(
        self, seen: _Seen, render: Render, spec: Spec, known: ViewFacts, *, whole: bool, given: GivenPictures | None
    ) -> dict[str, Any]:
        if isinstance(seen.image_HWC, DataError):
            return {"name": seen.name} | refusal(seen.image_HWC)
        try:
            began = time.perf_counter()
            size = given.size(seen.name) if given else None
            if given is not None and size is not None:
                made = self._as_given(seen.name, seen.image_HWC, seen.truth, render, spec, known, given, size)
            else:
                made, size = self._rendered(seen.image_HWC, seen.truth, render, spec, known, whole=whole)
        except DataError as error:
            return {"name": seen.name} | refusal(error)
        return {
            "name": seen.name, "ok": True, "told": dict(made.told), "seconds": time.perf_counter() - began,
            "height": size[0], "width": size[1],
            "pngs": {name: base64.b64encode(png).decode() for name, png in made.pngs.items()},
        }  # fmt: skip

    def _rendered(
        self, image_HWC: NDArray[np.uint8], truth: Truth | None, render: Render, spec: Spec, known: ViewFacts,
        *, whole: bool,
    ) -> tuple[Rendered, tuple[int, int]]:  # fmt: skip
        """Return the view of a picture as the network sees it, and its height and width."""
        predictor = self._model.predictor
        outputs = self._model.alone(
            lambda: predictor.predict_whole(image_HWC) if whole else predictor.predict([image_HWC])
        )
        if not whole:
            image_HWC = predictor.seen(image_HWC)
        return render(outputs, image_HWC, replace(known, truth=truth), spec), (image_HWC.shape[0], image_HWC.shape[1])

    def _as_given(
        self, name: str, image_HWC: NDArray[np.uint8], truth: Truth | None, render: Render, spec: Spec,
        known: ViewFacts, given: GivenPictures, size: tuple[int, int],
    ) -> Rendered:  # fmt: skip
        """Return the view of boxes over the picture as it was given."""
        outputs = self._model.alone(lambda: self._model.predictor.predict([image_HWC]))
        known = replace(known, truth=given.true(truth, size))
        return render(given.taken_back(outputs, size), given.picture(name, image_HWC), known, spec)

    def _seen(self, question: Question, truths: Truths) -> Iterator[_Seen]:
        whole = bool(question.get("whole"))
        if "db_path" in question:
            yield from self._of_lmdb(question, whole)
            return
        pictures = self._model.pictures(question, whole=whole)
        for number, (name, image) in enumerate(pictures):
            truth = None
            if not isinstance(image, DataError):
                try:
                    truth = truths.of(number, image)
                except DataError as error:
                    image = error
            yield _Seen(name, image, truth)

    def _of_lmdb(self, question: Question, whole: bool) -> Iterator[_Seen]:
        first, count = int(question["first"]), int(question["count"])
        with self._lmdb(question) as file:
            for key in islice(file.keys(), first, first + count):
                image = stored_picture(self._model, file.get(key) or b"", whole=whole)
                yield _Seen(key.decode("utf-8", "surrogateescape"), image)

    def _entries(self, question: Question) -> int:
        with self._lmdb(question) as file:
            return len(file)

    @staticmethod
    def _lmdb(question: Question) -> RecordFile:
        folder = Path(asked_path(question, "db_path"))
        if not (folder / "data.mdb").is_file():
            raise DataError("There is no LMDB here.", where=str(folder), hint="Name the folder that holds data.mdb.")
        return RecordFile(folder)
