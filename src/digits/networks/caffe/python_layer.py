"""Layers written in Python: what they derive from, where their modules are looked for, and how torch runs them.

They see numpy arrays on the CPU, as in pycaffe. They run whatever code the module holds, so nothing of the kind happens unless the caller
says that it may (``python_layers_from``): a definition out of a form is only ever drawn and counted.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from digits.caffeproto import caffe_pb2
from digits.core.errors import NetworkError
from digits.core.extensions import load
from digits.networks.caffe.arrays import ArrayBlob, BlobList
from digits.networks.layers.registry import Layer as Definition
from digits.networks.layers.registry import Shape

FACE = "digits.caffe.alias:install"
"""Makes ``import caffe`` work. Such modules begin with it, and the pycaffe face lies above this folder, so it is loaded by its name."""

_TRACE_LINES = 20

_folders: ContextVar[tuple[Path, ...] | None] = ContextVar("python layer folders", default=None)


class Layer:
    """What a layer written in Python derives from (``caffe.Layer``)."""

    phase: int
    """0 in training, 1 in tests."""
    param_str: str
    blobs: BlobList
    """The layer's own parameters, added in ``setup`` with ``self.blobs.add_blob(*shape)``."""

    def __init__(self, *_: object) -> None:
        """Take, and pass over, the layer's definition, as pycaffe gives it."""

    def setup(self, bottom: Sequence[ArrayBlob], top: Sequence[ArrayBlob]) -> None:
        """Read ``param_str`` and look at what comes in, once."""

    def reshape(self, bottom: Sequence[ArrayBlob], top: Sequence[ArrayBlob]) -> None:
        """Give each top its shape, before every pass."""

    def forward(self, bottom: Sequence[ArrayBlob], top: Sequence[ArrayBlob]) -> None:
        """Fill ``top[i].data``."""
        raise NotImplementedError

    def backward(self, top: Sequence[ArrayBlob], propagate_down: Sequence[bool], bottom: Sequence[ArrayBlob]) -> None:
        """Fill ``bottom[i].diff`` where ``propagate_down[i]``, from ``top[i].diff``; zeros if it does nothing."""


@contextmanager
def python_layers_from(*folders: Path) -> Iterator[None]:
    """Let networks that are built inside have layers written in Python; modules are looked for in ``folders``, then as Python does."""
    token = _folders.set(folders)
    try:
        yield
    finally:
        _folders.reset(token)


class PythonLayer:
    """One such layer at work: its instance, and the blobs that it is shown."""

    def __init__(self, definition: Definition) -> None:
        """Import the module, make the instance, and let it set itself up on bottoms of the given shapes.

        Raises:
            NetworkError: it may not run here, cannot be found, or fails.
        """
        self.definition = definition
        param = definition.message.python_param
        self._name = f"{param.module}.{param.layer}"
        self.bottom = [ArrayBlob(*shape) for shape in definition.in_shapes]
        self.top = [ArrayBlob() for _ in definition.message.top]
        self.instance = self._make(param)
        self._call("setup", self.bottom, self.top)
        self._call("reshape", self.bottom, self.top)

    @property
    def blobs(self) -> BlobList:
        """The layer's own parameters, with the values that its set-up gave them."""
        return self.instance.blobs

    def reshape(self) -> tuple[Shape, ...]:
        """Let the layer look at its bottoms' shapes, and return its tops'."""
        self._call("reshape", self.bottom, self.top)
        return tuple(tuple(top.shape) for top in self.top)

    def forward(self) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
        """Run once, and return the tops' values in arrays that no later pass writes to."""
        self.reshape()
        self._call("forward", self.bottom, self.top)
        return [top.data.copy() for top in self.top]

    def backward(self, propagate_down: Sequence[bool]) -> None:
        """Fill the bottoms' and parameters' ``diff`` from the tops'."""
        for blob in (*self.bottom, *self.blobs):
            blob.diff[...] = 0
        self._call("backward", self.top, list(propagate_down), self.bottom)

    def _make(self, param: caffe_pb2.PythonParameter) -> Layer:
        folders = _folders.get()
        if folders is None:
            raise self.definition.error(
                "it is written in Python, and such layers do not run here.",
                "python_param",
                hint="They run in `digits caffe` and in trainings; where others can reach the server, only if the setting "
                "allow_python_layers says so.",
            )
        try:
            load(FACE)()
            module = _module(param.module, folders)
        except Exception as error:  # an import runs anything
            raise self._failed(f"module {param.module!r} cannot be imported", error) from error
        kind = getattr(module, param.layer, None)
        if not isinstance(kind, type):
            raise self.definition.error(
                f"module {param.module!r} ({getattr(module, '__file__', None) or 'built in'}) has no class {param.layer!r}.",
                "python_param.layer", "python_param",
            )  # fmt: skip
        try:
            instance: Any = kind(self.definition.message)
        except Exception as error:
            raise self._failed(f"{self._name} cannot be made", error) from error
        instance.param_str = instance.param_str_ = param.param_str
        instance.phase = 0 if self.definition.phase == "TRAIN" else 1
        instance.blobs = BlobList()
        found: Layer = instance
        return found

    def _call(self, method: str, *arguments: object) -> None:
        try:
            getattr(self.instance, method)(*arguments)
        except (Exception, SystemExit) as error:
            raise self._failed(f"{self._name}.{method} failed", error) from error

    def _failed(self, what: str, error: BaseException) -> NetworkError:
        """Return an error that names the definition's line, and the module's own."""
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
        at = (
            f" ({frames[-1].filename}:{frames[-1].lineno})" if frames and "importlib" not in frames[-1].filename else ""
        )
        first = str(error).strip().partition("\n")[0]
        found = self.definition.error(f"{what}: {type(error).__name__}: {first}{at}".rstrip(": "), "python_param")
        own = [frame for frame in frames if "importlib" not in frame.filename]
        told = [*traceback.format_list(own), *traceback.format_exception_only(error)]
        found.trace = "".join(told[-_TRACE_LINES:])
        return found


