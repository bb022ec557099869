"""The class of each pixel, how sure the network is of it, and how it fits what the picture should be.

Legend: CHW = classes, height, width; HW = height, width.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.encode import encode_indexed_png, encode_png
from digits.data.images import visible
from digits.data.masks import MOST_CLASSES, usual_palette
from digits.data.views import Outputs, Rendered, ViewFacts
from digits.extensions.views.segmentation.spec import SegmentationViewSpec

_PAIRED = np.array(
    [[166, 206, 227], [31, 120, 180], [178, 223, 138], [51, 160, 44], [251, 154, 153], [227, 26, 28],
     [253, 191, 111], [255, 127, 0], [202, 178, 214], [106, 61, 154], [255, 255, 153], [177, 89, 40]], np.uint8,
)  # fmt: skip
"""ColorBrewer's qualitative scheme Paired."""
_BACKGROUND = frozenset({"background", "_background_", "void", "unlabelled", "unlabeled"})
_HUGE = 1e30
_NONE = 255
"""In the blue channel of ``answers``: nothing is known of what this pixel should be."""


def render(outputs: Outputs, picture_HWC: NDArray[np.uint8], facts: ViewFacts, spec: SegmentationViewSpec) -> Rendered:
    """Return the picture, and what the network says of its pixels.

    The pixels of ``answers`` are (class, second class, true class or 255), those of ``scores`` (share of the class, of the second, 0),
    shares out of 255; ``mask`` is the classes as a PNG with a palette.

    Raises:
        DataError: no output has classes for each pixel.
    """
    size = (picture_HWC.shape[0], picture_HWC.shape[1])
    name, scores_CHW = _scores(outputs)
    best, second, share, next_share = _two_best(scores_CHW, size)
    classes = len(scores_CHW)
    palette = _palette(spec, facts, classes)
    truth = np.full(size, _NONE, np.uint8)
    true_HW = facts.true_labels("mask")
    if true_HW is not None:
        known = true_HW < classes
        if facts.ignore_label is not None:
            known &= true_HW != facts.ignore_label
        truth[known] = true_HW[known]
    told: dict[str, Any] = {
        "output": name, "shape": list(scores_CHW.shape), "has_truth": true_HW is not None,
        "hidden": [0] if _is_clear(spec, facts) else [], **_figures(best, truth, classes),
    }  # fmt: skip
    for row in told["classes"]:
        number = row["id"]
        row["label"] = facts.labels[number] if number < len(facts.labels) else f"class {number}"
        row["colour"] = palette[number].tolist()
    nothing = np.zeros_like(best)
    pngs = {
        "picture": encode_png(np.ascontiguousarray(visible(picture_HWC))),
        "answers": encode_png(np.stack([best, second, truth], axis=2)),
        "scores": encode_png(np.stack([share, next_share, nothing], axis=2)),
        "mask": encode_indexed_png(best, palette),
    }
    return Rendered(told, pngs)


def _scores(outputs: Outputs) -> tuple[str, NDArray[np.float32]]:
    """Return the last output that has numbers for each pixel, [C, H, W]; of one channel, those of "not" and "is"."""
    for name, value in reversed(list(outputs.items())):
        if value.ndim == 4 and value.shape[0] == 1 and min(value.shape[2:]) > 1 and value.shape[1] <= MOST_CLASSES:
            scores = np.asarray(value[0], np.float32)
            if len(scores) > 1:
                return name, _shares(scores)
            inside = _is_share(scores)
            is_one = scores[0] if inside else 1 / (1 + np.exp(-np.clip(scores[0], -80, 80)))
            return name, np.stack([1 - is_one, is_one])
    shapes = "; ".join(f"{name}: {' × '.join(map(str, value.shape))}" for name, value in outputs.items())
    raise DataError(
        f"No output has classes for each pixel ({shapes}).",
        hint="They are 1 × classes × height × width. Choose another view.", rule="VIEW_SHAPE",
    )  # fmt: skip


def _is_share(scores: NDArray[np.float32]) -> bool:
    return bool(scores.min() >= 0 and scores.max() <= 1)


def _shares(scores_CHW: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities: the scores, where they are some already, else their softmax."""
    scores = np.nan_to_num(scores_CHW, nan=-_HUGE, posinf=_HUGE, neginf=-_HUGE)
    if _is_share(scores) and np.allclose(scores.sum(axis=0), 1, atol=1e-3):
        return np.asarray(scores, np.float32)
    powers = np.exp(scores - scores.max(axis=0))
    return np.asarray(powers / powers.sum(axis=0), np.float32)


def _two_best(
    shares_CHW: NDArray[np.float32], size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return of each pixel the best class, the second, and the shares of both out of 255; of the size of the picture."""
    best = shares_CHW.argmax(axis=0)
    rest = shares_CHW.copy()
    np.put_along_axis(rest, best[None], -1, axis=0)
    second = rest.argmax(axis=0)
    parts = [best, second] + [
        np.rint(np.take_along_axis(shares_CHW, which[None], axis=0)[0].clip(0, 1) * 255) for which in (best, second)
    ]
    made = [np.ascontiguousarray(part, np.uint8) for part in parts]
    if made[0].shape != size:
        made = [
            np.asarray(cv2.resize(part, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT), np.uint8) for part in made
        ]
    return made[0], made[1], made[2], made[3]


def _palette(spec: SegmentationViewSpec, facts: ViewFacts, classes: int) -> NDArray[np.uint8]:
    """Return the colours of all classes, [classes, 3]."""
    if spec.colormap == "paired":
        return _PAIRED[np.arange(classes) % len(_PAIRED)]
    if spec.colormap == "none":
        greys = np.rint(np.linspace(0, 255, classes)).astype(np.uint8)
        return np.repeat(greys[:, None], 3, axis=1)
    palette = usual_palette()[:classes]
    if facts.palette is not None:
        known = min(classes, len(facts.palette))
        palette[:known] = facts.palette[:known]
    return palette


def _is_clear(spec: SegmentationViewSpec, facts: ViewFacts) -> bool:
    name = facts.labels[0].strip().lower() if facts.labels else ""
    return spec.background == "clear" or (spec.background == "found" and name in _BACKGROUND)


def _figures(best: NDArray[np.uint8], truth: NDArray[np.uint8], classes: int) -> dict[str, Any]:
    """Return the classes that are there with their shares of pixels and, where the truth is known, their intersection over union."""
    counts = np.bincount(best.ravel(), minlength=classes)
    known = truth != _NONE
    pairs = np.bincount(best[known].astype(np.int64) * classes + truth[known], minlength=classes * classes)
    matrix = pairs.reshape(classes, classes)
    both, union = matrix.diagonal(), matrix.sum(axis=0) + matrix.sum(axis=1) - matrix.diagonal()
    there = np.flatnonzero((counts > 0) | (matrix.sum(axis=0) > 0))
    rows = [
        {
            "id": int(number),
            "share": float(counts[number] / best.size),
            "iou": float(both[number] / union[number]) if union[number] else None,
        }
        for number in there
    ]
    ious = [float(row["iou"]) for row in rows if row["iou"] is not None]
    num_known = int(known.sum())
    return {
        "classes": rows,
        "right": float(both.sum() / num_known) if num_known else None,
        "mean_iou": sum(ious) / len(ious) if ious else None,
    }
