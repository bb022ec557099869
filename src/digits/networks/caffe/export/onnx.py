"""ONNX: operators of the standard alone, inputs and outputs under the names of Caffe's blobs, labels and preprocessing among the metadata."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from digits.networks.caffe.export.graph import export, output_names
from digits.networks.caffe.export.model import ExportModel
from digits.networks.caffe.export.onnxcheck import check, example
from digits.networks.caffe.export.onnxfile import BATCH, IR_VERSION, OPSET, require_packages
from digits.networks.layers.lrn import across_channels

PACKAGES = ("onnx", "onnxscript")
WHAT = "an ONNX file"
_SEVERAL = 2  # pictures of the check, where a batch may have any size


def write(model: ExportModel, path: Path) -> None:
    """Write the network, and run the file beside it: what does not give its numbers is no file to hand on.

    Raises:
        MissingPackageError: the packages that write ONNX are not installed.
        NetworkError: a layer cannot go out; names its line. Or the file gives other numbers than the network.
    """
    require_packages(*PACKAGES)
    exported = export(model, convert, what=WHAT, own_words={across_channels: _lrn}, as_tuple=True)
    names = output_names(exported.net)
    save(
        exported.made, path, name=model.deploy.name or "network", inputs=list(exported.net.inputs), outputs=names,
        notes={"labels": "\n".join(model.labels), "preprocessing": model.preprocessing.as_json(exported.input_shapes)},
    )  # fmt: skip
    net = model.build(_SEVERAL if exported.batched else None)
    inputs = {name: example(net.input_shapes[name]) for name in exported.net.inputs}
    with torch.no_grad():
        ours = net(**{name: torch.from_numpy(array.copy()) for name, array in inputs.items()})
    check(path, inputs, {name: ours[name if name in ours else name.removesuffix("_out")].numpy() for name in names})


def save(
    program: torch.onnx.ONNXProgram,
    path: Path,
    *,
    name: str,
    inputs: list[str],
    outputs: list[str],
    notes: Mapping[str, str],
) -> None:
    """Write a program.

    Args:
        program: as ``convert`` made it.
        path: the file.
        name: of the graph.
        inputs: what the inputs are called, in their order.
        outputs: what the outputs are called, in their order.
        notes: go into the file's metadata.
    """
    made = program.model
    made.ir_version = IR_VERSION
    made.producer_name, made.graph.name = "OpenDIGITS", name
    _name(made.graph, inputs, outputs)
    for holder in (made, made.graph, *made.graph, *made.graph.initializers.values()):
        holder.metadata_props.clear()  # torch's notes: paths of this installation
    made.metadata_props.update(notes)
    program.save(path, include_initializers=True)


def convert(program: ExportedProgram) -> torch.onnx.ONNXProgram:
    """Return a program as ONNX."""
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
