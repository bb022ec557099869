"""A network's text run: what its ``build_model`` returns, checked; mistakes are told at their line of the text.

It runs whatever code the text holds, so only workers call this, and only where the caller says that it may.
"""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_module_registration_hook

from digits.core.errors import DigitsError, NetworkError
from digits.networks.torch.params import Params
from digits.networks.torch.text import BUILD, check_text, is_standard

_KEYS = {
    "model": "model", "loss": "loss", "crop_size": "crop_size", "croplen": "crop_size", "label_hook": "label_hook", "labelHook": "label_hook",
    "train_batch_size": "train_batch_size", "trainBatchSize": "train_batch_size", "val_batch_size": "val_batch_size",
    "validationBatchSize": "val_batch_size", "fine_tune_hook": "fine_tune_hook", "fineTuneHook": "fine_tune_hook", "use_mean": "use_mean",
}  # fmt: skip
"""Keys of the dict that ``build_model`` may return, DIGITS' own among them."""
_NUMBERS = ("crop_size", "train_batch_size", "val_batch_size")
_HOOKS = ("loss", "label_hook", "fine_tune_hook")
_MODULE = "digits_network"


@dataclass(frozen=True)
class TorchDefinition:
    """What a text defines."""

    model: nn.Module
    where: str
    """The file that errors name; "" for the text of a form."""
    loss: Callable[[Any, Tensor], Tensor] | None = None
    crop_size: int | None = None
    label_hook: Callable[[Tensor, Tensor], Tensor] | None = None
    train_batch_size: int | None = None
    val_batch_size: int | None = None
    fine_tune_hook: Callable[[nn.Module], nn.Module | None] | None = None
    use_mean: Literal["none"] | None = None
    """"none": it scales its pictures by itself, so nothing is taken off them whatever the form says."""
    lines: Mapping[str, int] | None = None
    """By the name of a layer: the line that made it."""

    @contextmanager
    def at_line(self, what: str) -> Iterator[None]:
        """Tell an error of the user's code, raised in the block, at its line.

        Raises:
            NetworkError: the block raised something; ``what`` says what was being done.
        """
        with _told(what, self.where):
            yield


def define(text: str, params: Params, *, allowed: bool, where: str = "", device: str = "cpu") -> TorchDefinition:
    """Run the text and its ``build_model``.

    Args:
        text: the definition.
        params: what it is told.
        allowed: whether code of users may run here; texts of standard networks always may.
        where: the file that errors name, "" for the text of a form.
        device: where tensors are made that name no device: "meta" takes no memory.

    Raises:
        NetworkError: it may not run, or fails, or returns something else than a network; with its line.
    """
    check_text(text, where=where)
    if not allowed and not is_standard(text):
        raise not_allowed()
    module = ModuleType(_MODULE)
    # A file of this name need not be there: tracebacks and inspect find the text here.
    file = where or "<network>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    makers: dict[int, int] = {}
    with _told("The text cannot be run", where), torch.device(device), _lines_kept(file, makers):
        exec(compile(text, file, "exec"), module.__dict__)  # noqa: S102 - that is what a network in Python is
        made = module.__dict__[BUILD](params)
    definition = _checked(made, where)
    lines = {name: makers[id(each)] for name, each in definition.model.named_modules() if id(each) in makers}
    return TorchDefinition(**{**definition.__dict__, "lines": lines})


def not_allowed() -> NetworkError:
    """Return the error of a text that may not run here."""
    return NetworkError(
        "Networks written in Python do not run on this server, because others can reach it: their code can do what the server's user can.",
        hint="The setting allow_python_layers changes that; the standard networks, unchanged, always run.",
    )


def _checked(made: object, where: str) -> TorchDefinition:
    if isinstance(made, nn.Module):
        return TorchDefinition(made, where)
    if not isinstance(made, Mapping):
        raise NetworkError(
            f"{BUILD!r} returned {_kind(made)}.", where=where, hint="Return an nn.Module, or a dict with one under 'model'."
        )  # fmt: skip
    unknown = [str(key) for key in made if key not in _KEYS]
    if unknown:
        known = ", ".join(dict.fromkeys(_KEYS.values()))
        raise NetworkError(f"{BUILD!r} returned an unknown key {unknown[0]!r}.", where=where, hint=f"Known: {known}.")
    values = {_KEYS[key]: value for key, value in made.items() if value is not None}
    if not isinstance(values.get("model"), nn.Module):
        raise NetworkError(f"{BUILD!r} returned no nn.Module under 'model'.", where=where)
    for name in _NUMBERS:
        number = values.get(name)
        if name in values and (not isinstance(number, int) or isinstance(number, bool) or number < 1):
            raise NetworkError(f"{name!r} is {number!r}, and must be a whole number from 1 on.", where=where)
    if values.get("use_mean", "none") != "none":
        raise NetworkError(
            f"'use_mean' is {values['use_mean']!r}: a network can only ask for pictures as they are.", where=where, hint="Return 'none', or leave it to the form."
        )  # fmt: skip
    for name in _HOOKS:
        if name in values and not callable(values[name]):
            raise NetworkError(f"{name!r} is {_kind(values[name])}, and must be a function.", where=where)
    return TorchDefinition(where=where, **values)


def _kind(value: object) -> str:
    return "nothing" if value is None else f"{type(value).__name__}"


@contextmanager
def _told(what: str, where: str) -> Iterator[None]:
    """Tell whatever the user's code raises at the last of its lines."""
    try:
        yield
    except DigitsError:
        raise
    except (Exception, SystemExit) as error:
        file = where or "<network>"
        ours = [each.lineno for each in traceback.extract_tb(error.__traceback__) if each.filename == file]
        line = ours[-1] if ours else 0
        place = where if not line else f"{where}:{line}" if where else f"line {line}"
        words = f"{type(error).__name__}: {error}".rstrip(": ")
        raise NetworkError(f"{what}: {words}", where=place) from error


@contextmanager
def _lines_kept(file: str, makers: dict[int, int]) -> Iterator[None]:
    """Write down, by the id of each module that is put into another one meanwhile, the line of ``file`` that does so."""

    def note(_parent: nn.Module, _name: str, module: nn.Module | None) -> None:
        line = next((number for each, number in traceback.walk_stack(None) if each.f_code.co_filename == file), None)
        if module is not None and line:
            makers.setdefault(id(module), line)

    handle = register_module_module_registration_hook(note)
    try:
        yield
    finally:
        handle.remove()
