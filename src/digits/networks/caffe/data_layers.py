"""What DIGITS' rules say about the layers that bring in the records: which there may be, their batch, crop and mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from digits.caffeproto import caffe_pb2
from digits.caffeproto.place import place
from digits.caffeproto.text import layer_line
from digits.core.errors import NetworkError

Layer = caffe_pb2.LayerParameter
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
    one_class: bool = True


@dataclass(frozen=True)
class Chosen:
    """The data layers of the definition, or what stands in for them."""

    train: Layer
    val: Layer | None


def choose(
    layers: Sequence[Layer], in_train: Sequence[bool], in_val: Sequence[bool], facts: DataFacts, *, where: str
) -> Chosen:
    """Return the training and validation data layers; made with tops data and label where the definition has none.

    Raises:
        NetworkError: there are several for a phase, one for validation alone, one of another type, or one names a database.
    """
    train = _only(layers, in_train, "TRAIN", where)
    val = _only(layers, in_val, "TEST", where)
    if val is not None and train is None:
        raise NetworkError(
            f"Data layer {val.name!r} is for validation, and there is none for training.",
            where=place(where, layer_line(val)),
            hint='Add one with include { stage: "train" }.',
        )
    if train is None:
        train = Layer(name="data", type=_TYPES[facts.backend], top=["data", "label"])
    for layer in filter(None, (train, val)):
        _check(layer, facts, where)
    if not facts.val_db:
        return Chosen(train, None)
    return Chosen(train, _for_validation(train) if val is None else val)


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
    for layer, phase, database in ((chosen.train, "TRAIN", facts.train_db), (chosen.val, "TEST", facts.val_db)):
        if layer is None or database is None:
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
        _set_mean(full, facts, warnings)
        complete_layers.append(full)
    return complete_layers


def batch_size_of(net: caffe_pb2.NetParameter) -> int:
    """Return the batch size of a completed network's data layer."""
    layer = data_layer_of(net)
    return int(getattr(layer, _PARAMS[layer.type]).batch_size)


def data_layer_of(net: caffe_pb2.NetParameter) -> Layer:
    """Return a completed network's data layer."""
    return next(layer for layer in net.layer if layer.type in _PARAMS)


def _only(layers: Sequence[Layer], included: Sequence[bool], phase: str, where: str) -> Layer | None:
    found = [layer for layer, here in zip(layers, included, strict=True) if here and "Data" in layer.type]
    if len(found) > 1:
        raise NetworkError(
            f"There are {len(found)} data layers in phase {phase}; one is the most.",
            where=place(where, layer_line(found[1])),
            hint='Limit each with include { stage: "train" } or include { stage: "val" }.',
        )
    return found[0] if found else None


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
    for name in ("source", "backend"):
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
