"""Kind ``boxes``: where things are and what they are, as in detection.

On its way in a picture has M rows of (class, left, top, right, bottom, ignored), class -1 where there is no box; a network in tests answers with
K rows of (left, top, right, bottom, confidence, class), confidence 0 where there is none, under the name ``boxes`` (``networks.detection``).
Pixels of the network's input. Curves are ``map50``, ``map50_95`` and ``ap50/<label>``, as COCO counts, over the whole validation set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.core.errors import DataError
from digits.core.measures import AP
from digits.data.boxes import found_in
from digits.networks.detection.grid import CLASS, IGNORED, SIDES
from digits.scoring.detection import Detections, Matches, match
from digits.scoring.kept import kept
from digits.training.geometry import Moves
from digits.training.outputs import single_numbers
from digits.training.targets import Answers, Cells

_COLUMNS = (5, 6)  # of lists of boxes
_LEFT_OVER = 0.25  # of a box's area that has to be in the picture still, for the box to be learned


class BoxesTarget:
    """Boxes in, boxes out."""

    unit = 1.0

    def __init__(self, answers: Answers) -> None:
        self._labels = answers.labels

    def collate(self, targets: NDArray[Any]) -> Tensor:
        """Return [N, M, 6] float32."""
        return torch.from_numpy(np.asarray(targets, np.float32))

    def move(self, targets: Tensor, by: Moves) -> Tensor:
        """Return the upright boxes around the moved corners, cut off at the edges; what is mostly beyond them is no box any more."""
        there = np.linalg.inv(_square(by.back))[:, :2].astype(np.float32)
        matrix = torch.from_numpy(there).to(targets.device)
        left, top, right, bottom = targets[:, :, SIDES].unbind(-1)
        xs, ys = torch.stack((left, right, left, right), -1), torch.stack((top, top, bottom, bottom), -1)
        x, y = (
            matrix[:, axis, 0, None, None] * xs + matrix[:, axis, 1, None, None] * ys + matrix[:, axis, 2, None, None]
            for axis in (0, 1)
        )
        whole = torch.stack((x.amin(-1), y.amin(-1), x.amax(-1), y.amax(-1)), -1)
        limits = torch.tensor([by.size[1], by.size[0]] * 2, device=targets.device, dtype=targets.dtype)
        inside = torch.minimum(whole.clamp(min=0), limits)
        stays = _area(inside) > _LEFT_OVER * _area(whole)
        moved = targets.clone()
        moved[:, :, SIDES] = inside
        moved[:, :, CLASS] = torch.where(stays, targets[:, :, CLASS], -1)
        moved[:, :, IGNORED] = torch.where(_area(inside) > 0, targets[:, :, IGNORED], 0)
        return moved

    def measure(self, outputs: Mapping[str, Tensor], targets: Tensor) -> dict[str, Tensor]:  # noqa: ARG002 - the protocol's
        """Return what the network computes itself."""
        return single_numbers(outputs)

    def tally(self, device: torch.device) -> BoxesTally:  # noqa: ARG002 - boxes are counted on the host
        """Return what gathers boxes over a validation."""
        return BoxesTally(self._labels)

    def predict(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return [N, K, 6]: the boxes that were found.

        Raises:
            DataError: no output is a list of boxes.
        """
        found = found_in(outputs)
        if found is None:
            raise DataError("No output of the network is a list of boxes.", hint="See the view of all raw data.")
        return found

    def scores(self, labels: Sequence[str], columns: NDArray[np.int64]) -> BoxesScores:
        """Return average precisions, of all classes and of each."""
        return BoxesScores(labels, columns)


class BoxesTally:
    """The boxes of a validation. Where several processes measure, its figures are those of the leader's share of the pictures."""

    counts: Sequence[Tensor] = ()

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = labels
        self._detections = Detections(len(labels))

    def add(self, outputs: Mapping[str, Tensor], targets: Tensor) -> None:
        """Take the boxes of a batch; a network that shows none is not counted."""
        found = found_in({name: value.float().cpu().numpy() for name, value in outputs.items() if _may_be_list(value)})
        if found is not None:
            self._detections.add(found, targets.float().cpu().numpy())

    def result(self) -> dict[str, float]:
        """Return ``map50``, ``map50_95`` and ``ap50/<label>`` of each class that has boxes; nothing where none was counted."""
        precision = self._detections.precision()
        named = {"map50": precision.map50, "map50_95": precision.map50_95}
        named |= {f"{AP}/{label}": value for label, value in zip(self._labels, precision.ap50, strict=True)}
        return {name: value for name, value in named.items() if not math.isnan(value)}


class BoxesScores:
    """What boxes say about a model; kept of a picture is the share of its boxes, true ones and found ones, that have no partner."""

    columns = ("boxes", "found", "right", "missed", "wrong")

    def __init__(self, labels: Sequence[str], columns: NDArray[np.int64]) -> None:
        self._labels, self._ids = labels, columns
        self._detections = Detections(len(labels))

    def add(self, answers: NDArray[Any], targets: NDArray[Any]) -> tuple[NDArray[Any], Cells]:
        """Take found boxes [N, K, 6] and true ones [N, M, 6]."""
        true = np.array(targets, np.float32)
        is_box = true[:, :, CLASS] >= 0
        true[:, :, CLASS][is_box] = self._ids[true[:, :, CLASS][is_box].astype(np.int64)]
        self._detections.add(answers, true)
        matches: list[Matches] = [match(found, boxes) for found, boxes in zip(answers, true, strict=True)]
        errors = np.array([each.missed + each.wrong for each in matches])
        share = errors / np.maximum(1, errors + 2 * np.array([each.right for each in matches]))
        cells = [
            (each.right + each.missed, each.right + each.wrong, each.right, each.missed, each.wrong) for each in matches
        ]
        worst = [each.worst_class for each in matches]
        return kept(truth=np.array(worst), said=np.array(worst), wrong=errors > 0, score=share), cells

    def result(self) -> dict[str, Any]:
        """Return the numbers; a class without boxes has none."""
        precision = self._detections.precision()
        rows = zip(self._labels, self._detections.per_class.tolist(), precision.ap50, precision.ap50_95, strict=True)
        return {
            "metrics": {"map50": _number(precision.map50), "map50_95": _number(precision.map50_95)},
            "per_class": [
                {"label": label, "count": count, "ap50": _number(ap50), "ap50_95": _number(over)}
                for label, count, ap50, over in rows
            ],
            "confusion": [],
            "calibration": None,
        }


def _may_be_list(output: Tensor) -> bool:
    return output.ndim in (3, 4) and output.shape[-1] in _COLUMNS


def _square(maps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return [N, 3, 3] of [N, 2, 3]."""
    last = np.broadcast_to(np.array([[[0.0, 0.0, 1.0]]]), (len(maps), 1, 3))
    return np.concatenate([maps, last], axis=1)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def make(answers: Answers) -> BoxesTarget:
    """Return the kind."""
    return BoxesTarget(answers)
