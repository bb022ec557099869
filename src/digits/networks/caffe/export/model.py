"""A trained network with all that goes out with it, wherever it came from: a job, or files of an old Caffe project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from digits.caffeproto import caffe_pb2
from digits.caffeproto.place import place
from digits.caffeproto.text import layer_line
from digits.core.errors import NetworkError
from digits.networks.caffe.build import build
from digits.networks.caffe.export.preprocessing import Preprocessing
from digits.networks.caffe.net import CaffeNet
from digits.networks.layers.registry import Shape


@dataclass(frozen=True)
class ExportModel:
    """What a format writes.

    Legend: "layer:i" is parameter blob i of a layer.
    """

    name: str
    """Of files inside an archive: "snapshot_iter_1000"."""
    deploy: caffe_pb2.NetParameter
    """The network that answers, in the current form, its inputs' shapes in Input layers."""
    where: str
    """The file of ``deploy``, for errors."""
    weights: Mapping[str, NDArray[Any]]
    """By "layer:i"; those of layers that only the training has may be among them."""
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    labels: tuple[str, ...] = ()
    training: caffe_pb2.NetParameter | None = None
    """Both phases of the network that was trained, in the current form."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """Files that go along where a format is an archive, by the name they get: labels, the mean, layers written in Python."""

    def input_shapes(self) -> dict[str, Shape]:
        """Return the inputs with the shapes that the definition gives them.

        Raises:
            NetworkError: the network takes its data from somewhere else, or does not say their shapes.
        """
        shapes: dict[str, Shape] = {}
        for layer in self.deploy.layer:
            if layer.type == "Input" and layer.input_param.shape:
                given = [tuple(shape.dim) for shape in layer.input_param.shape]
                shapes.update(zip(layer.top, given * len(layer.top) if len(given) == 1 else given, strict=False))
            elif not layer.bottom and layer.type not in ("DummyData", "Parameter"):
                raise NetworkError(
                    f"Layer {layer.name!r} of type {layer.type!r} brings in data, and a network that goes out has inputs.",
                    where=place(self.where, layer_line(layer)),
                    hint='Export the deploy network, which begins with: input: "data" input_shape { dim: 1 ... }',
                )
        if not shapes:
            raise NetworkError(
                "The network has no inputs.",
                where=self.where,
                hint='A deploy network begins with: input: "data" input_shape { dim: 1 dim: 3 dim: 227 dim: 227 }',
            )
        return shapes

    def build(self, batch_size: int | None = None) -> CaffeNet:
        """Return the network with its weights; with ``batch_size`` all inputs that have a batch like the first one's have that.

        Raises:
            NetworkError: it cannot be built.
            WeightsError: the weights do not fit.
        """
        shapes = self.input_shapes()
        own = next(iter(shapes.values()))[:1]
        if batch_size is not None and own:
            shapes = {name: (batch_size, *shape[1:]) if shape[:1] == own else shape for name, shape in shapes.items()}
        net = build(self.deploy, shapes, phase="TEST", where=self.where)
        net.load_state({name: array for name, array in self.weights.items() if name in net.blobs})
        return net

    def refuse(self, what: str) -> None:
        """Do nothing if ``what`` can carry the network as far as its types of layers tell.

        Raises:
            NetworkError: a layer is written in Python, or belongs to a training; names its line.
        """
        for layer in self.deploy.layer:
            at = place(self.where, layer_line(layer, "type"))
            if layer.type == "Python":
                raise NetworkError(
                    f"Layer {layer.name!r} is written in Python, which {what} cannot carry.",
                    where=at,
                    hint="Export as caffemodel, which takes the Python file along.",
                )
            if layer.type.endswith("Loss"):
                raise NetworkError(
                    f"Layer {layer.name!r} of type {layer.type!r} belongs to a training, and {what} holds a network that answers.",
                    where=at,
                    hint="Export the deploy network.",
                )
