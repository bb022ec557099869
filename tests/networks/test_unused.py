"""No field of Caffe's messages is passed over in silence: each is read by our code, or declared with a reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor

import digits
from digits.caffe.solverfile import UNUSED
from digits.caffeproto import caffe_pb2
from digits.caffeproto.text import parse_net
from digits.networks.caffe.unused import NEEDLESS, NOT_BUILT, takes, unused_fields
from digits.networks.layers.registry import NOT_BUILT_YET, converters
from tests.networks.nets import make

SOURCE = Path(digits.__file__).parent
ROOTS = ("NetParameter", "SolverParameter", "SolverState")
OF_LAYERS_NOT_BUILT = {
    f"LayerParameter.{field.name}"
    for field in caffe_pb2.LayerParameter.DESCRIPTOR.fields
    if any(takes(kind, field.name) for kind in NOT_BUILT_YET) and not any(takes(kind, field.name) for kind in converters() if kind != "Python")
}  # fmt: skip
ELSEWHERE = {
    "BlobProto.raw_diff": "gradients in weight files are not read",
    "BlobProto.raw_diff_type": "gradients in weight files are not read",
    "LayerParameter.sigmoid_param": "holds an engine alone",
    "LayerParameter.tanh_param": "holds an engine alone",
    "V1LayerParameter.sigmoid_param": "copied with all that end in _param",
    "V1LayerParameter.tanh_param": "copied with all that end in _param",
    "V0LayerParameter.new_channels": "of a layer type that V0's last form no longer had",
    "V0LayerParameter.new_num": "of a layer type that V0's last form no longer had",
    "SolverState.iter_last_event": "NVCaffe's, of no use to another program",
    "SolverState.minimum_loss": "NVCaffe's, of no use to another program",
}


@cache
def names_in_the_code() -> tuple[frozenset[str], ...]:
    """Every attribute, string and keyword of each file of our code, the declared lists aside."""
    files = []
    for path in SOURCE.rglob("*.py"):
        if path.name in ("caffe_pb2.py", "unused.py"):
            continue
        found: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.keyword) and node.arg:
                found.add(node.arg)
        files.append(frozenset(found))
    return tuple(files)


def is_read(name: str) -> bool:
    """Whether a file of ours names a field; one of a layer's, only where it names the layer's settings as well."""
    message, _, field = name.partition(".")
    holders = {message} | {
        each.name
        for each in caffe_pb2.LayerParameter.DESCRIPTOR.fields
        if each.message_type is not None and each.message_type.name == message
    }
    return any(field in names and (len(holders) == 1 or names & holders) for names in names_in_the_code())


def fields(message: Descriptor, seen: set[str]) -> Iterator[str]:
    """Every field that a text can set, as "Message.field"; what lies below a declared one is declared with it."""
    if message.full_name in seen:
        return
    seen.add(message.full_name)
    for field in message.fields:
        name = f"{message.name}.{field.name}"
        yield name
        if field.message_type is not None and name not in (*NEEDLESS, *NOT_BUILT, *OF_LAYERS_NOT_BUILT):
            yield from fields(field.message_type, seen)


def every_field() -> list[str]:
    seen: set[str] = set()
    return [name for root in ROOTS for name in fields(caffe_pb2.DESCRIPTOR.message_types_by_name[root], seen)]


def test_every_field_is_read_or_declared() -> None:
    declared = {
        *NEEDLESS,
        *NOT_BUILT,
        *OF_LAYERS_NOT_BUILT,
        *ELSEWHERE,
        *(f"SolverParameter.{name}" for name in UNUSED),
    }

    silent = [name for name in every_field() if name not in declared and not is_read(name)]

    assert len(every_field()) > 400
    assert silent == []


def test_what_is_declared_exists_and_is_declared_once() -> None:
    known = set(every_field())

    assert {*NEEDLESS, *NOT_BUILT, *ELSEWHERE} <= known
    assert not NEEDLESS.keys() & NOT_BUILT.keys()
    assert {f"SolverParameter.{name}" for name in UNUSED} <= known


@pytest.mark.parametrize("name", sorted({*NEEDLESS, *NOT_BUILT} - {f"NetParameter.{each.name}" for each in caffe_pb2.NetParameter.DESCRIPTOR.fields}))  # fmt: skip
def test_a_declared_field_is_named_with_its_line_where_a_definition_sets_it(name: str) -> None:
    text, path = setting(name)

    (unused,) = unused_fields(parse_net(text, where="net.prototxt").message, where="net.prototxt")

    assert unused.where == "net.prototxt:3"
    assert unused.words.startswith(f"{path} is not used: ")
    assert unused.is_needless == (name in NEEDLESS)


def setting(name: str) -> tuple[str, str]:
    """A definition of which line 3 sets a field, and the field's name there."""
    message, _, field = name.partition(".")
    layer = caffe_pb2.LayerParameter()
    if message == "LayerParameter":
        path = field
    else:
        holder = next(
            each
            for each in layer.DESCRIPTOR.fields
            if each.message_type is not None and each.message_type.name == message
        )
        path = f"{holder.name}.{field}"
    kind = next(
        kind
        for kind in converters()
        if "." not in path
        or (takes(kind, path.partition(".")[0]) and (kind == "Python") == (message == "PythonParameter"))
    )
    descriptor = caffe_pb2.DESCRIPTOR.message_types_by_name[message].fields_by_name[field]
    value = f"{field} {{ }}" if descriptor.message_type else f"{field}: {_value(descriptor)}"
    body = value if "." not in path else f"{path.partition('.')[0]} {{ {value} }}"
    return f'layer {{ name: "l"\ntype: "{kind}"\n{body} }}', path


