"""A Keras network of a job folder: its text run for the job's dataset, and the settings of TensorFlow itself."""

from __future__ import annotations

import contextlib
from typing import cast

import keras
import tensorflow as tf
import torch

from digits.core.jobfolder import JobFolder
from digits.networks.tensorflow.definition import KerasDefinition, define
from digits.networks.tensorflow.params import AnswerKind, Params, params_of
from digits.networks.tensorflow.text import NETWORK_FILE
from digits.training.dataset import LABELS_FILE
from digits.training.modelfacts import ModelFacts


def set_up(seed: int, num_threads: int, *, precision: str = "float32") -> None:
    """Make TensorFlow do as it is told: so many threads, and the same bits from the same seed.

    With the precision "bf16" layers compute in bfloat16, while weights, losses and the optimizer stay float32.
    """
    with contextlib.suppress(RuntimeError):  # a process that has computed already keeps the threads it has
        tf.config.threading.set_intra_op_parallelism_threads(num_threads)
        tf.config.threading.set_inter_op_parallelism_threads(2)
    torch.set_num_threads(1)  # it makes batches beside the steps, whose threads it would hold up
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bf16" else "float32")
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def defined(
    text: str, size_CHW: tuple[int, int, int], num_classes: int, kind: AnswerKind, crop_size: int | None, *, allowed: bool, is_training: bool = True
) -> KerasDefinition:  # fmt: skip
    """Run a network's text for pictures of ``size_CHW`` as the dataset has them.

    Raises:
        NetworkError: it may not run, or fails; with its line.
    """
    channels, height, width = size_CHW

    def told(own_crop: int | None) -> Params:
        return params_of((height, width, channels), num_classes, kind, crop_size, own_crop, is_training=is_training)

    return define(text, told, allowed=allowed, where=NETWORK_FILE)


def answering(folder: JobFolder, facts: ModelFacts, *, allowed: bool) -> KerasDefinition:
    """Return the network of a job as it answers, without its weights.

    Raises:
        NetworkError: it may not run, or fails; with its line.
    """
    labels = (folder.path / LABELS_FILE).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    text = (folder.path / NETWORK_FILE).read_text(encoding="utf-8")
    size, kind = (facts.channels, facts.height, facts.width), cast(AnswerKind, facts.target_kind)
    crop_size = folder.record().spec.get("crop_size")
    return defined(text, size, len(labels), kind, crop_size, allowed=allowed, is_training=False)


def crop_of(definition: KerasDefinition, size_CHW: tuple[int, int, int]) -> int:
    """Return the side of the square that the network sees of each picture, 0 where it sees it whole."""
    height, width = definition.answering.inputs[0].shape[1:3]
    return 0 if (height, width) == size_CHW[1:] else int(height)
