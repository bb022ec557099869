"""What a text's ``UserModel`` is made of: DIGITS 6's ``Tower``, on symbolic tensors of Keras 3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import keras

from digits.networks.tensorflow.params import Params

model_property = cached_property
"""A property that is worked out once: layers are made the first time, and shared after that."""


class Tower:
    """A network as its author sees it.

    ``inference`` returns the scores of ``self.x``; ``loss``, where a text has one, what is minimised, a symbolic number.
    ``self.x`` is [N, H, W, C] float32, ``self.y`` the answers: class ids [N], or [N, K] float32.
    A text may set ``crop_size``, ``train_batch_size`` and ``val_batch_size``.
    """

    crop_size: int | None = None
    train_batch_size: int | None = None
    val_batch_size: int | None = None
    gradientUpdate: Callable[[Any], Any] | None = None
    """Where a text has it: gradient in, gradient out, before the weights move."""

    def __init__(self, params: Params, x: keras.KerasTensor, y: keras.KerasTensor) -> None:
        self.x = x
        self.y = y
        self.params = params
        self.nclasses = params.nclasses
        self.input_shape = params.input_shape
        self.is_training = params.is_training
        self.is_inference = not params.is_training
        self.summaries: list[Any] = []
        """Curves of its own: ``digits.scalar(name, value)``."""

    @property
    def inference(self) -> keras.KerasTensor | Sequence[keras.KerasTensor]:
        """The scores; a text has its own."""
        raise NotImplementedError("UserModel has no property 'inference'.")
