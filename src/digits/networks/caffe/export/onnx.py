"""ONNX: operators of the standard alone, inputs and outputs under the names of Caffe's blobs, labels and preprocessing among the metadata.

Opset 18 (2022) is the newest that all of ONNX Runtime since 1.14, TensorRT since 8.6 and OpenVINO since 2023 read, and the oldest that torch writes.
"""

from __future__ import annotations

from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from digits.core.errors import SetupError
from digits.networks.caffe.export.graph import BATCH, export, output_names
from digits.networks.caffe.export.model import ExportModel
from digits.networks.layers.lrn import across_channels

OPSET = 18
IR_VERSION = 8  # that of opset 18's time: older readers refuse newer ones


class MissingPackageError(SetupError):
    """A package that only some people need is not installed."""

    code = "missing-package"
    http_status = 400


def write(model: ExportModel, path: Path) -> None:
    """Write the network.

    Raises:
        MissingPackageError: the packages that write ONNX are not installed.
        NetworkError: a layer cannot go out; names its line.
    """
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise MissingPackageError(
            f"Writing ONNX needs the package{'s' if len(missing) > 1 else ''} {' and '.join(missing)}.",
            hint='Install with: pip install "opendigits[onnx]", then start the server anew.',
        )
    exported = export(model, _convert, what="an ONNX file", own_words={across_channels: _lrn}, as_tuple=True)
    made = exported.made.model
    made.ir_version = IR_VERSION
    made.producer_name, made.graph.name = "OpenDIGITS", model.deploy.name or "network"
    _name(made.graph, list(exported.net.inputs), output_names(exported.net))
    for holder in (made, made.graph, *made.graph, *made.graph.initializers.values()):
        holder.metadata_props.clear()  # torch's notes: paths of this installation
    made.metadata_props.update(
        {
            "labels": "\n".join(model.labels),
            "preprocessing": model.preprocessing.as_json(exported.input_shapes),
        }
    )
    exported.made.save(path, include_initializers=True)


def _convert(program: ExportedProgram) -> torch.onnx.ONNXProgram:
    made = torch.onnx.export(program, dynamo=True, opset_version=OPSET, verbose=False, external_data=False)
    assert made is not None
    return made


def _name(graph: Any, inputs: list[str], outputs: list[str]) -> None:
    """Give inputs and outputs the names of Caffe's blobs, and the batch its own; whatever else has such a name gets another."""
    values = [*graph.inputs, *graph.initializers.values(), *(value for node in graph for value in node.outputs)]
    taken = {value.name for value in values} | {*inputs, *outputs}
    for value in values:
        if value.name in (*inputs, *outputs):
            value.name = next(name for n in count() if (name := f"{value.name}_{n}") not in taken)
            taken.add(value.name)
    for value, name in (*zip(graph.inputs, inputs, strict=True), *zip(graph.outputs, outputs, strict=True)):
        value.name = name
    symbols = {str(dim) for value in graph.inputs for dim in value.shape if not isinstance(dim, int)}
    for value in values:
        for axis, dim in enumerate(value.shape or ()):
            if str(dim) in symbols:
                value.shape[axis] = BATCH


def _lrn(x: Tensor, *, size: int, alpha: float, beta: float, k: float) -> Tensor:
    """Return ONNX's own operator, which is Caffe's formula; ours would become a dozen operators a channel."""
    options: dict[str, Any] = {"size": size, "alpha": alpha, "beta": beta, "bias": k}
    made: Tensor = torch.onnx.ops.symbolic("LRN", (x,), options, dtype=x.dtype, shape=x.shape, version=OPSET)
    return made
