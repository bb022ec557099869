"""Watching a model run on real pictures: each layer's inputs, weights and outputs, as ``digits.networks.steps`` has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from digits.networks.steps import Blob, Step, is_spatial
from digits.networks.torch.trace import INPUT, tensors_in


class StepWatch(TorchFunctionMode):
    """Hears of every layer that runs: a module without modules in it, or with weights of its own.

    Between layers it hears of functions that take blobs with places and leave none, as ``x.mean((2, 3))`` does: they end what a network sees
    of the picture. A value that no layer made (a sum of two, a function's) bears the name of the layer that takes it.
    """

    def __init__(self, data: Tensor) -> None:
        super().__init__()
        self._known = dict[int, Blob]()
        self._memory = dict[tuple[int, int], Blob]()
        self._aliases = list[Tensor]()
        self._steps = [Step(INPUT, "Input", (), (), 0, (self._blob(data, INPUT),))]
        self._depth = 0
        """Layers that run now."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run ``func``, and note where it ends what can be seen of the picture."""
        made = func(*args, **(kwargs or {}))
        if self._depth == 0 and isinstance(made, Tensor) and made.is_floating_point() and not is_spatial(made):
            taken = [value for value in tensors_in(args) if is_spatial(value)]
            if taken:
                name = str(getattr(func, "__name__", "function"))
                bottoms = tuple(self._blob(value, f"{name} (input)") for value in taken)
                self._steps.append(Step(name, name, bottoms, (), 0, (self._blob(made, name),)))
        return made

    @contextmanager
    def hooked(self, model: nn.Module) -> Iterator[None]:
        """Hear of the layers that run in the block."""
        handles = []
        for name, module in model.named_modules():
            if next(module.children(), None) is None or next(module.parameters(recurse=False), None) is not None:
                handles.append(module.register_forward_pre_hook(self._enter))
                handles.append(module.register_forward_hook(self._heard(name or type(module).__name__)))
        try:
            with self:
                yield
        finally:
            for handle in handles:
                handle.remove()

    def finished(self, outputs: Mapping[str, Tensor]) -> list[Step]:
        """Return the layers that ran, and as a last one what made the answers of them."""
        last = self._steps[-1].tops
        for name, value in outputs.items():
            if id(value) not in self._known:
                self._steps.append(Step(name, name.capitalize(), last, (), 0, ((name, value),)))
        return self._steps

    def _enter(self, _module: nn.Module, _args: Any) -> None:
        self._depth += 1

    def _heard(self, name: str) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...], made: Any) -> None:
            self._depth -= 1
            if isinstance(module, nn.Identity):
                return
            bottoms = tuple(self._blob(value, f"{name} (input)") for value in tensors_in(args))
            tops = tuple(self._blob(value, name) for value in tensors_in(made))
            weights = tuple(module.parameters(recurse=False))
            count = sum(each.numel() for each in weights)
            self._steps.append(Step(name, type(module).__name__, bottoms, weights, count, tops))

        return hook

    def _blob(self, value: Tensor, name: str) -> Blob:
        """Return the blob that a tensor is, or is another shape of; a new one bears ``name``.

        The blobs keep their tensors, so that no two of them have one id or one place.
        """
        if id(value) not in self._known:
            place = (value.data_ptr(), value.numel())
            self._known[id(value)] = self._memory.setdefault(place, (name, value))
            self._aliases.append(value)
        return self._known[id(value)]