def _value(descriptor: object) -> str:
    enum = getattr(descriptor, "enum_type", None)
    if enum is not None:
        return str(enum.values[0].name)
    return {8: "true", 9: '"x"', 2: "1"}.get(getattr(descriptor, "type", 0), "1")


def test_a_field_is_named_once_at_its_first_place() -> None:
    layers = "".join(f'layer {{ name: "{name}" type: "ReLU"\nrelu_param {{ engine: CAFFE }} }}\n' for name in "abc")

    (unused,) = unused_fields(parse_net(layers, where="n").message, where="n")

    assert (unused.where, unused.is_needless) == ("n:2", True)


def test_what_a_layer_of_a_type_does_not_take_is_named() -> None:
    text = 'layer { name: "r" type: "ReLU"\npooling_param { kernel_size: 3 } }'

    (unused,) = unused_fields(parse_net(text, where="n").message, where="n")

    assert unused.where == "n:2"
    assert unused.words == "pooling_param in layer 'r' is not used: a ReLU layer does not take it."


@pytest.mark.parametrize(("switch", "count"), [("", 1), ("weight_by_label_freqs: true", 0)])
def test_weights_of_classes_that_nothing_switches_on_are_named(switch: str, count: int) -> None:
    text = f'layer {{ name: "l" type: "SoftmaxWithLoss"\nloss_param {{ {switch} class_weighting: [1, 2] }} }}'

    found = unused_fields(parse_net(text, where="n").message, where="n")

    assert [each.where for each in found] == ["n:2"] * count


def test_no_layer_of_the_formulas_has_a_setting_that_it_does_not_take() -> None:
    from tests.networks.layers.test_formulas import CASES

    for name, case in CASES.items():
        assert unused_fields(parse_net(case.text, where=name).message, where=name) == [], name


def test_an_engine_changes_nothing() -> None:
    text = 'layer {{ name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param {{ kernel_size: 2 {} }} }}'

    assert (
        make(text.format("engine: CUDNN"), x=(1, 1, 4, 4)).module.code
        == make(text.format(""), x=(1, 1, 4, 4)).module.code
    )
