"""The steps of a training by TensorFlow: pictures through tf.data, one compiled step, Keras' optimizers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import torch
from numpy.typing import NDArray

from digits.core.trainspec import TrainSpec
from digits.networks.caffe.solver_text import ADAMW_DECAY
from digits.networks.tensorflow.definition import LOSS, LOSSES, SCORES
from digits.networks.tensorflow.net import KerasNet
from digits.training.course import Course, diverged
from digits.training.frames import Pictures
from digits.training.sources import TrainingSource, batches_once
from digits.training.targets import Target
from digits.training.transform import Transform

_AHEAD = 2  # batches made while a step runs
_MOMENTUM = 0.9

OPTIMIZERS: Mapping[str, Callable[[TrainSpec], Any]] = {
    "SGD": lambda _: _with(keras.optimizers.SGD, momentum=_MOMENTUM),
    "MOMENTUM": lambda _: _with(keras.optimizers.SGD, momentum=_MOMENTUM),
    "ADAGRAD": lambda _: keras.optimizers.Adagrad,
    "RMSPROP": lambda spec: _with(keras.optimizers.RMSprop, rho=spec.rms_decay, momentum=_MOMENTUM),
    "ADADELTA": lambda _: keras.optimizers.Adadelta,
    "ADAM": lambda _: keras.optimizers.Adam,
    "ADAMW": lambda _: _with(keras.optimizers.AdamW, weight_decay=ADAMW_DECAY),
    "FTRL": lambda _: keras.optimizers.Ftrl,
}
"""By DIGITS' name, with its fixed momentum. SGD has it too, as for Caffe and Torch: DIGITS' had none for TensorFlow, so that the same form gave
another training there; MOMENTUM is DIGITS' own name for it."""


@dataclass(kw_only=True)
class Validation:
    """The validation set, ready to be measured again and again."""

    frames: Pictures
    transform: Transform
    kind: Target
    batch_size: int


@dataclass(kw_only=True)
class KerasRun(Course):
    """A training that TensorFlow computes."""

    net: KerasNet
    source: TrainingSource
    optimizer: Any
    validation: Validation | None
    iter_size: int = 1
    class_weights: NDArray[np.float32] | None = None
    """What the loss of a picture of each class is multiplied by in training."""
    _batches: Iterator[Any] | None = field(default=None, init=False)
    _rate: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.learn = _learning(self.net, self.optimizer, self.class_weights, jit=self.spec.compile_model)
        self._measure = _measuring(self.net)
        self.optimizer.build(self.net.definition.training.trainable_variables)

    @property
    def validates(self) -> bool:
        """Whether there is something to validate with."""
        return self.validation is not None

    def advance(self, step: int) -> None:
        """Do one iteration: the weights move once.

        Raises:
            TrainingError: the loss is no number any more.
            NetworkError: the user's code fails; with its line.
        """
        if self._batches is None:
            self._batches = iter(_pipeline(self.source, step * self.iter_size))
        rate = self.schedule(step)
        if rate != self._rate:
            self.optimizer.learning_rate.assign(rate)
            self._rate = rate
        with self.net.definition.at_line("The network cannot run"):
            for _ in range(self.iter_size):
                values = self.learn(*next(self._batches))
        if not math.isfinite(float(values[LOSS])):
            name, value = next((n, float(v)) for n, v in values.items() if not math.isfinite(float(v)))
            raise diverged(name, value, step)
        if step % self.display == 0:
            shown = {name: float(value) for name, value in values.items()}
            self.report.points(step, {f"{name}/train": value for name, value in shown.items()} | {"lr": rate})
            self.log.iteration(step, shown[LOSS], rate)
            self.log.outputs("Train", shown, self.loss_weights)
        self.report.trained(self.batch_size * self.iter_size)
        self.report.progress(step + 1)

    def measured(self) -> dict[str, float] | None:
        """Return the mean of each measure over the validation set; None where it was asked to stop meanwhile."""
        assert self.validation is not None
        test, sums = self.validation, dict[str, float]()
        kind, tally = test.kind, test.kind.tally(torch.device("cpu"))
        for data_NCHW, targets in batches_once(
            test.frames, test.transform, kind.collate, test.batch_size, move=kind.move, unit=kind.unit
        ):
            if self.stop():
                return None
            values = dict(self._measure(tf.transpose(data_NCHW.numpy(), (0, 2, 3, 1)), targets.numpy()))
            scores = values.pop(SCORES, None)
            if tally is not None and scores is not None:
                tally.add({SCORES: torch.from_numpy(scores.numpy())}, targets)
            for name, value in values.items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(data_NCHW)
        means = {name: total / len(test.frames) for name, total in sums.items()}
        return means | tally.result() if tally else means

    def state(self) -> tuple[Mapping[str, NDArray[Any]], Mapping[str, NDArray[Any]]]:
        """Return the weights, and the state of the optimizer and of generators of chance."""
        state = {f"solver/{each.path}": each.numpy() for each in self.optimizer.variables}
        return self.net.state(), state | {f"network/{path}": value for path, value in self.net.memory().items()}

    def load(self, weights: Mapping[str, NDArray[Any]], state: Mapping[str, NDArray[Any]], step: int) -> None:
        """Put that in.

        Raises:
            WeightsError: it was made with another network.
        """
        del step  # the optimizer counts for itself
        self.net.load_state(weights)
        self.net.load_memory({name.removeprefix("network/"): value for name, value in state.items()})
        for each in self.optimizer.variables:
            if (kept := state.get(f"solver/{each.path}")) is not None:
                each.assign(kept)

    def machine(self) -> dict[str, str]:
        """Return what the bits of a sum depend on, by its name for people."""
        return {
            "version of TensorFlow": tf.__version__,
            "device": "cuda" if tf.config.list_physical_devices("GPU") else "cpu",
            "number of threads": str(tf.config.threading.get_intra_op_parallelism_threads()),
        }

    def close(self) -> None:
        """Let go of files and threads."""
        self._batches = None
        self.source.close()
        super().close()


