"""A Keras network's text run: its ``UserModel`` or ``build_model``, checked; mistakes are told at their line of the text.

It runs whatever code the text holds, so only workers call this, and only where the caller says that it may.
"""

from __future__ import annotations

import linecache
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import keras
from keras import ops

from digits.core.errors import DigitsError, NetworkError
from digits.networks.tensorflow import helpers
from digits.networks.tensorflow.params import Params
from digits.networks.tensorflow.text import BUILD, USER_MODEL, check_text, is_standard
from digits.networks.tensorflow.tower import Tower, model_property

DATA, LABEL, SCORES, LOSS, LOSSES = "data", "label", "scores", "loss", "losses"
_NUMBERS = ("crop_size", "train_batch_size", "val_batch_size")
_MODULE = "digits_network"


@dataclass(frozen=True)
class KerasDefinition:
    """What a text defines; all models share their weights."""

    answering: keras.Model
    """Pictures in, scores out."""
    training: keras.Model
    """(pictures, answers) in; by name "scores", "loss" and further numbers out; "losses" [N] too, where each picture has one and one class."""
    crop_size: int | None
    train_batch_size: int | None
    val_batch_size: int | None
    gradient_update: Callable[[Any], Any] | None
    where: str
    name: str = "UserModel"

    @contextmanager
    def at_line(self, what: str) -> Iterator[None]:
        """Tell an error of the user's code, raised in the block, at its line.

        Raises:
            NetworkError: the block raised something; ``what`` says what was being done.
        """
        with _told(what, self.where):
            yield


def define(text: str, params: Callable[[int | None], Params], *, allowed: bool, where: str = "") -> KerasDefinition:
    """Run the text and make its networks.

    Args:
        text: the definition.
        params: what it is told, given the crop size that the text itself asks for.
        allowed: whether code of users may run here; texts of standard networks always may.
        where: the file that errors name, "" for the text of a form.

    Raises:
        NetworkError: it may not run, or fails, or makes something else than a network; with its line.
    """
    check_text(text, where=where)
    if not allowed and not is_standard(text):
        raise NetworkError(
            "Networks written in Python do not run on this server, because others can reach it: their code can do what the server's user can.",
            hint="The setting allow_python_layers changes that; the standard networks, unchanged, always run.",
        )
    module = ModuleType(_MODULE)
    file = where or "<network>"
    # A file of this name need not be there: tracebacks find the text here.
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    policy = keras.config.dtype_policy()
    keras.backend.clear_session()  # layers without a name are counted anew, so that a name is the same in each process
    keras.config.set_dtype_policy(policy)  # which that forgets
    with _told("The text cannot be run", where), _digits_modules():
        exec(compile(text, file, "exec"), module.__dict__)  # noqa: S102 - that is what a network in Python is
        if isinstance(module.__dict__.get(USER_MODEL), type):
            return _of_tower(module.__dict__[USER_MODEL], params, where)
        return _of_model(module.__dict__[BUILD], params, where)


def _of_tower(made: type, params: Callable[[int | None], Params], where: str) -> KerasDefinition:
    if not issubclass(made, Tower):
        raise NetworkError(f"{USER_MODEL!r} is no Tower.", where=where, hint=f"Write: class {USER_MODEL}(Tower).")
    numbers = _numbers({name: getattr(made, name) for name in _NUMBERS}, where)
    told = params(numbers["crop_size"])
    x, y = _inputs(told)
    tower = made(told, x, y)
    scores = _first(tower.inference, where)
    scores, loss = ops.cast(scores, "float32"), getattr(tower, LOSS, None)
    if isinstance(loss, (list, tuple)):
        raise NetworkError("Several losses, each for variables of its own, are not supported.", where=where, hint="Return their sum.")  # fmt: skip
    found = _measured_loss(told, _default_loss(told, scores, y) if loss is None else loss)
    for each in tower.summaries:
        if not isinstance(each, helpers.Summary):
            raise NetworkError("'summaries' takes digits.scalar(name, value).", where=where)
        found[each.name] = ops.mean(ops.cast(each.value, "float32"))
    return _joined(x, y, scores, found, told, numbers, tower.gradientUpdate, where)


