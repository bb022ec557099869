"""Which weights would be copied into which layers of a Keras network: told before a training is made. Runs where TensorFlow is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from digits.networks.caffe.copying import copy_by_name, copy_table, warnings_of
from digits.networks.tensorflow.describe import defined
from digits.networks.tensorflow.net import KerasNet
from digits.networks.tensorflow.weights import read_weights


def copies(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of what would become of each layer, as ``digits.networks.caffe.copyplan`` does.

    Args:
        question: what ``describe`` takes, and "weights": a list of {"path", "name"}.

    Raises:
        DigitsError: the definition cannot be run, or a file holds no weights.
    """
    _, definition = defined(question)
    files = [(str(each["name"]), Path(each["path"])) for each in question["weights"]]
    weights = ((name, read_weights(path)) for name, path in files)
    rows = copy_by_name(KerasNet(definition), weights, unfit="keep", num_classes=int(question["num_classes"]))
    names = [name for name, _ in files]
    return copy_table(rows, names) | {"warnings": warnings_of(rows, names)}
