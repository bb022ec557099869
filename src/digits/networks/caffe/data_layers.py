"""What DIGITS' rules say about the layers that bring in the records: which there may be, their batch, crop and mean.

Records of pairs (pictures with masks, with pictures) lie in two databases, ``features`` and ``labels``, so a network reads them by two data
layers a phase. A definition may leave out both, or the one of the labels; in training the two are cut and mirrored together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from digits.caffeproto import caffe_pb2
from digits.caffeproto.place import place
from digits.caffeproto.text import layer_line
from digits.core.errors import NetworkError

Layer = caffe_pb2.LayerParameter
Shape = tuple[int, ...]
_LABEL = "label"
PAIRS = ("mask", "image", "boxes")
"""Kinds of answer that lie in a database of their own."""
_BYTE = 1 / 255
_BOX_LABEL = (1, 2, 16)  # of one box: no shape in a network follows from their number
FEATURES, LABELS = "features", "labels"
_TYPES = {"lmdb": "Data", "hdf5": "HDF5Data"}
_PARAMS: dict[str, Literal["data_param", "hdf5_data_param"]] = {"Data": "data_param", "HDF5Data": "hdf5_data_param"}


@dataclass(frozen=True)
class DataFacts:
    """What is known of the dataset and asked for in the form."""

    channels: int
    height: int
    width: int
    backend: Literal["lmdb", "hdf5"]
    train_db: str
    val_db: str | None
    use_mean: Literal["none", "image", "pixel"]
    mean_values: tuple[float, ...]
    mean_file: str
    target_kind: str = "class"

    @property
    def one_class(self) -> bool:
        """Whether each picture is of one class."""
        return self.target_kind == "class"

    @property
    def pairs(self) -> bool:
        """Whether labels lie in a database of their own."""
        return self.target_kind in PAIRS


@dataclass(frozen=True)
class Chosen:
    """The data layers of the definition, or what stands in for them."""

    train: Layer
    val: Layer | None
    train_labels: Layer | None = None
    """Of pairs: the layer that brings in the labels."""
    val_labels: Layer | None = None


def choose(
    layers: Sequence[Layer], in_train: Sequence[bool], in_val: Sequence[bool], facts: DataFacts, *, where: str
) -> Chosen:
    """Return the training and validation data layers; made with tops data and label where the definition has none.

    Raises:
        NetworkError: there are several for a phase, one for validation alone, one of another type, or one names a database.
    """
    train, train_labels = _only(layers, in_train, "TRAIN", facts, where)
    val, val_labels = _only(layers, in_val, "TEST", facts, where)
    if val is not None and train is None:
        raise NetworkError(
            f"Data layer {val.name!r} is for validation, and there is none for training.",
            where=place(where, layer_line(val)),
            hint='Add one with include { stage: "train" }.',
        )
    if train is None:
        train = Layer(name="data", type=_TYPES[facts.backend], top=["data", "label"])
    for layer in filter(None, (train, val, train_labels, val_labels)):
        _check(layer, facts, where)
    if facts.pairs:
        train, train_labels = _parted(train, train_labels, facts)
        val, val_labels = (None, None) if val is None else _parted(val, val_labels, facts)
    if not facts.val_db:
        return Chosen(train, None, train_labels)
    if val is None:
        return Chosen(train, _for_validation(train), train_labels, train_labels)
    return Chosen(train, val, train_labels, val_labels)


def crop_size(chosen: Chosen, asked: int | None, facts: DataFacts, *, where: str) -> int | None:
    """Return the side of the square that is cut from each picture: the form's, else the network's, at most the picture.

    Raises:
        NetworkError: the form's is larger than the picture, or the database is HDF5, which cannot crop.
    """
    largest = min(facts.height, facts.width)
    if asked and asked > largest:
        raise NetworkError(
            f"Crop size {asked} is larger than the pictures of {facts.width} x {facts.height}.",
            hint=f"Use at most {largest}.",
        )
    given = [layer for layer in (chosen.train, chosen.val) if layer and layer.transform_param.crop_size]
    crop = asked or (min(given[0].transform_param.crop_size, largest) if given else None)
    if crop and facts.backend == "hdf5":
        raise NetworkError("HDF5 records cannot be cropped.", where=where, hint="Leave the crop size empty.")
    return crop


def complete(
    chosen: Chosen, facts: DataFacts, batch_size: int, batch_wins: bool, crop: int | None, warnings: list[str]
) -> list[Layer]:
    """Return the layers with database, batch, crop and mean, each bound to its phase.

    Args:
        chosen: the definition's layers.
        facts: the dataset.
        batch_size: of both layers if ``batch_wins``, else of one that has none.
        batch_wins: the form asked for the batch size.
        crop: side of the square to cut, None for the whole picture.
        warnings: what is dropped is added here in words.
    """
    complete_layers = []
    part = f"/{FEATURES}" if facts.pairs else ""
    for layer, phase, database, is_data in (
        (chosen.train, "TRAIN", f"{facts.train_db}{part}", True),
        (chosen.train_labels, "TRAIN", f"{facts.train_db}/{LABELS}", False),
        (chosen.val, "TEST", f"{facts.val_db}{part}", True),
        (chosen.val_labels, "TEST", f"{facts.val_db}/{LABELS}", False),
    ):
        if layer is None:
            continue
        full = Layer()
        full.CopyFrom(layer)
        del full.include[:]
        del full.exclude[:]
        full.include.add().phase = phase  # type: ignore[assignment] # protobuf takes an enum's name
        param = getattr(full, _PARAMS[full.type])
        param.source = database
        if full.type == "Data":
            param.backend = caffe_pb2.DataParameter.LMDB
        if batch_wins or not param.batch_size:
            param.batch_size = batch_size
        if crop:
            full.transform_param.crop_size = crop
        if is_data:
            _set_mean(full, facts, warnings)
        complete_layers.append(full)
    return complete_layers


def batch_size_of(net: caffe_pb2.NetParameter) -> int:
    """Return the batch size of a completed network's data layer."""
    layer = data_layer_of(net)
    return int(getattr(layer, _PARAMS[layer.type]).batch_size)