class PythonModule(nn.Module):
    """Such a layer as torch sees it. Its own parameters are ``blob0``, ``blob1``, ..."""

    def __init__(self, layer: PythonLayer) -> None:
        super().__init__()
        self.layer = layer
        for index, blob in enumerate(layer.blobs):
            self.register_parameter(f"blob{index}", nn.Parameter(torch.empty(blob.shape, device="meta")))

    @torch.compiler.disable  # type: ignore[untyped-decorator] # torch's own
    def forward(self, *bottoms: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return the tops, on the device of the first bottom."""
        if any(bottom.is_meta for bottom in bottoms):
            for blob, bottom in zip(self.layer.bottom, bottoms, strict=True):
                blob.reshape(*bottom.shape)
            tops = tuple(torch.empty(shape, device="meta") for shape in self.layer.reshape())
        else:
            tops = _Run.apply(self.layer, len(bottoms), *bottoms, *self.parameters())  # type: ignore[no-untyped-call] # torch's own
        return tops[0] if len(tops) == 1 else tops

    def extra_repr(self) -> str:
        """Return what print shows between the brackets."""
        return f"{type(self.layer.instance).__module__}.{type(self.layer.instance).__name__}"


class _Run(torch.autograd.Function):
    """Passes tensors to the layer as arrays, and arrays back as tensors."""

    @staticmethod
    def forward(ctx: Any, layer: PythonLayer, num_bottoms: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        blobs = (*layer.bottom, *layer.blobs)
        arrays = [tensor.detach().cpu().contiguous().numpy() for tensor in tensors]
        for blob, array in zip(blobs, arrays, strict=True):
            blob.show(array)
        device = tensors[0].device if tensors else torch.device("cpu")
        tops = layer.forward()
        ctx.layer, ctx.arrays, ctx.tops, ctx.num_bottoms, ctx.device = layer, arrays, tops, num_bottoms, device
        return tuple(torch.from_numpy(top).to(device) for top in tops)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        layer: PythonLayer = ctx.layer
        blobs = (*layer.bottom, *layer.blobs)
        for blob, array in zip(blobs, ctx.arrays, strict=True):
            blob.show(array)
        for top, values, gradient in zip(layer.top, ctx.tops, gradients, strict=True):
            top.show(values)
            top.diff[...] = gradient.cpu().numpy()
        needed = ctx.needs_input_grad[2:]
        layer.backward(needed[: ctx.num_bottoms])
        return (None, None, *(
            torch.from_numpy(blob.diff.copy()).to(ctx.device) if wanted else None
            for blob, wanted in zip(blobs, needed, strict=True)
        ))  # fmt: skip


def has_module(name: str, folders: Sequence[Path]) -> bool:
    """Whether ``name`` is a file of one of ``folders``, or a module that Python finds; nothing of it is run, but for the packages it lies in."""
    if any(folder.joinpath(*name.split(".")).with_suffix(".py").is_file() for folder in folders):
        return True
    try:
        load(FACE)()
        return find_spec(name) is not None
    except (ImportError, AttributeError, ValueError):
        return False


def _module(name: str, folders: Sequence[Path]) -> ModuleType:
    """Return the module ``name``: of a file in one of ``folders``, where each is its own, else as Python finds it."""
    sys.path[:0] = [str(folder) for folder in folders]
    try:
        for folder in folders:
            path = folder.joinpath(*name.split(".")).with_suffix(".py").resolve()
            if path.is_file():
                return _module_of(path, name)
        return import_module(name)
    finally:
        for folder in folders:
            sys.path.remove(str(folder))


def _module_of(path: Path, name: str) -> ModuleType:
    """Return the module in a file. Two jobs may have files of one name, so it is known by its whole path."""
    known = sys.modules.get(name)
    if known is not None and Path(getattr(known, "__file__", None) or "").resolve() == path:
        return known
    key = f"{name} of {path}"
    if key not in sys.modules:
        spec = spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[key] = module
    return sys.modules[key]
