"""A trained network in Python on its way out: ONNX and pt2 of the model that answers, with a batch of any size where it allows that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from digits.core.errors import NetworkError
from digits.networks.caffe.export import onnx, pt2
from digits.networks.caffe.export.graph import first_words, quiet
from digits.networks.caffe.export.onnxcheck import check, example
from digits.networks.caffe.export.onnxfile import BATCH, require_packages
from digits.networks.caffe.export.preprocessing import Preprocessing
from digits.networks.torch.net import DATA, TorchNet

T = TypeVar("T")
_TWO = 2  # torch.export takes a size of 1 for a constant


@dataclass(frozen=True)
class TorchExport:
    """What goes out.

    Legend: C channels, H height, W width of what the network sees.
    """

    net: TorchNet
    """With its weights, on the CPU."""
    input_CHW: tuple[int, int, int]
    preprocessing: Preprocessing
    labels: tuple[str, ...]
    where: str
    """The file of the definition, for errors."""


def write_onnx(model: TorchExport, path: Path) -> None:
    """Write the network as ONNX, its input "data" and its answer named as in tests, and run the file beside it.

    Raises:
        MissingPackageError: the packages that write ONNX are not installed.
        NetworkError: the network cannot be written so, or the file gives other numbers.
    """
    require_packages(*onnx.PACKAGES)
    program, batch = _exported(model, onnx.convert, what=onnx.WHAT, as_tuple=True)
    name = _answer(model)
    notes = {"labels": "\n".join(model.labels), "preprocessing": _preprocessing(model, batch)}
    onnx.save(program, path, name=type(model.net.module).__name__, inputs=[DATA], outputs=[name], notes=notes)
    data = example((batch or _TWO, *model.input_CHW))
    with torch.no_grad():
        ours = model.net(data=torch.from_numpy(data.copy()))[name].numpy()
    check(path, {DATA: data}, {name: ours})


def write_pt2(model: TorchExport, path: Path) -> None:
    """Write the network as ``torch.export`` keeps it: ``torch.export.load(path).module()(pictures)`` is a dict of its answer by name.

    Raises:
        NetworkError: the network cannot be written so.
    """
    program, batch = _exported(model, lambda program: program, what="a pt2 file", as_tuple=False)
    pt2.save(program, path, labels=model.labels, preprocessing=_preprocessing(model, batch))


def _answer(model: TorchExport) -> str:
    """Return the name of the answer: "softmax"."""
    with torch.no_grad():
        return next(iter(model.net(data=torch.zeros(1, *model.input_CHW))))


def _preprocessing(model: TorchExport, batch: int | None) -> str:
    return model.preprocessing.as_json({DATA: (batch or BATCH, *model.input_CHW)})


class _Answering(nn.Module):
    """The network as others run it: pictures in, the answer out, alone or in a dict by its name."""

    def __init__(self, net: TorchNet, as_tuple: bool) -> None:
        super().__init__()
        self.module = net.module
        self._net = (net,)  # no module of its own
        self._as_tuple = as_tuple

    def forward(self, data: Tensor) -> tuple[Tensor, ...] | dict[str, Tensor]:
        """Return the answer to ``data``, float32 [N, C, H, W]."""
        made = self._net[0](data=data)
        return tuple(made.values()) if self._as_tuple else made


def _exported(
    model: TorchExport, convert: Callable[[ExportedProgram], T], *, what: str, as_tuple: bool
) -> tuple[T, int | None]:
    """Return what ``convert`` makes of the network, and the size of the batch: None for any.

    Raises:
        NetworkError: it cannot go out.
    """
    model.net.module.eval().requires_grad_(False)
    answering = _Answering(model.net, as_tuple).eval()
    with quiet(), torch.no_grad():
        for batch, axes in ((_TWO, {0: Dim(BATCH)}), (1, None)):
            try:
                pictures = (torch.from_numpy(example((batch, *model.input_CHW))),)
                program = torch.export.export(answering, pictures, dynamic_shapes=(axes,) if axes else None)
                return convert(program), None if axes else batch
            except Exception as error:  # the code counts on a batch of its own: then of one picture
                failure = error
    raise NetworkError(
        f"The network cannot be written as {what}: {first_words(failure)}",
        where=model.where,
        hint="Export as safetensors.",
    ) from failure
