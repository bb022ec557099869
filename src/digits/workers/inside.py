"""Questions about what happens inside a model while it looks at one picture: its layers, and what speaks for a class."""

from __future__ import annotations

import base64
import uuid
from typing import Any

from digits.core.errors import SpecError
from digits.data.tiles import draw_map
from digits.training.layerviews import LayerView
from digits.workers.service import Question
from digits.workers.warm import WarmModel, asked_path

MAX_MAPS = 10


class Inside:
    """The questions of "Show visualizations and statistics"."""

    def __init__(self, model: WarmModel) -> None:
        self._model = model

    def layers(self, question: Question) -> dict[str, Any]:
        """``/layers``: numbers and histogram of each layer; its picture is a PNG in a folder of the spool, by the row's number."""
        image = self._model.read(asked_path(question))
        predictor = self._model.predictor
        folder = self._model.spool / f"layers-{uuid.uuid4().hex}"
        folder.mkdir(mode=0o700)

        def work() -> list[dict[str, Any]]:
            rows = []
            for number, view in enumerate(predictor.layers(image)):
                if view.tiles:
                    (folder / f"{number}.png").write_bytes(view.tiles.png)
                rows.append(_told(view))
            return rows

        rows = self._model.alone(work)
        return {"folder": folder.name, "layers": rows, "num_parameters": predictor.num_parameters}

    def maps(self, question: Question) -> dict[str, Any]:
        """``/maps``: for each of ``classes`` a PNG of what in the picture speaks for it, as large as the network sees the picture."""
        image = self._model.read(asked_path(question))
        classes, predictor = question.get("classes"), self._model.predictor
        if not isinstance(classes, list) or not all(isinstance(each, int) for each in classes[:MAX_MAPS]):
            raise SpecError({"classes": ["must be a list of class ids"]})
        wanted = [each for each in classes[:MAX_MAPS] if 0 <= each < len(predictor.labels)]
        found = self._model.alone(lambda: predictor.maps(image, wanted))
        if found is None:
            return {"layer": "", "maps": []}
        height, width = predictor.seen(image).shape[:2]
        pngs = [base64.b64encode(draw_map(each, (height, width))).decode() for each in found.maps]
        return {
            "layer": found.layer,
            "maps": [{"class": i, "png_base64": png} for i, png in zip(wanted, pngs, strict=True)],
        }


def _told(view: LayerView) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": view.name, "kind": view.kind, "type": view.layer_type, "shape": list(view.shape),
        "mean": view.mean, "std": view.std, "histogram": list(view.histogram), "tiles": None,
    }  # fmt: skip
    if view.kind == "Weights":
        row["param_count"] = view.num_parameters
    if view.tiles:
        tiles = view.tiles
        row["tiles"] = {
            "width": tiles.width_px, "height": tiles.height_px, "count": tiles.num_tiles, "shown": tiles.num_shown,
        }  # fmt: skip
    return row
