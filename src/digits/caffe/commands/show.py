"""``digits network show``: the layers of a definition with shapes, costs and receptive fields, without a server and without weights."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from digits.caffe.checking.sizes import candidates
from digits.caffe.definitions import Definition, State, of_message, read_text
from digits.caffe.paths import Folders
from digits.caffeproto import caffe_pb2
from digits.caffeproto.filter import is_included
from digits.caffeproto.text import parse_net
from digits.core.errors import DigitsError, NetworkError
from digits.networks.caffe.build import build
from digits.networks.caffe.definition import STATES, fill_classes
from digits.networks.caffe.describe import activation_bytes, describe
from digits.networks.caffe.net import CaffeNet
from digits.networks.caffe.python_layer import python_layers_from
from digits.networks.layers.registry import Shape
from digits.networks.standard import standard_networks, standard_text

_USUAL = {"channels": 3, "height": 256, "width": 256, "num_classes": 1000}


def show(network: str, *, runs_python: bool = False, **asked: int | None) -> dict[str, Any]:
    """Return the table of layers as ``describe`` has it.

    A classifier that leaves the sizes to DIGITS is shown after DIGITS' rules; anything else as it stands, in the phase TEST and the stage
    "deploy".

    Args:
        network: a file, or the name of a standard network.
        runs_python: layers written in Python may run, which is whatever code they hold; those of standard networks always do.
        asked: "channels", "height", "width", "num_classes"; None for what the definition, or the network's card, says.

    Raises:
        NotFoundError: there is no such file and no such network.
        NetworkError: it cannot be built; with file and line.
    """
    card = None if Path(network).is_file() else standard_networks().get(network)
    text = read_text(Path(network)) if card is None else standard_text(network)
    definition = of_message(
        parse_net(text, where=network).message, where=network, folders=Folders().also(Path(network))
    )
    given = {name: value for name, value in asked.items() if value is not None}
    usual = _USUAL if card is None else {name: int(getattr(card, name)) for name in _USUAL}
    if _is_for_digits(definition.message):
        try:
            return describe({"text": text} | usual | given)
        except NetworkError as error:
            error.where = error.where.replace("line ", f"{network}:", 1)
            raise
    folders = definition.folders.all if card is None else ()
    with python_layers_from(*folders) if runs_python or card is not None else nullcontext():
        return _as_it_stands(definition, usual, given)


def _is_for_digits(net: caffe_pb2.NetParameter) -> bool:
    """Whether DIGITS' rules make a classifier of it: it answers with a Softmax, and says nothing of where its data come from."""
    return not any(
        layer.type == "Input" or layer.data_param.source or layer.hdf5_data_param.source for layer in net.layer
    ) and any(layer.type == "Softmax" and is_included(layer, STATES["deploy"]) for layer in net.layer)


def _as_it_stands(definition: Definition, usual: Mapping[str, int], given: Mapping[str, int]) -> dict[str, Any]:
    chosen = definition.only(State("TEST", ("deploy",)))
    filled = fill_classes(chosen.message.layer, given.get("num_classes", usual["num_classes"]))
    del chosen.message.layer[:]
    chosen.message.layer.extend(filled)
    _add_input(chosen.message, usual)
    net = _built(chosen, given)
    return {
        "layers": [asdict(info) | {"states": []} for info in net.layers],
        "parameters": net.num_parameters,
        "multiply_adds": sum(info.multiply_adds for info in net.layers),
        "activations_bytes": activation_bytes(net),
        "warnings": [],
    }


def _add_input(net: caffe_pb2.NetParameter, sizes: Mapping[str, int]) -> None:
    """Put an Input layer before a network that reads "data" and does not say whence: DIGITS feeds it."""
    made = {top for layer in net.layer for top in layer.top}
    if "data" in made or not any("data" in layer.bottom for layer in net.layer):
        return
    layer = caffe_pb2.LayerParameter(name="data", type="Input", top=["data"])
    layer.input_param.shape.add().dim.extend([1, sizes["channels"], sizes["height"], sizes["width"]])
    net.layer.insert(0, layer)


def _built(definition: Definition, given: Mapping[str, int]) -> CaffeNet:
    """Return the network without memory, with the first sizes of its data that go with it.

    Raises:
        DigitsError: none does; the words are those for the likeliest.
    """
    first: DigitsError | None = None
    own = {
        layer.top[0]: tuple(layer.input_param.shape[0].dim)
        for layer in definition.message.layer
        if layer.type == "Input" and len(layer.top) == 1 and layer.input_param.shape
    }
    for shapes in candidates(definition, "TEST"):
        wanted = {name: _resized(shape, given) for name, shape in (own | shapes).items()}
        try:
            return build(definition.message, wanted, phase="TEST", where=definition.where, device="meta")
        except DigitsError as error:
            first = first or error
    assert first is not None
    raise first


def _resized(shape: Shape, given: Mapping[str, int]) -> Shape:
    """Return the shape of a batch of pictures with the sizes that are asked for; any other shape as it is."""
    if len(shape) != 4:
        return shape
    batch, channels, height, width = shape
    return batch, given.get("channels", channels), given.get("height", height), given.get("width", width)
