"""Caffe ``Python``: a layer whose ``setup``, ``reshape``, ``forward`` and ``backward`` are a class in a Python module."""

from __future__ import annotations

import torch

from digits.caffeproto import caffe_pb2
from digits.networks.caffe.python_layer import PythonLayer, PythonModule
from digits.networks.layers.registry import Blob, Layer, Lowered, Source, converter

_ZERO = caffe_pb2.FillerParameter()


@converter("Python", bottoms=(0, None), tops=(0, None))
def python(layer: Layer) -> Lowered | Source:
    """Any bottoms and tops; the class says the shapes. Without a bottom it brings in data, and its tops are inputs.

    It runs on the CPU, and only where the caller allows it (``python_layers_from``).
    """
    if not layer.message.bottom:
        return Source(tuple(None for _ in layer.message.top))
    module = PythonModule(PythonLayer(layer))
    blobs = tuple(
        Blob(f"blob{index}", _ZERO, initial=torch.from_numpy(blob.data.copy()))
        for index, blob in enumerate(module.layer.blobs)
    )
    return Lowered(module, blobs=blobs)
