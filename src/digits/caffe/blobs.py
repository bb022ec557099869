"""Parameters and layers of ``caffe.Net`` as scripts see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from digits.caffeproto import caffe_pb2
from digits.core.errors import NetworkError
from digits.networks.caffe.arrays import Array, ArrayBlob
from digits.networks.caffe.net import CaffeNet
from digits.networks.caffe.shared import SharedView


class ParameterBlob(ArrayBlob):
    """A parameter: ``data`` is the very memory of the weights. ``diff`` adds up over passes until it is cleared."""

    def __init__(self, net: CaffeNet, name: str) -> None:
        self._module, self._attribute = net.blobs[name]
        super().__init__(*self.tensor.shape)

    @property
    def tensor(self) -> Tensor:
        """The weights, in this layer's shape."""
        module, _, last = self._attribute.rpartition(".")
        found = getattr(self._module.get_submodule(module), last)
        assert isinstance(found, Tensor)
        return found

    @property
    def owner(self) -> nn.Parameter:
        """The weights, in the shape of the layer that owns them."""
        owner = self._module.owner if isinstance(self._module, SharedView) else self.tensor
        assert isinstance(owner, nn.Parameter)
        return owner

    @property
    def data(self) -> Array:
        """The weights; writing into the array changes them."""
        found: Array = self.tensor.detach().numpy()
        return found

    def reshape(self, *shape: int) -> None:
        """Refuse another shape.

        Raises:
            NetworkError: it is another.
        """
        if self.shape != shape:
            raise NetworkError(f"Parameters of shape {tuple(self.shape)} cannot become {shape}.")


@dataclass(frozen=True)
class NetLayer:
    """A layer of a ``Net``."""

    name: str
    type: str
    blobs: Sequence[ArrayBlob]


def layer_messages(net: caffe_pb2.NetParameter, built: CaffeNet) -> list[caffe_pb2.LayerParameter]:
    """Return the layers of ``net`` with the tops that the built network has: a loss may have got one."""
    messages = []
    for layer, info in zip(net.layer, built.layers, strict=True):
        message = layer
        if tuple(layer.top) != info.tops:
            message = caffe_pb2.LayerParameter()
            message.CopyFrom(layer)
            message.top[:] = info.tops
        messages.append(message)
    return messages