def data_layer_of(net: caffe_pb2.NetParameter) -> Layer:
    """Return a completed network's data layer, that of the pictures."""
    return next(layer for layer in net.layer if layer.type in _PARAMS)


def inputs_of(net: caffe_pb2.NetParameter, data: Shape, answer: Shape) -> dict[str, Shape]:
    """Return the shapes of what a completed network's data layers bring in: the pictures first, then the labels where it reads them.

    Args:
        net: of one phase.
        data: shape of a batch of pictures, batch first.
        answer: shape of one picture's label.
    """
    tops = [top for layer in net.layer if layer.type in _PARAMS for top in layer.top]
    return dict(zip(tops, (data, (data[0], *answer)), strict=False))


def answer_shape(target_kind: str, num_labels: int, size: tuple[int, int], channels: int) -> Shape:
    """Return the shape of one picture's label blob: one number for a class, planes for a mask or a picture, a table of boxes, else a row of classes or numbers.

    Args:
        target_kind: what pictures are answered with.
        num_labels: classes or numbers.
        size: height and width of a dense answer.
        channels: of an answer that is a picture.
    """
    if target_kind == "boxes":
        return _BOX_LABEL
    if target_kind in PAIRS:
        return (1 if target_kind == "mask" else channels, *size)
    return () if target_kind == "class" else (num_labels,)