def _of_model(build: Callable[[Params], Any], params: Callable[[int | None], Params], where: str) -> KerasDefinition:
    made = build(params(None))
    given: Mapping[str, Any] = made if isinstance(made, Mapping) else {"model": made}
    numbers = _numbers({name: given.get(name) for name in _NUMBERS}, where)
    if numbers["crop_size"]:
        given = build(params(numbers["crop_size"]))
    model, own_loss, told = given.get("model"), given.get(LOSS), params(numbers["crop_size"])
    if not isinstance(model, keras.Model):
        raise NetworkError(
            f"{BUILD!r} returned {type(model).__name__}.", where=where, hint="Return a keras.Model, or a dict with one under 'model'."
        )  # fmt: skip
    x, y = _inputs(told)
    scores = ops.cast(_first(model(x), where), "float32")
    loss = _default_loss(told, scores, y) if own_loss is None else own_loss(y, scores)
    return _joined(x, y, scores, _measured_loss(told, loss), told, numbers, None, where)


def _inputs(params: Params) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    x = keras.Input(params.input_shape, name=DATA, dtype="float32")
    if params.kind == "class":
        return x, keras.Input((), name=LABEL, dtype="int32")
    return x, keras.Input((params.nclasses,), name=LABEL, dtype="float32")


def _default_loss(params: Params, scores: keras.KerasTensor, y: keras.KerasTensor) -> keras.KerasTensor:
    if params.kind == "class":
        return helpers.classification_loss(scores, y)
    if params.kind == "classes":
        return ops.mean(ops.binary_crossentropy(y, scores, from_logits=True))
    return helpers.mse_loss(scores, y)


def _measured_loss(params: Params, loss: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
    """Return what is minimised, and, of one class a picture, what each picture adds to it where the text leaves that open."""
    each = ops.cast(loss, "float32")
    found = {LOSS: ops.mean(each)}
    return found | {LOSSES: each} if params.kind == "class" and each.shape == (None,) else found


def _joined(
    x: keras.KerasTensor, y: keras.KerasTensor, scores: keras.KerasTensor, measured: Mapping[str, keras.KerasTensor], params: Params,
    numbers: Mapping[str, int | None], gradient_update: Callable[[Any], Any] | None, where: str,
) -> KerasDefinition:  # fmt: skip
    if len(scores.shape) != 2 or scores.shape[1] != params.nclasses:
        shape = " x ".join("N" if side is None else str(side) for side in scores.shape)
        raise NetworkError(
            f"The network's scores are {shape}, and the dataset wants N x {params.nclasses}.", where=where,
            hint="Its last layer gives nclasses numbers a picture.",
        )  # fmt: skip
    if params.kind == "class":
        measured = {"accuracy": helpers.classification_accuracy(scores, y)} | dict(measured)
    outputs = dict(measured) | {SCORES: scores}
    return KerasDefinition(
        keras.Model(x, scores, name="answering"), keras.Model([x, y], outputs, name="training"), numbers["crop_size"],
        numbers["train_batch_size"], numbers["val_batch_size"], gradient_update, where,
    )  # fmt: skip


def _first(made: Any, where: str) -> keras.KerasTensor:
    """Return the network's answer: what it gives, or the first of several."""
    while isinstance(made, (list, tuple, dict)) and made:
        made = next(iter(made.values())) if isinstance(made, dict) else made[0]
    if not isinstance(made, keras.KerasTensor):
        raise NetworkError(
            f"The network's output is {type(made).__name__}, and must be a tensor that Keras layers made.", where=where,
            hint="Use keras.layers and keras.ops in the place of functions of tf.",
        )  # fmt: skip
    return made


def _numbers(found: Mapping[str, Any], where: str) -> dict[str, int | None]:
    for name, number in found.items():
        if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 1):
            raise NetworkError(f"{name!r} is {number!r}, and must be a whole number from 1 on.", where=where)
    return dict(found)


@contextmanager
def _digits_modules() -> Iterator[None]:
    """Let a text import ``model`` and ``utils`` as it did in DIGITS 6."""
    model, utils = ModuleType("model"), ModuleType("utils")
    model.__dict__.update(Tower=Tower)
    utils.__dict__.update({name: getattr(helpers, name) for name in helpers.__all__}, model_property=model_property)
    former = {name: sys.modules.get(name) for name in ("model", "utils")}
    sys.modules.update(model=model, utils=utils)
    try:
        yield
    finally:
        for name, module in former.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


@contextmanager
def _told(what: str, where: str) -> Iterator[None]:
    """Tell whatever the user's code raises at the last of its lines."""
    try:
        yield
    except DigitsError:
        raise
    except (Exception, SystemExit) as error:
        file = where or "<network>"
        lines: Sequence[int | None] = [
            each.lineno for each in traceback.extract_tb(error.__traceback__) if each.filename == file
        ]
        line = lines[-1] if lines else 0
        place = where if not line else f"{where}:{line}" if where else f"line {line}"
        first = str(error).strip().partition("\n")[0]
        words = f"{type(error).__name__}: {first}".rstrip(": ")
        raise NetworkError(f"{what}: {words}", where=place) from error
