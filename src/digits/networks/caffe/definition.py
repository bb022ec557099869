"""DIGITS' rules for a Caffe classifier: from one all-in-one text to the networks that train, validate and answer.

A layer belongs to a state by its include and exclude rules: train is phase TRAIN with the stage "train", val is TEST with "val",
deploy is TEST with "deploy". No torch here, so that a form can check a definition too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from digits.caffeproto import caffe_pb2
from digits.caffeproto.filter import is_included
from digits.caffeproto.place import nearest, place, shown
from digits.caffeproto.text import layer_line, parse_net, to_text
from digits.caffeproto.upgrade import upgrade_net, with_input_fields
from digits.core.errors import NetworkError
from digits.networks.caffe import data_layers
from digits.networks.caffe.data_layers import DataFacts
from digits.networks.caffe.heads import enlarges_scores, heads, output_param
from digits.networks.caffe.unused import unused_fields
from digits.networks.caffe.weighing import ignore

Net = caffe_pb2.NetParameter
Layer = caffe_pb2.LayerParameter
State = Literal["train", "val", "deploy"]

STATES = {
    "train": caffe_pb2.NetState(phase="TRAIN", stage=["train"]),
    "val": caffe_pb2.NetState(phase="TEST", stage=["val"]),
    "deploy": caffe_pb2.NetState(phase="TEST", stage=["deploy"]),
}
DEFAULT_BATCH_SIZE = 16


@dataclass(frozen=True)
class CaffeDefinition:
    """What DIGITS makes of a definition. The layers of each net know their lines in the original text."""

    train: Net
    val: Net | None
    """None without a validation database."""
    deploy: Net
    """Its input is the blob "data" of shape (1, channels, height, width), as an Input layer."""
    train_val_text: str
    deploy_text: str
    original_text: str
    batch_size_train: int
    batch_size_val: int
    crop_size: int | None
    warnings: tuple[str, ...]


def prepare(
    text: str,
    *,
    where: str,
    num_classes: int,
    channels: int,
    height: int,
    width: int,
    crop_size: int | None = None,
    batch_size: int | None = None,
    use_mean: Literal["none", "image", "pixel"] = "image",
    mean_values: Sequence[float] = (),
    mean_file: str = "mean.binaryproto",
    train_db: str = "train_db",
    val_db: str | None = "val_db",
    backend: Literal["lmdb", "hdf5"] = "lmdb",
    target_kind: str = "class",
    ignore_label: int | None = None,
) -> CaffeDefinition:
    """Return the definition of a classifier after DIGITS' rules.

    Args:
        text: the all-in-one prototxt.
        where: its file's name for errors; with "" they say "line N".
        num_classes: what every InnerProduct without num_output gets (see ``fill_classes``).
        channels: of the dataset's pictures.
        height: of the dataset's pictures.
        width: of the dataset's pictures.
        crop_size: the form's; it wins over the network's own, which is cut down to the picture.
        batch_size: the form's; it wins over the network's own, which wins over 16.
        use_mean: what is taken off each picture; a mean that the network names is then dropped with a warning.
        mean_values: mean colour in blue, green, red (or grey), for "pixel".
        mean_file: path of the mean picture, for "image".
        train_db: path of the training database.
        val_db: path of the validation database, or None where there is none.
        backend: the kind of the databases.
        target_kind: what the pictures are answered with: a network that tells one class of each must answer with a Softmax.
        ignore_label: of masks, the value of pixels that do not count: said to the losses and accuracies that name none.

    Raises:
        NetworkError: the text is no network, or breaks one of DIGITS' rules; with line and remedy.
    """
    facts = DataFacts(
        channels, height, width, backend, train_db, val_db, use_mean, tuple(mean_values), mean_file, target_kind
    )
    return _prepare(text, where, num_classes, crop_size, batch_size, facts, ignore_label)


def _prepare(
    text: str, where: str, num_classes: int, crop_size: int | None, batch_size: int | None, facts: DataFacts,
    ignore_label: int | None,
) -> CaffeDefinition:  # fmt: skip
    net = upgrade_net(parse_net(text, where=where).message, where=where)
    layers = fill_classes([layer for layer in net.layer if not _is_left_out(layer, num_classes)], num_classes)
    included = {name: [is_included(layer, state, where=where) for layer in layers] for name, state in STATES.items()}
    chosen = data_layers.choose(layers, included["train"], included["val"], facts, where=where)
    crop = data_layers.crop_size(chosen, crop_size, facts, where=where)
    warnings = [f"{each.where}: {each.words}" for each in unused_fields(net, where=where) if not each.is_needless]
    data = data_layers.complete(chosen, facts, batch_size or DEFAULT_BATCH_SIZE, bool(batch_size), crop, warnings)

    hidden = [(index, layer) for index, layer in enumerate(layers) if "Data" not in layer.type]
    trained = [(layer, included["train"][index], included["val"][index]) for index, layer in hidden]
    both = _net(net, [*data, *(_with_rule(layer, *states) for layer, *states in trained if any(states))])
    if ignore_label is not None:
        ignore(both, ignore_label)
    answering = [_with_rule(layer, True, True) for index, layer in hidden if included["deploy"][index]]
    if facts.one_class and not any(layer.type == "Softmax" for layer in answering):
        raise NetworkError(
            "Your deploy network is missing a Softmax layer!",
            where=where,
            hint='Add a layer of type "Softmax" with include { stage: "deploy" }, as the standard networks have it.',
        )
    deploy = _deploy(net, answering, (1, facts.channels, crop or facts.height, crop or facts.width))
    train, val = _in_phase(both, "TRAIN"), _in_phase(both, "TEST") if facts.val_db else None
    for made, state in ((train, "TRAIN"), (val, "TEST"), (deploy, "deploy")):
        if made is not None:
            _check_bottoms(made, state, layers, where)
    return CaffeDefinition(
        train=train,
        val=val,
        deploy=deploy,
        train_val_text=to_text(both),
        deploy_text=to_text(with_input_fields(deploy)),
        original_text=text,
        batch_size_train=data_layers.batch_size_of(train),
        batch_size_val=data_layers.batch_size_of(train if val is None else val),
        crop_size=crop,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _is_left_out(layer: Layer, num_classes: int) -> bool:
    """DIGITS drops inputs of a deploy network, and an accuracy among the best k of fewer than k classes."""
    return layer.type == "Input" or (layer.type == "Accuracy" and layer.accuracy_param.top_k > num_classes)


def fill_classes(layers: Sequence[Layer], num_classes: int) -> list[Layer]:
    """Return the layers, with the number of classes as the ``num_output`` that some leave out.

    As in DIGITS, every InnerProduct without one gets it. A Convolution without one gets it too if no other weighted layer comes after it,
    so that fully convolutional classifiers (SqueezeNet, MobileNet) fit any dataset; DIGITS asks them for a number. So does a Deconvolution,
    as its ``group`` too: each class is enlarged by itself.
    """
    kept = list(layers)  # a message's own list makes new objects each time it is walked
    answering = {id(layer) for layer in heads(kept)}
    return [
        _enlarging(layer, num_classes) if enlarges_scores(layer)
        else _with_output(layer, num_classes) if layer.type == "InnerProduct" or id(layer) in answering
        else layer
        for layer in kept
    ]  # fmt: skip


def _enlarging(layer: Layer, num_classes: int) -> Layer:
    """Return a copy of a Deconvolution that enlarges the scores of so many classes, each by itself."""
    filled = Layer()
    filled.CopyFrom(layer)
    filled.convolution_param.num_output = filled.convolution_param.group = num_classes
    return filled


def _with_output(layer: Layer, num_output: int) -> Layer:
    """Return a copy of the layer that makes so many outputs, or itself if it says how many."""
    filled = Layer()
    filled.CopyFrom(layer)
    param = output_param(filled)
    assert param is not None
    if param.HasField("num_output"):
        return layer
    param.num_output = num_output
    return filled


def _with_rule(layer: Layer, trains: bool, validates: bool) -> Layer:
    """Return a copy whose rules are replaced: none if it is in both states, else one phase."""
    copy = Layer()
    copy.CopyFrom(layer)
    del copy.include[:]
    del copy.exclude[:]
    if trains != validates:
        copy.include.add().phase = "TRAIN" if trains else "TEST"  # type: ignore[assignment] # protobuf takes an enum's name
    return copy


def _net(original: Net, layers: Sequence[Layer]) -> Net:
    net = Net()
    net.CopyFrom(original)
    del net.layer[:]
    net.ClearField("state")
    net.layer.extend(layers)
    return net


def _in_phase(net: Net, phase: Literal["TRAIN", "TEST"]) -> Net:
    state = caffe_pb2.NetState(phase=phase)
    kept = _net(net, [layer for layer in net.layer if is_included(layer, state)])
    kept.state.CopyFrom(state)
    return kept


def _deploy(original: Net, layers: Sequence[Layer], shape: tuple[int, ...]) -> Net:
    """Return the network that answers: the blob "data", then ``layers``."""
    data = Layer(name="input", type="Input", top=["data"])
    data.input_param.shape.add().dim.extend(shape)
    net = _net(original, [data, *layers])
    net.state.CopyFrom(caffe_pb2.NetState(phase="TEST"))
    return net


def _check_bottoms(net: Net, state: str, everywhere: Sequence[Layer], where: str) -> None:
    """Do nothing if every bottom is the top of a layer of the same state.

    Raises:
        NetworkError: one is made in another state only, or nowhere; then the nearest name is given.
    """
    tops = {top for layer in net.layer for top in layer.top}
    for layer in net.layer:
        for bottom in layer.bottom:
            if bottom in tops:
                continue
            at = place(where, layer_line(layer, "bottom"))
            if bottom in ("data", "label") or any(bottom in other.top for other in everywhere):
                raise NetworkError(
                    f"Layer '{layer.name}' references bottom '{bottom}' at the {state} stage however this blob is not "
                    "included at that stage.",
                    where=at,
                    hint="Please consider using an include directive to limit the scope of this layer.",
                )
            near = nearest(bottom, tops)
            blank = ", with its blank" if near is not None and near != near.strip() else ""
            raise NetworkError(
                f"Layer {layer.name!r} references bottom {shown(bottom)}, which no layer makes.",
                where=at,
                hint=f"Did you mean {near!r}{blank}?" if near is not None else "",
            )
