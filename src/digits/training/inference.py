"""A trained model that answers: pictures in, outputs of the network out, by the same code as in validation.

Preprocessing is the dataset's own (``digits.data.images.prepare_image``), then ``digits.training.transform``: the centre of the resized picture
where the network has a crop, minus the mean. (DIGITS squeezed the whole picture into the crop, and so told other classes than its own validation.)

Legend: HWC = height, width, channels of uint8; RGB where there are 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.core.errors import DataError, NetworkError, NotFoundError
from digits.core.files import read_json
from digits.core.jobfolder import JobFolder
from digits.core.settings import Device
from digits.data.images import Limits, ResizeMode, decode, prepare_image, to_channels
from digits.training import devices, snapshots
from digits.training.activationmap import ActivationMaps, activation_maps
from digits.training.dataset import LABELS_FILE
from digits.training.layerviews import LayerView, layer_views
from digits.training.modelfacts import MODEL_FILE, ModelFacts
from digits.training.run import Network
from digits.training.targets import Answers, Target, target
from digits.training.transform import Transform, centre

_BATCH = 32  # pictures at a time: enough to fill a device, little memory
_USUAL_PIXELS = 256 * 256  # of larger pictures fewer


Built = tuple[Network, Transform]
"""A network that answers, without weights yet, and what happens to its pictures."""


class Predictor:
    """A model at one epoch, loaded; may be asked by one thread at a time."""

    def __init__(
        self,
        net: Network,
        facts: ModelFacts,
        kind: Target,
        transform: Transform,
        labels: tuple[str, ...],
        epoch: float,
    ) -> None:
        self.facts = facts
        self.labels = labels
        self.epoch = epoch
        self._net = net
        self._kind = kind
        self._transform = transform
        self._weight_views: dict[str, LayerView] = {}

    @classmethod
    def load(
        cls, folder: JobFolder, epoch: float | None, device: Device, build: Callable[[ModelFacts, torch.device], Built]
    ) -> Predictor:
        """Load the snapshot of ``epoch``, or the newest, into the network that ``build`` makes, with what it does to pictures.

        Raises:
            NotFoundError: the model has no such snapshot.
            DigitsError: its files cannot be used.
        """
        snapshot = snapshots.find_snapshot(folder, epoch)
        try:
            facts = ModelFacts(**read_json(folder.path / MODEL_FILE))
        except OSError as error:
            raise NotFoundError("The model has no network yet.", where=str(folder.path)) from error
        net, transform = build(facts, devices.choose_device(device))
        own, weights = net.state(), snapshots.read_weights(snapshot)
        net.load_state({name: value for name, value in weights.items() if name in own})
        labels = tuple((folder.path / LABELS_FILE).read_text(encoding="utf-8", errors="surrogateescape").splitlines())
        kind = target(facts.target_kind, Answers(labels, facts.ignore_label, transform.rgb))
        return cls(net, facts, kind, transform, labels, snapshots.read_facts(snapshot).epoch)

    def prepare(self, data: bytes, *, limits: Limits | None = None) -> NDArray[np.uint8]:
        """Return the picture in the file ``data`` in the size and channels of the dataset.

        Raises:
            DataError: the file holds no picture that can be used.
        """
        facts = self.facts
        return prepare_image(
            data, height=facts.height, width=facts.width, channels=facts.channels,
            mode=cast(ResizeMode, facts.resize_mode), seed=facts.seed, limits=limits,
        )  # fmt: skip

    def prepare_whole(self, data: bytes, *, limits: Limits | None = None) -> NDArray[np.uint8]:
        """Return the picture in the file ``data`` in the channels of the dataset and in its own size.

        Raises:
            DataError: the file holds no picture that can be used.
        """
        return to_channels(decode(data, limits=limits).image_HWC, self.facts.channels)

    def predict_whole(self, image_HWC: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Return every output for a picture of any size, one row; for networks whose layers are all convolutions, pools and the like.

        Raises:
            DataError: the network takes no picture of this size.
        """
        try:
            return self._forward(image_HWC[None], self._transform.whole())
        except (RuntimeError, ValueError, NetworkError) as error:
            height, width = image_HWC.shape[:2]
            raise DataError(
                f"The network cannot take a picture of {width} × {height}: {str(error).strip().partition(chr(10))[0]}",
                hint="dont_resize is for fully convolutional networks; leave it out to have the picture resized.",
                rule="IMG_SIZE",
            ) from error

    def seen(self, image_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the part of a prepared picture that the network looks at."""
        if not self.facts.crop_size:
            return image_HWC
        middle = centre(torch.from_numpy(image_HWC).permute(2, 0, 1)[None], self.facts.crop_size)
        return middle[0].permute(1, 2, 0).contiguous().numpy()

    def predict(self, images_HWC: Sequence[NDArray[np.uint8]]) -> dict[str, NDArray[np.float32]]:
        """Return every output of the network for prepared pictures, by blob name, one row a picture."""
        rows: dict[str, list[NDArray[np.float32]]] = {}
        step = _batch(images_HWC[0]) if images_HWC else 1
        for first in range(0, len(images_HWC), step):
            for name, value in self._forward(np.stack(images_HWC[first : first + step])).items():
                rows.setdefault(name, []).append(value)
        return {name: np.concatenate(values) for name, values in rows.items()}

    def answers(self, images_HWC: Sequence[NDArray[np.uint8]]) -> NDArray[Any]:
        """Return the answers to prepared pictures as the kind of answer has them (``Target.predict``), one row a picture.

        Outputs are forgotten a few pictures at a time: those of masks are large.
        """
        step = _batch(images_HWC[0])
        parts = [
            self.answer(self.predict(images_HWC[first : first + step])) for first in range(0, len(images_HWC), step)
        ]
        return np.concatenate(parts)

    def answer(self, outputs: Mapping[str, NDArray[np.float32]]) -> NDArray[Any]:
        """Return the answers that outputs of ``predict`` or ``predict_whole`` stand for, one row a picture."""
        return self._kind.predict(outputs)

    def classify(self, images_HWC: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return the probability of each class for prepared pictures: [N, classes]."""
        return np.asarray(self._kind.predict(self.predict(images_HWC)), np.float32)

    @property
    def num_parameters(self) -> int:
        """The network's learned values."""
        return self._net.num_parameters

    def layers(self, image_HWC: NDArray[np.uint8]) -> Iterator[LayerView]:
        """Yield each layer's numbers and pictures for a prepared picture, in the network's order."""
        with torch.inference_mode(), devices.memory_words(self._transform.device, 1):
            steps, _ = self._net.steps(**{self.facts.data_blob: self._input(image_HWC[None])})
        yield from layer_views(steps, rgb=self._transform.rgb, known=self._weight_views)

    def maps(self, image_HWC: NDArray[np.uint8], classes: Sequence[int]) -> ActivationMaps | None:
        """Return what in a prepared picture speaks for each of ``classes``; None for a network that has no places to show."""
        data = self._input(image_HWC[None]).requires_grad_()  # the first layers may be frozen
        with torch.enable_grad(), devices.memory_words(self._transform.device, 1):
            steps, outputs = self._net.steps(
                **{self.facts.data_blob: data * 1}
            )  # no leaf: a layer may change it in place
            return activation_maps(steps, list(outputs.values())[-1], classes)

    @torch.inference_mode()
    def _forward(
        self, images_NHWC: NDArray[np.uint8], transform: Transform | None = None
    ) -> dict[str, NDArray[np.float32]]:
        with devices.memory_words(self._transform.device, len(images_NHWC)):
            outputs = self._net(**{self.facts.data_blob: self._input(images_NHWC, transform)})
            return {name: value.float().cpu().numpy() for name, value in outputs.items()}

    def _input(self, images_NHWC: NDArray[np.uint8], transform: Transform | None = None) -> Tensor:
        """Return what the network takes for prepared pictures."""
        planes = torch.from_numpy(images_NHWC).permute(0, 3, 1, 2)
        planes = (planes.flip(1) if planes.shape[1] == 3 else planes).contiguous()  # RGB to BGR
        return (transform or self._transform)(planes)


def _batch(image_HWC: NDArray[np.uint8]) -> int:
    """Return how many pictures of this size are answered at a time."""
    height, width = image_HWC.shape[:2]
    return max(1, min(_BATCH, _BATCH * _USUAL_PIXELS // int(height * width)))


def top_classes(
    probabilities: NDArray[np.float32], labels: Sequence[str], count: int
) -> list[list[tuple[int, str, float]]]:
    """Return the ``count`` best classes of each picture as (id, label, probability), best first; an equal one keeps its order.

    Outputs beyond the labels are left out, as in DIGITS.
    """
    known = probabilities[:, : len(labels)]
    order = np.argsort(-known, axis=1, kind="stable")[:, :count]
    return [
        [(int(index), labels[index], float(row[index])) for index in best]
        for row, best in zip(known, order, strict=True)
    ]
