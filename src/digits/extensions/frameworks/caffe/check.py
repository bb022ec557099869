"""What is wrong with a Caffe training before any job exists. It runs in the web process: no torch here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from digits.caffeproto.scan import NotANetworkError
from digits.core.errors import NetworkError, NotFoundError
from digits.core.trainspec import CustomNetwork, LentNetwork, TrainSpec
from digits.extensions.frameworks.fit import check_fit
from digits.networks.caffe.answering import answering
from digits.networks.caffe.definition import prepare
from digits.networks.caffe.weighing import can_weigh
from digits.networks.standard import standard_networks, standard_text

_USUAL_CLASSES = 2


def check(spec: TrainSpec, dataset_facts: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return problems by dotted field path.

    Text that is no network, or that breaks DIGITS' rules, is refused here. A layer type that is not known is not, nor pictures that are
    too small for the network: as in DIGITS, the job is made and ends in Error, with the line and the remedy (the form says it before).

    Args:
        spec: what was asked for.
        dataset_facts: ``dataset.json``; while the dataset is being made perhaps only its "image", or nothing.
    """
    image = dataset_facts.get("image") or {}
    height, width = int(image.get("height") or 0), int(image.get("width") or 0)
    problems = check_fit(spec, dataset_facts)
    if isinstance(spec.network, LentNetwork):
        return problems  # its text is another model's; whoever has it asks again with it as a CustomNetwork
    if isinstance(spec.network, CustomNetwork):
        field, text = "network.text", spec.network.text
    else:
        field = "network.name"
        try:
            text = answering(standard_text(spec.network.name), str(dataset_facts.get("target_kind", "class")))
        except NotFoundError as error:
            return problems | {field: [str(error)]}
        card = standard_networks()[spec.network.name]
        if not card.serves(str(dataset_facts.get("target_kind", "class"))):
            return problems | {field: [f"{card.title} is made for {card.kind}, and this dataset is not."]}
    try:
        definition = prepare(
            text,
            where="",
            num_classes=len(dataset_facts.get("labels") or ()) or _USUAL_CLASSES,
            channels=int(image.get("channels") or 3),
            height=height or 1,
            width=width or 1,
            use_mean=spec.use_mean,
            target_kind=dataset_facts.get("target_kind", "class"),
        )
    except NotANetworkError as error:
        problems[field] = [f"Bad network: Not a valid NetParameter: {error}"]
    except NetworkError as error:
        problems[field] = [f"Bad network: {error}"]
    else:
        is_oblong = height != width and not (spec.crop_size or definition.crop_size)
        if is_oblong and spec.augmentation.quad_rot in ("rot90", "rotall"):
            problems["augmentation.quad_rot"] = [
                f"Quarter turns need square pictures or a crop; these are {width} x {height}."
            ]
        if spec.class_balance == "weights" and not can_weigh(definition.train):
            problems["class_balance"] = [
                "Class weights count in a SoftmaxWithLoss, and this network has none without weights of its own; choose balanced sampling."
            ]
    return problems