def _only(
    layers: Sequence[Layer], included: Sequence[bool], phase: str, facts: DataFacts, where: str
) -> tuple[Layer | None, Layer | None]:
    """Return a phase's data layer, and of pairs that of the labels."""
    found = [layer for layer, here in zip(layers, included, strict=True) if here and "Data" in layer.type]
    if not facts.pairs and len(found) == 2 and all(len(layer.top) == 1 for layer in found):
        return _pair(*found), None
    most = 2 if facts.pairs else 1
    if len(found) > most:
        raise NetworkError(
            f"There are {len(found)} data layers in phase {phase}; {'one is' if most == 1 else 'two are'} the most.",
            where=place(where, layer_line(found[most])),
            hint='Limit each with include { stage: "train" } or include { stage: "val" }.',
        )
    # Whichever comes first: the blob "label" is the labels'.
    found.sort(key=lambda layer: _LABEL in layer.top and len(layer.top) == 1)
    return (found[0] if found else None), (found[1] if len(found) > 1 else None)


def _parted(layer: Layer, labels: Layer | None, facts: DataFacts) -> tuple[Layer, Layer]:
    """Return two layers of one top each: the second top, or the blob "label", has the labels; pictures among these are 0 to 1."""
    first, second = Layer(), Layer()
    first.CopyFrom(layer)
    if labels is None:
        second.CopyFrom(layer)
        second.name, second.top[:] = f"{layer.name}_labels", list(layer.top[1:2]) or [_LABEL]
    else:
        second.CopyFrom(labels)
    del first.top[1:]
    second.ClearField("transform_param")
    if facts.target_kind == "image":
        second.transform_param.scale = _BYTE
    return first, second


def _pair(data: Layer, label: Layer) -> Layer:
    """Return one layer with both tops: of definitions, as DIGITS has them for segmentation, with a database for labels that are pictures."""
    if data.top[0] == "label":
        data, label = label, data
    both = Layer()
    both.CopyFrom(data)
    both.top.append(label.top[0])
    return both


def _for_validation(train: Layer) -> Layer:
    """Return the layer that validates where the definition has one for training alone: the same, without the mirror."""
    layer = Layer()
    layer.CopyFrom(train)
    layer.transform_param.ClearField("mirror")
    return layer


def _check(layer: Layer, facts: DataFacts, where: str) -> None:
    wanted = _TYPES[facts.backend]
    if layer.type != wanted:
        raise NetworkError(
            f"Data layer {layer.name!r} has type {layer.type!r}; records in {facts.backend.upper()} need {wanted!r}.",
            where=place(where, layer_line(layer, "type")),
        )
    if not layer.top or layer.bottom:
        words = "has a bottom, and records come from a database alone" if layer.bottom else "has no top"
        raise NetworkError(f"Data layer {layer.name!r} {words}.", where=place(where, layer_line(layer, "bottom")))
    param = getattr(layer, _PARAMS[layer.type])
    for name in ("source", "backend") if not facts.pairs else ():  # DIGITS passes over them in such networks
        if name in param.DESCRIPTOR.fields_by_name and param.HasField(name):
            field = f"{_PARAMS[layer.type]}.{name}"
            raise NetworkError(
                f"Data layer {layer.name!r}: don't set the {field}.",
                where=place(where, layer_line(layer, field)),
                hint="The dataset chosen in the form says it.",
            )
    if facts.backend == "hdf5" and facts.use_mean != "none":
        raise NetworkError(
            "HDF5 records cannot have a mean taken off.", where=where, hint="Choose None for Subtract Mean."
        )


def _set_mean(layer: Layer, facts: DataFacts, warnings: list[str]) -> None:
    """Put in the mean that the form asks for, and drop what the network names instead.

    A ``mean_file`` of the network goes in any case: it would be a path on the server.
    """
    transform = layer.transform_param
    for name in ("mean_file", "mean_value"):
        given = transform.HasField("mean_file") if name == "mean_file" else bool(transform.mean_value)
        if given and (facts.use_mean != "none" or name == "mean_file"):
            transform.ClearField(name)
            warnings.append(f"Layer {layer.name!r}: {name} is ignored, the form's Subtract Mean holds.")
    if facts.backend == "hdf5":
        return
    if facts.use_mean == "pixel":
        transform.mean_value.extend(facts.mean_values)
    elif facts.use_mean == "image":
        transform.mean_file = facts.mean_file
