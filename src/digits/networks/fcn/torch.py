"""A classifier in PyTorch made fully convolutional: text in, text out, and the proof that nothing was lost.

The text that comes out is the one that went in, with a ``build_model`` behind it that lets ``segmenter`` work on what the first one builds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import Any

import torch

from digits.core.errors import NetworkError
from digits.networks.caffe.copying import copy_by_name
from digits.networks.fcn.segmented import SKIPS
from digits.networks.fcn.segmenter import Enlarge, segmenter
from digits.networks.fcn.table import factor_table
from digits.networks.fcn.torchgraph import convolve
from digits.networks.torch.definition import TorchDefinition, define
from digits.networks.torch.net import TorchNet
from digits.networks.torch.params import Params
from digits.networks.torch.trace import trace
from digits.networks.torch.weights import read_weights

_TOLERANCE = 1e-5
_BEHIND = """

# Made fully convolutional: what stands above is a classifier of pictures of {shape}, and scores every pixel now.
from dataclasses import replace

from digits.networks.fcn.segmenter import segmenter

CLASSIFIER_SHAPE = {shape!r}
CLASSIFIER_CLASSES = {classes}
build_classifier = build_model


def build_model(params):
    made = build_classifier(replace(params, num_classes=CLASSIFIER_CLASSES, input_shape=CLASSIFIER_SHAPE, crop_size=None))
    made = made if isinstance(made, dict) else {{"model": made}}
    model = segmenter(made["model"], CLASSIFIER_SHAPE, num_classes={score_classes}, skip={skip!r})
    return {{"model": model, "use_mean": made.get("use_mean"), "train_batch_size": 8, "val_batch_size": 8}}
"""


def to_fcn(question: Mapping[str, Any]) -> dict[str, Any]:
    """Make a classifier fully convolutional.

    Args:
        question: as ``digits.networks.fcn.caffe.to_fcn`` takes it; "runs": whether code of users may run here.

    Returns:
        What that returns.

    Raises:
        NetworkError: the text is no classifier that can be made so.
        WeightsError: the weights are another network's.
    """
    skip = question.get("skip") or "none"
    if skip not in SKIPS:
        raise NetworkError(f"There is no skip {skip!r}.", hint=f"Known: {', '.join(SKIPS)}.")
    text, allowed = str(question["text"]), bool(question.get("runs"))
    classes, channels, height, width = (int(question[name]) for name in ("num_classes", "channels", "height", "width"))
    crop = (
        question.get("crop_size")
        or define(text, Params(classes, (channels, height, width)), allowed=allowed, device="meta").crop_size
    )
    shape = (channels, min(crop, height), min(crop, width)) if crop else (channels, height, width)
    params = Params(classes, shape)
    difference, averaged = _largest_difference(text, params, allowed, question.get("weights") or "")
    score_classes = question.get("score_classes")
    behind = _BEHIND.format(
        shape=shape, classes=classes, score_classes=score_classes or "params.num_classes", skip=skip
    )
    made = text.rstrip() + "\n" + behind
    own = define(text, params, allowed=allowed, device="meta")
    model = segmenter(own.model, shape, num_classes=score_classes or classes, skip=skip)
    rows = factor_table([asdict(row.info) for row in trace(TorchDefinition(model, ""), shape)])
    notes = (
        [f"{', '.join(averaged)} went, so that scores stay at their places; for the check they were averaged."]
        if averaged
        else []
    )
    if difference > _TOLERANCE:
        notes.append(
            f"Its scores differ from the classifier's by {difference:.3g}, so something behind the mean over all places is no weighted sum."
        )
    return {
        "network": made, "table": rows, "checked_max_difference": difference, "averaged": averaged, "renamed": {}, "notes": notes,
        "factor": prod(int(each.stride[0]) for each in model.modules() if isinstance(each, Enlarge)),
    }  # fmt: skip


def _largest_difference(text: str, params: Params, allowed: bool, weights: str) -> tuple[float, list[str]]:
    """Return the largest difference between scores of one random picture, in double precision, and what was averaged."""
    torch.manual_seed(0)
    definition = define(text, params, allowed=allowed)
    if weights:
        copy_by_name(TorchNet(definition, "class", "TEST"), [(weights, read_weights(Path(weights)))])
    model = definition.model.double().eval()
    traced = convolve(model, params.input_shape)
    picture = torch.rand((1, *params.input_shape), dtype=torch.float64) * 255
    with torch.no_grad(), definition.at_line("The network cannot run"):
        expected, found = model(picture), traced.module(picture)
    return float((expected - found.flatten(2).mean(2)).abs().max()), traced.averaged
