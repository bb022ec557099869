"""A trained Keras model that answers: the network of ``network.py``, its pictures prepared as in validation."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import torch
from torch import Tensor

from digits.core.errors import NetworkError
from digits.core.jobfolder import JobFolder
from digits.core.settings import Device
from digits.core.work import WorkerSettings
from digits.networks.steps import Step
from digits.networks.tensorflow.definition import DATA
from digits.networks.tensorflow.net import KerasNet
from digits.networks.tensorflow.table import calls
from digits.training.inference import Built, Predictor
from digits.training.modelfacts import ModelFacts
from digits.training.tensorflow_model import answering, set_up
from digits.training.torch_model import transform_for


class AnsweringNet:
    """A Keras network behind the face that the predictor asks."""

    losses: dict[str, float] = {}  # noqa: RUF012 - the protocol's, empty here
    parameters = ()

    def __init__(self, net: KerasNet, kind: str) -> None:
        self._net = net
        self._kind = kind
        self.num_parameters = net.num_parameters
        self.state = net.state
        self.load_state = net.load_state

    def __call__(self, **blobs: Tensor) -> dict[str, Tensor]:
        """Return "softmax", "sigmoid" or "output" for the pictures [N, C, H, W]."""
        (data,) = blobs.values()
        model = self._net.definition.answering
        return self._answers(torch.from_numpy(np.array(model(data.permute(0, 2, 3, 1).cpu().numpy(), training=False))))

    def _answers(self, scores: Tensor) -> dict[str, Tensor]:
        if self._kind == "class":
            return {"softmax": scores.softmax(1)}
        return {"sigmoid": scores.sigmoid()} if self._kind == "classes" else {"output": scores}

    def steps(self, **blobs: Tensor) -> tuple[list[Step], dict[str, Tensor]]:
        """Return one pass layer by layer, every value kept, and the outputs by name; channels first, as people see them elsewhere."""
        (data,) = blobs.values()
        model = self._net.definition.answering
        ran = [call for call in calls(model) if not isinstance(call[0], keras.layers.InputLayer)]
        watched = keras.Model(model.inputs[0], [made[0] for _, made, _ in ran])
        values = watched(data.detach().permute(0, 2, 3, 1).cpu().numpy(), training=False)
        kept = {id(model.inputs[0]): (DATA, data.detach())}
        for (operation, made, _), value in zip(ran, values if len(ran) > 1 else [values], strict=True):
            kept[id(made[0])] = (operation.name, _channels_first(value))
        steps = [
            Step(
                layer.name, type(layer).__name__, tuple(kept[id(each)] for each in taken), _weights(layer),
                sum(int(np.prod(each.shape)) for each in layer.trainable_weights), (kept[id(made[0])],),
            )
            for layer, made, taken in ran
            if isinstance(layer, keras.Layer)
        ]  # fmt: skip
        return steps, self._answers(kept[id(model.outputs[0])][1])

    def total_loss(self, outputs: Any) -> Tensor:  # noqa: ARG002 - the protocol's
        """Refuse: it only answers.

        Raises:
            NetworkError: always.
        """
        raise NetworkError("A network that answers has no loss.")

    def statistics(self) -> tuple[Tensor, ...]:
        """Return nothing: answering measures no batches."""
        return ()

    def memory(self) -> dict[str, Tensor]:
        """Return nothing: answering draws no chance."""
        return {}

    def load_memory(self, memory: Any) -> None:
        """Pass over it."""


def _channels_first(value: Any) -> Tensor:
    tensor = torch.from_numpy(np.array(value))
    return tensor.permute(0, 3, 1, 2).contiguous() if tensor.ndim == 4 else tensor


def _weights(layer: Any) -> tuple[Tensor, ...]:
    """Return a layer's arrays in torch's order: kernels as (outputs, inputs, height, width)."""
    arrays = [torch.from_numpy(each.numpy()) for each in layer.weights]
    return tuple(
        each.permute(3, 2, 0, 1).contiguous() if each.ndim == 4 else each.T.contiguous() if each.ndim == 2 else each
        for each in arrays
    )


def open_predictor(folder: JobFolder, epoch: float | None = None, device: Device = "auto") -> Predictor:
    """Load the snapshot of ``epoch``, or the newest.

    Raises:
        NotFoundError: the model has no such snapshot.
        DigitsError: its files cannot be used, or its code may not run here.
    """
    settings = WorkerSettings.from_environment()
    set_up(0, settings.num_threads)

    def build(facts: ModelFacts, _place: torch.device) -> Built:
        definition = answering(folder, facts, allowed=settings.python_layers)
        place = torch.device("cpu")  # TensorFlow takes it to its own
        transform = transform_for(folder.path, facts.use_mean, facts.crop_size, place, whiten=facts.whitening)
        return AnsweringNet(KerasNet(definition), facts.target_kind), transform

    return Predictor.load(folder, epoch, device, build)
