"""What goes wrong between a training's options and its dataset whatever the framework. It runs in the web process: no torch here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from digits.core.balance import unbalanced
from digits.core.extensions import FrameworkExtension, extension
from digits.core.trainspec import SOLVERS, TrainSpec


def check_fit(spec: TrainSpec, dataset_facts: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return problems by dotted field path.

    Args:
        spec: what was asked for.
        dataset_facts: ``dataset.json``; while the dataset is being made perhaps only its "image", or nothing.
    """
    problems: dict[str, list[str]] = {}
    image = dataset_facts.get("image") or {}
    height, width = int(image.get("height") or 0), int(image.get("width") or 0)
    if spec.crop_size and height and spec.crop_size > min(height, width):
        problems["crop_size"] = [f"Crop size {spec.crop_size} is larger than the pictures of {width} x {height}."]
    if spec.crop_size and dataset_facts.get("target_kind") == "boxes":
        problems["crop_size"] = ["Boxes are found in whole pictures: leave the crop empty."]
    framework: FrameworkExtension = extension("frameworks", spec.framework)
    if spec.solver_type not in framework.solvers:
        known = ", ".join(SOLVERS[each] for each in framework.solvers)
        problems["solver_type"] = [f"{framework.title} has no {SOLVERS[spec.solver_type]}. It has {known}."]
    if problem := unbalanced(spec.class_balance, str(dataset_facts.get("target_kind", "class"))):
        problems["class_balance"] = [problem]
    if not dataset_facts.get("same_shape", True) and spec.batch_size not in (None, 1):
        problems["batch_size"] = ["The pictures of the dataset differ in size, so the batch size must be 1."]
    return problems
