"""What is wrong with a training by TensorFlow before any job exists. It runs in the web process: nothing of the text runs, no TensorFlow here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from digits.core.errors import NetworkError, NotFoundError
from digits.core.trainspec import CustomNetwork, StandardNetwork, TrainSpec
from digits.extensions.frameworks.fit import check_fit
from digits.networks.tensorflow.text import check_text, standard_text

_KINDS = ("class", "classes", "vector")
_OTHERS = {"mask": "a class for each pixel", "image": "pictures", "boxes": "boxes"}


def check(spec: TrainSpec, dataset_facts: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return problems by dotted field path.

    Args:
        spec: what was asked for.
        dataset_facts: ``dataset.json``; while the dataset is being made perhaps only its "image", or nothing.
    """
    problems = check_fit(spec, dataset_facts)
    kind = str(dataset_facts.get("target_kind", "class"))
    if kind not in _KINDS:
        problems["framework"] = [
            f"Networks in TensorFlow answer with classes or numbers; this dataset's answers are {_OTHERS.get(kind, kind)}. Choose Caffe or Torch."
        ]
    if isinstance(spec.network, StandardNetwork):
        try:
            standard_text(spec.network.name)
        except NotFoundError as error:
            problems["network.name"] = [str(error)]
    elif isinstance(spec.network, CustomNetwork):
        try:
            check_text(spec.network.text)
        except NetworkError as error:
            problems["network.text"] = [f"Bad network: {error}"]
    return problems