def optimizer_of(spec: TrainSpec) -> Any:
    """Return the optimizer that the form chose; its rate is set before each step."""
    accumulation = spec.batch_accumulation or 1
    more = {"gradient_accumulation_steps": accumulation} if accumulation > 1 else {}
    return OPTIMIZERS[spec.solver_type](spec)(learning_rate=spec.learning_rate, **more)


def _with(made: Callable[..., Any], **fixed: Any) -> Callable[..., Any]:
    return lambda **more: made(**fixed, **more)


def _pipeline(source: TrainingSource, first: int) -> Any:
    """Return the batches from ``first`` on as tf.data gives them: float32 [N, H, W, C] and the answers, made ahead of their time."""

    def batch(number: Any) -> tuple[NDArray[np.float32], NDArray[Any]]:
        data_NCHW, targets = source.batch(int(number))
        return data_NCHW.numpy(), targets.numpy()

    data, targets = batch(first)

    def fetch(number: Any) -> tuple[Any, Any]:
        data_NCHW, answers = tf.numpy_function(batch, [number], (tf.float32, targets.dtype), stateful=False)
        data_NCHW.set_shape(data.shape)
        answers.set_shape(targets.shape)
        return tf.transpose(data_NCHW, (0, 2, 3, 1)), answers

    numbers = tf.data.Dataset.range(first, np.iinfo(np.int64).max)
    return numbers.map(fetch, num_parallel_calls=1, deterministic=True).prefetch(_AHEAD)


def _learning(
    net: KerasNet, optimizer: Any, class_weights: NDArray[np.float32] | None, *, jit: bool
) -> Callable[..., Mapping[str, Any]]:
    """Return the step: pictures and answers in, the numbers that are worth a curve out; their loss is the weighted one."""
    model, hook = net.definition.training, net.definition.gradient_update

    def learn(data: Any, answers: Any) -> dict[str, Any]:
        with tf.GradientTape() as tape:
            outputs = dict(model([data, answers], training=True))
            losses = outputs.pop(LOSSES, None)
            if class_weights is not None and losses is not None:
                outputs[LOSS] = tf.reduce_mean(losses * tf.gather(class_weights, tf.cast(answers, tf.int32)))
        weights = model.trainable_variables
        gradients = tape.gradient(outputs[LOSS], [each.value for each in weights])
        if hook is not None:
            gradients = [hook(each) for each in gradients]
        optimizer.apply(gradients, weights)
        return {name: value for name, value in outputs.items() if name != SCORES}

    compiled: Callable[..., Mapping[str, Any]] = tf.function(learn, jit_compile=jit, reduce_retracing=True)
    return compiled


def _measuring(net: KerasNet) -> Callable[..., Mapping[str, Any]]:
    model = net.definition.training

    def measure(data: Any, answers: Any) -> dict[str, Any]:
        outputs = model([data, answers], training=False)
        return {name: value for name, value in outputs.items() if name != LOSSES}

    compiled: Callable[..., Mapping[str, Any]] = tf.function(measure, reduce_retracing=True)
    return compiled
