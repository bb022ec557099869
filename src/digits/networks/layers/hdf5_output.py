"""Caffe ``HDF5Output``: takes data and labels to be saved in a file; the command that runs the net writes it, not the net."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("HDF5Output", bottoms=2, tops=0)
def hdf5_output(layer: Layer) -> Lowered:
    """Data and labels in, none out. A definition comes from anybody, so building or running one writes no file by itself."""
    if layer.in_shapes[0][:1] != layer.in_shapes[1][:1]:
        raise layer.error("its bottoms must hold as many pictures.", "bottom")
    return Lowered(HDF5Output(layer.message.hdf5_output_param.file_name))


class HDF5Output(nn.Module):
    """Hands both bottoms to ``sink`` on each pass, if somebody has set one."""

    def __init__(self, file_name: str) -> None:
        super().__init__()
        self.file_name = file_name
        self.sink: Callable[[Tensor, Tensor], object] | None = None

    @torch.compiler.disable  # type: ignore[untyped-decorator] # torch's own
    def forward(self, data: Tensor, labels: Tensor) -> tuple[()]:
        """Return nothing."""
        if self.sink is not None and not data.is_meta:
            self.sink(data.detach(), labels.detach())
        return ()

    def extra_repr(self) -> str:
        """Return what print shows between the brackets."""
        return repr(self.file_name)
