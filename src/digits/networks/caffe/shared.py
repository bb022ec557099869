"""Parameters that two layers share and see in different shapes (``share_mode: PERMISSIVE``)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.func import functional_call

from digits.networks.layers.registry import Shape


class SharedView(nn.Module):
    """A blob that lies in another layer's parameter and has a shape of its own (``share_mode: PERMISSIVE``)."""

    def __init__(self, module: nn.Module, attribute: str, shape: Shape) -> None:
        super().__init__()
        self.module, self.attribute, self.shape = module, attribute, shape

    @property
    def owner(self) -> nn.Parameter:
        """The parameter in its owner's shape."""
        return self.module.get_parameter(self.attribute)

    @property
    def tensor(self) -> Tensor:
        """The values in this layer's shape; writing to them writes to the owner."""
        return self.owner.view(self.shape)


class Reshaped(nn.Module):
    """Runs a layer whose shared parameters have their owners' shapes, as if they had its own."""

    def __init__(self, inner: nn.Module, shapes: Mapping[str, Shape]) -> None:
        super().__init__()
        self.inner, self.shapes = inner, dict(shapes)

    def forward(self, *bottoms: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return what the layer makes."""
        views = {name: self.inner.get_parameter(name).view(shape) for name, shape in self.shapes.items()}
        made: Tensor | tuple[Tensor, ...] = functional_call(self.inner, views, bottoms)
        return made
