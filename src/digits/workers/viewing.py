"""Questions for views: what a network answers about a picture, shown as a view extension does; the pictures are made here, where the net ran."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.extensions import ViewExtension, extension, load
from digits.core.files import read_json
from digits.core.spec import Spec
from digits.data.databases import datum_pixels
from digits.data.images import ResizeMode, read_file
from digits.data.masks import ColourMap, LabelPicture, read_label, resize_mask
from digits.data.records import LABELS, RecordFile, plain_key, read_datum
from digits.data.resize import plan
from digits.data.views import Render, Rendered, ViewFacts
from digits.workers.outputs import stored_picture
from digits.workers.service import Question
from digits.workers.warm import WarmModel, asked_path, refusal

_IGNORED = 255
"""Of pixels of a truth that nothing is known of, where the dataset has no value for them."""


@dataclass(frozen=True)
class _Seen:
    """A picture as the network is given it, and what it should be."""

    name: str
    image_HWC: NDArray[np.uint8] | DataError
    truth: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class _Known:
    """What the question says of the model's dataset."""

    palette: NDArray[np.uint8] | None
    ignore_label: int | None

    @classmethod
    def of(cls, question: Question) -> _Known:
        palette = question.get("palette")
        colours = np.array(palette, np.uint8).reshape(-1, 3) if palette else None
        return cls(colours, question.get("ignore_label"))

    @property
    def fill(self) -> int:
        """The class of padding."""
        return _IGNORED if self.ignore_label is None else self.ignore_label


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
        known, began = _Known.of(question), time.perf_counter()
        seen = list(self._seen(question, known))
        results = [self._result(each, render, spec, known, whole=bool(question.get("whole"))) for each in seen]
        answer: dict[str, Any] = {"results": results, "seconds": time.perf_counter() - began}
        if "db_path" in question:
            answer["count"] = self._entries(question)
        return answer

    def _result(self, seen: _Seen, render: Render, spec: Spec, known: _Known, *, whole: bool) -> dict[str, Any]:
        if isinstance(seen.image_HWC, DataError):
            return {"name": seen.name} | refusal(seen.image_HWC)
        try:
            began = time.perf_counter()
            made, picture_HWC = self._rendered(seen.image_HWC, seen.truth, render, spec, known, whole=whole)
        except DataError as error:
            return {"name": seen.name} | refusal(error)
        return {
            "name": seen.name, "ok": True, "told": dict(made.told), "seconds": time.perf_counter() - began,
            "height": picture_HWC.shape[0], "width": picture_HWC.shape[1],
            "pngs": {name: base64.b64encode(png).decode() for name, png in made.pngs.items()},
        }  # fmt: skip

    def _rendered(
        self, image_HWC: NDArray[np.uint8], truth: NDArray[np.uint8] | None, render: Render, spec: Spec, known: _Known,
        *, whole: bool,
    ) -> tuple[Rendered, NDArray[np.uint8]]:  # fmt: skip
        predictor = self._model.predictor
        outputs = self._model.alone(
            lambda: predictor.predict_whole(image_HWC) if whole else predictor.predict([image_HWC])
        )
        if not whole:
            image_HWC = predictor.seen(image_HWC)
            truth = None if truth is None else predictor.seen(truth[:, :, None])[:, :, 0]
        facts = ViewFacts(predictor.labels, known.palette, known.ignore_label, truth)
        return render(outputs, image_HWC, facts, spec), image_HWC

    def _seen(self, question: Question, known: _Known) -> Iterator[_Seen]:
        whole = bool(question.get("whole"))
        if "db_path" in question:
            yield from self._of_lmdb(question, whole)
            return
        pictures = self._model.pictures(question, whole=whole)
        for number, (name, image) in enumerate(pictures):
            truth = None
            if not isinstance(image, DataError):
                try:
                    truth = self._truth(question, number, image, known)
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

    def _truth(
        self, question: Question, number: int, image_HWC: NDArray[np.uint8], known: _Known
    ) -> NDArray[np.uint8] | None:
        """Return the class ids that the picture should have, brought to its size as it was; None where they are not known."""
        if question.get("label_path"):
            mask_HW = self._ids(
                read_label(read_file(asked_path(question, "label_path")), limits=self._model.limits), known
            )
        elif isinstance(asked := question.get("records"), Mapping):
            folder = Path(asked["folder"])
            if read_json(folder / "dataset.json").get("target_kind") != "mask":
                return None
            with RecordFile(folder / f"{asked['db']}_db" / LABELS) as file:
                record = file.get(plain_key(int(asked["first"]) + number))
            if record is None:
                return None
            mask_HW = datum_pixels(read_datum(record))[:, :, 0]
        else:
            return None
        size = (image_HWC.shape[0], image_HWC.shape[1])
        mode = cast(ResizeMode, self._model.predictor.facts.resize_mode)
        return resize_mask(mask_HW, plan((mask_HW.shape[0], mask_HW.shape[1]), size, mode), known.fill)

    @staticmethod
    def _ids(label: LabelPicture, known: _Known) -> NDArray[np.uint8]:
        if not label.is_colour:
            return label.values
        if known.palette is None:
            text = "The label holds colours, and what they stand for is not known: its dataset is gone."
            raise DataError(text, hint="Give a label whose values are class ids.", rule="LABEL_COLOUR")
        return ColourMap(known.palette, "the dataset's palette").ids(label)
