"""safetensors: the weights by "layer:i", and all the rest as text in the file's head: the network, the labels, the preprocessing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import safetensors.numpy

from digits.caffeproto.text import to_text
from digits.caffeproto.upgrade import with_input_fields
from digits.networks.caffe.export.model import ExportModel


def write(model: ExportModel, path: Path) -> None:
    """Write weights and texts. Any layer can go out: what a layer written in Python does is not in the file, its weights are."""
    metadata = {
        "format": "caffe",
        "deploy.prototxt": to_text(with_input_fields(model.deploy)),
        "labels": "\n".join(model.labels),
        "preprocessing": model.preprocessing.as_json(model.input_shapes()),
    }
    if model.training is not None:
        metadata["train_val.prototxt"] = to_text(model.training)
    weights = {name: np.ascontiguousarray(array, np.float32) for name, array in model.weights.items()}
    # save_file would hide it from others on this machine
    path.write_bytes(safetensors.numpy.save(weights, metadata=metadata))
