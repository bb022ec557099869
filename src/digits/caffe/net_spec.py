"""``caffe.NetSpec``, ``caffe.layers`` and ``caffe.params``: definitions written as Python.

``n.conv1 = L.Convolution(n.data, num_output=20, kernel_size=5)``: a layer type is a function from tops to tops. Arguments are fields of the
layer, or else of the type's own parameters.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message

from digits.caffeproto import caffe_pb2

_LAYER_FIELDS = caffe_pb2.LayerParameter.DESCRIPTOR.fields_by_name


def param_name_dict() -> dict[str, str]:
    """Return, by layer type, the field that holds its own parameters without "_param": {"Convolution": "convolution", ...}."""
    return {
        field.message_type.name.removesuffix("Parameter"): name.removesuffix("_param")
        for name, field in _LAYER_FIELDS.items()
        if name.endswith("_param") and field.message_type is not None
    }


def assign_proto(proto: Message, name: str, val: Any) -> None:
    """Set a field of a message from Python values: lists for repeated fields (one value stands for a list of it), dicts for messages.

    Raises:
        AttributeError: the message has no such field.
    """
    field = proto.DESCRIPTOR.fields_by_name.get(name)
    if field is None:
        raise AttributeError(f"{proto.DESCRIPTOR.name} has no field {name!r}")
    if not field.is_repeated:
        _assign_one(getattr(proto, name) if isinstance(val, dict) else proto, name, val)
        return
    target = getattr(proto, name)
    for each in val if isinstance(val, (list, tuple)) else [val]:
        if isinstance(each, dict):
            _assign_one(target.add(), name, each)
        else:
            target.append(each)


def _assign_one(target: Message, name: str, val: Any) -> None:
    if isinstance(val, dict):
        target.SetInParent()
        for key, each in val.items():
            assign_proto(target, key, each)
    elif isinstance(val, Message):
        getattr(target, name).CopyFrom(val)
    else:
        setattr(target, name, val)


class Top:
    """One output of a layer; ``to_proto`` gives all that it depends on."""

    def __init__(self, fn: Function, n: int) -> None:
        self.fn, self.n = fn, n

    def to_proto(self) -> caffe_pb2.NetParameter:
        """Return the network that makes this top."""
        return to_proto(self)


class Function:
    """One layer: its type, the tops it takes, and its fields."""

    def __init__(self, type_name: str, inputs: tuple[Top, ...], params: dict[str, Any]) -> None:
        for each in inputs:
            if not isinstance(each, Top):
                raise TypeError(f"{type_name} input is not a Top (it is a {type(each).__name__})")
        self.type_name, self.inputs = type_name, inputs
        self.params = dict(params)
        self.ntop = int(self.params.pop("ntop", 1))
        self.in_place = bool(self.params.pop("in_place", False))
        self.tops = tuple(Top(self, index) for index in range(self.ntop))

    def write(
        self, net: caffe_pb2.NetParameter, names: dict[Top, str], autonames: Counter[str], seen: set[Function]
    ) -> None:
        """Add the layers that this one needs, then itself, to ``net``, each once."""
        if self in seen:
            return
        seen.add(self)
        for top in self.inputs:
            top.fn.write(net, names, autonames, seen)
        layer = caffe_pb2.LayerParameter(type=self.type_name)
        layer.bottom.extend(names[top] for top in self.inputs)
        if self.in_place:
            names.update(zip(self.tops, (names[top] for top in self.inputs), strict=False))
            layer.name = names.get(self.tops[0], "")
        for top in self.tops:
            layer.top.append(_name_of(top, names, autonames))
        layer.name = self._name(layer, autonames)
        for key, value in self.params.items():
            if key == "name":
                continue
            if key in _LAYER_FIELDS:
                assign_proto(layer, key, value)
            else:
                assign_proto(getattr(layer, f"{param_name_dict()[self.type_name]}_param"), key, value)
        net.layer.append(layer)

    def _name(self, layer: caffe_pb2.LayerParameter, autonames: Counter[str]) -> str:
        if "name" in self.params:
            return str(self.params["name"])
        if self.in_place and self.own_name:
            return self.own_name
        if not layer.top or self.in_place:
            return _auto(self.type_name, autonames)
        return layer.top[0]

    own_name = ""
    """What a NetSpec calls the layer; an in-place layer's top is called otherwise."""


class NetSpec:
    """A network whose tops have the names of its attributes."""

    tops: OrderedDict[str, Top]

    def __init__(self) -> None:
        super().__setattr__("tops", OrderedDict())

    def __setattr__(self, name: str, value: Top) -> None:
        self.tops[name] = value

    def __getattr__(self, name: str) -> Top:
        try:
            found: Top = self.tops[name]
        except KeyError:
            raise AttributeError(name) from None
        return found

    def __setitem__(self, name: str, value: Top) -> None:
        setattr(self, name, value)

    def __getitem__(self, name: str) -> Top:
        return self.tops[name]

    def __delattr__(self, name: str) -> None:
        del self.tops[name]

    def __delitem__(self, name: str) -> None:
        del self.tops[name]

    def keys(self) -> list[str]:
        """Return the names."""
        return list(self.tops)

    def vals(self) -> list[Top]:
        """Return the tops."""
        return list(self.tops.values())

    def update(self, other: Mapping[str, Top]) -> None:
        """Take all of ``other``."""
        self.tops.update(other)

    def to_proto(self) -> caffe_pb2.NetParameter:
        """Return the network."""
        names: dict[Top, str] = {}
        for name, top in self.tops.items():
            names[top] = name
            if top.n == 0:
                top.fn.own_name = name
        net, autonames, seen = caffe_pb2.NetParameter(), Counter[str](), set[Function]()
        for top in self.tops.values():
            top.fn.write(net, names, autonames, seen)
        return net


class Layers:
    """``caffe.layers``: an attribute is a layer type; calling it makes a layer and returns its top, or tops."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def layer(*args: Top, **kwargs: Any) -> Any:
            function = Function(name, args, kwargs)
            if function.ntop == 0:
                return function
            return function.tops[0] if function.ntop == 1 else function.tops

        return layer


class Parameters:
    """``caffe.params``: ``params.Pooling.MAX`` is a value of an enum of PoolingParameter."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(caffe_pb2, f"{name}Parameter", None)
        if found is None:
            raise AttributeError(name)
        return found


layers = Layers()
params = Parameters()


def to_proto(*tops: Top) -> caffe_pb2.NetParameter:
    """Return the network that makes all of ``tops``; names are made of types and numbers."""
    net, names, autonames, seen = caffe_pb2.NetParameter(), dict[Top, str](), Counter[str](), set[Function]()
    for top in tops:
        top.fn.write(net, names, autonames, seen)
    return net


def _name_of(top: Top, names: dict[Top, str], autonames: Counter[str]) -> str:
    if top not in names:
        names[top] = _auto(top.fn.type_name, autonames)
    return names[top]


def _auto(type_name: str, autonames: Counter[str]) -> str:
    autonames[type_name] += 1
    return f"{type_name}{autonames[type_name]}"
