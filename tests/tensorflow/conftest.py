"""The small real dataset of the other trainings' tests, and models of a small Keras network on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from digits.core.jobfolder import JobFolder
from digits.core.trainspec import CustomNetwork, TrainSpec
from digits.core.work import WorkerSettings
from tests.training.conftest import new_model, shapes

__all__ = ["new_model", "shapes"]

NewModel = Callable[..., tuple[JobFolder, TrainSpec]]
TRUSTED = WorkerSettings(num_threads=1, python_layers=True)

SMALL = """
import utils as digits
from keras import layers
from model import Tower
from utils import model_property

class UserModel(Tower):
    train_batch_size = 16

    @model_property
    def inference(self):
        x = layers.BatchNormalization(name="norm")(self.x)
        x = layers.Conv2D(8, 5, strides=2, activation="relu", name="conv")(x)
        x = layers.Dropout(0.2, name="drop")(layers.MaxPooling2D(2, name="pool")(x))
        return layers.Dense(self.nclasses, name="scores")(layers.Flatten(name="flat")(x))

    @model_property
    def loss(self):
        self.summaries.append(digits.scalar("largest", self.inference[:, 0]))
        return digits.classification_loss(self.inference, self.y)
"""


@pytest.fixture
def new_keras(new_model: NewModel) -> NewModel:
    def make(text: str = SMALL, **fields: Any) -> tuple[JobFolder, TrainSpec]:
        given = {"framework": "tensorflow", "batch_size": None, "network": CustomNetwork(text=text)}
        return new_model(**(given | fields))

    return make
