"""``.pt2``: the network as ``torch.export`` keeps it. Any process with torch runs it; it needs nothing of ours.

extra = {"labels.txt": "", "preprocessing.json": ""}
module = torch.export.load("model.pt2", extra_files=extra).module()
module(pictures)  # {"softmax": ...}: the outputs by the names of their blobs
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch.export import ExportedProgram

from digits.networks.caffe.export.graph import export
from digits.networks.caffe.export.model import ExportModel

_OF_OUR_DISK = ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn")
"""What torch notes at each node: paths and classes of this installation."""


def write(model: ExportModel, path: Path) -> None:
    """Write the network, its labels and its preprocessing.

    Raises:
        NetworkError: a layer cannot go out; names its line.
    """
    exported = export(model, lambda program: program, what="a pt2 file")
    save(exported.made, path, labels=model.labels, preprocessing=model.preprocessing.as_json(exported.input_shapes))


def save(program: ExportedProgram, path: Path, *, labels: Sequence[str], preprocessing: str) -> None:
    """Write a program, with the labels and the preprocessing (JSON) beside it in the file."""
    for node in program.graph.nodes:
        for name in _OF_OUR_DISK:
            node.meta.pop(name, None)
    extra = {"labels.txt": "".join(f"{label}\n" for label in labels), "preprocessing.json": preprocessing}
    torch.export.save(program, path, extra_files=extra)
