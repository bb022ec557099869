"""Layers written in Python whose module is not here: others stand in for them, so that the rest of the network can be tried."""

from __future__ import annotations

from collections.abc import Iterator

from digits.caffe.checking.findings import Finding
from digits.caffe.definitions import Definition
from digits.caffeproto import caffe_pb2
from digits.caffeproto.place import place, shown
from digits.caffeproto.text import layer_line
from digits.networks.caffe.python_layer import has_module

Layer = caffe_pb2.LayerParameter


def with_stand_ins(definition: Definition) -> tuple[Definition, list[Finding]]:
    """Return a definition of one state with nothing in Python that cannot be found, and a note on each layer that was.

    A loss becomes the sum of its first bottom, any other layer passes that on as each of its tops; one that brings in data becomes an input.
    """
    copy, notes = caffe_pb2.NetParameter(), list[Finding]()
    copy.CopyFrom(definition.message)
    del copy.layer[:]
    for layer in definition.message.layer:
        module = layer.python_param.module
        if layer.type != "Python" or not module or has_module(module, definition.folders.all):
            copy.layer.append(layer)
            continue
        copy.layer.extend(_instead_of(layer))
        words = f"Layer {shown(layer.name)}: its module {shown(module)} is not here; the rest was tried without it."
        line = layer_line(layer, "python_param.module", "python_param")
        notes.append(Finding(place(definition.where, line), words, is_note=True))
    return Definition(copy, definition.where, definition.folders), notes


def _instead_of(layer: Layer) -> Iterator[Layer]:
    if not layer.bottom:  # it stays: that it brings in data is all that is asked of it
        yield layer
        return
    stand_in = Layer(name=layer.name, bottom=layer.bottom[:1], top=layer.top, loss_weight=layer.loss_weight)
    stand_in.Extensions[caffe_pb2.source].CopyFrom(layer.Extensions[caffe_pb2.source])
    is_loss = any(layer.loss_weight) or "loss" in layer.python_param.layer.lower()
    stand_in.type = "Silence" if not layer.top else "Reduction" if is_loss and len(layer.top) == 1 else "Split"
    yield stand_in
    if layer.bottom[1:]:
        yield Layer(name=f"{layer.name} (other bottoms)", type="Silence", bottom=layer.bottom[1:])
