"""The text format: what is read, what is refused and with which words, and the lines that layers remember."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digits.caffeproto import caffe_pb2, limits
from digits.caffeproto.scan import NotANetworkError
from digits.caffeproto.text import layer_line, parse_net, to_text, without_source
from digits.core.errors import NetworkError


def refused(text: str, *, where: str = "net.prototxt") -> str:
    with pytest.raises(NotANetworkError) as caught:
        parse_net(text, where=where)
    return str(caught.value)


def test_a_layer_and_its_fields_remember_their_lines() -> None:
    text = '# a comment\nname: "n"\nlayer {\n  name: "a"\n  convolution_param {\n    stride: 2\n  }\n}\nlayer { name: "b" }\n'

    net = parse_net(text, where="net.prototxt")

    assert net.lines == (3, 9)
    assert layer_line(net.message.layer[0]) == 3
    assert layer_line(net.message.layer[0], "convolution_param.stride") == 6
    assert layer_line(net.message.layer[0], "convolution_param.pad") == 3


def test_lines_travel_with_copies_and_stay_out_of_what_is_written() -> None:
    net = parse_net('\n\nlayer { name: "a" }', where="").message
    copy = caffe_pb2.NetParameter()
    copy.CopyFrom(net)

    assert layer_line(copy.layer[0]) == 3
    assert to_text(copy) == 'layer {\n  name: "a"\n}\n'


def test_all_the_freedom_of_the_format_is_read() -> None:
    text = """
    name: 'a' "b"   # neighbours join, quotes of both kinds
    input_dim: [1, 2, 0x10, 04]; force_backward: true,
    layer: [ { name: "x" }, < name: "y" > ]
    layer { top: "p" top: "q" convolution_param: { kernel_size: 3 stride: 2 } dropout_param { dropout_ratio: .5f } }
    """

    net = parse_net(text, where="").message

    assert (net.name, list(net.input_dim), net.force_backward) == ("ab", [1, 2, 16, 4], True)
    assert [layer.name for layer in net.layer] == ["x", "y", ""]
    assert net.layer[2].dropout_param.dropout_ratio == 0.5
    assert [layer_line(layer) for layer in net.layer] == [4, 4, 5]


# The slips of the tutorial's slides.


def test_data_params_is_answered_with_the_line_and_data_param() -> None:
    text = 'layer {\n  name: "train-data"\n  type: "Data"\n  data_params {\n    batch_size: 64\n  }\n}\n'

    assert refused(text) == "net.prototxt:4:3: LayerParameter has no field 'data_params'. Did you mean 'data_param'?"


def test_a_capital_layer_is_answered_with_layer() -> None:
    text = 'layer { name: "fc" }\nLayer {\n  name: "loss"\n}\n'

    assert refused(text) == "net.prototxt:2:1: NetParameter has no field 'Layer'. Did you mean 'layer'?"


def test_an_unknown_enum_value_is_answered_with_the_nearest() -> None:
    text = "layer {\n  pooling_param { pool: AVG }\n}"

    assert refused(text) == "net.prototxt:2:25: 'AVG' is no value of 'pool'. Did you mean 'AVE'?"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("layer {", "net.prototxt:1:7: A bracket is opened here and never closed."),
        ("layer { } }", "net.prototxt:1:11: '}' stands where a field's name should be."),
        ('layer { name: "a', "net.prototxt:1:15: A string is not closed on its line."),
        ("layer { name }", "net.prototxt:1:14: '}' stands where ':' and the value of 'name' should be."),
        ('layer: "x"', "net.prototxt:1:8: '\"x\"' stands where '{' of 'layer' should be."),
        ("layer { [a.b]: 1 }", "net.prototxt:1:9: '[' stands where a field's name should be."),
        ("force_backward: tru", "net.prototxt:1:17: 'tru' is no value of 'force_backward'. Did you mean 'true'?"),
        ("layer { convolution_param { num_output: -1 } }", "net.prototxt:1:41: Value out of range: -1."),
        ("layer { power_param { scale: x } }", "net.prototxt:1:30: Couldn't parse float: x."),
        ('layer { name: "a" name: "b" }', 'Message type "LayerParameter" should not have multiple "name" fields.'),
        ("hello world", "net.prototxt:1:1: NetParameter has no field 'hello'."),
        ("\0", "net.prototxt:1:1: '\\x00' stands where a field's name should be."),
    ],
)
def test_what_is_no_network_is_refused_at_its_place(text: str, words: str) -> None:
    assert words in refused(text)


def test_without_a_file_the_place_is_a_line_in_words() -> None:
    assert refused("\nLayer { }", where="").startswith("line 2, column 1: ")


def test_a_byte_order_mark_and_lines_as_windows_ends_them_are_passed_over() -> None:
    parsed = parse_net('\ufefflayer {\r\n name: "a"\r\n}\r\nlayer { name: "b" }\r\n', where="w.prototxt")

    assert [layer.name for layer in parsed.message.layer] == ["a", "b"]
    assert parsed.lines == (1, 4)


@pytest.mark.parametrize(
    "text",
    [
        "{" * 900_000,
        "layer " + "{" * 900_000,
        "layer { x { " * 80_000,
        "layer{}" * 140_000,
        "layer { name: '" + "n" * 900_000,
        'layer { name: "a" } ' * 60_000,
    ],
    ids=["braces", "layer and braces", "nesting", "layers", "open string", "more than a megabyte"],
)
def test_bombs_are_refused_before_they_cost_anything(text: str) -> None:
    with pytest.raises(NotANetworkError):
        parse_net(text, where="")


def test_nesting_is_refused_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "layer { convolution_param { weight_filler { std: 1 } } }"
    monkeypatch.setattr(limits, "MAX_DEPTH", 3)
    assert parse_net(text, where="").message.layer[0].convolution_param.weight_filler.std == 1

    monkeypatch.setattr(limits, "MAX_DEPTH", 2)
    with pytest.raises(NotANetworkError, match="more than 2 deep"):
        parse_net(text, where="")


def test_exactly_the_largest_number_of_layers_is_read() -> None:
    assert len(parse_net("layer{}" * limits.MAX_LAYERS, where="").message.layer) == limits.MAX_LAYERS
    with pytest.raises(NotANetworkError, match="more than 20,000 layers"):
        parse_net("layer{}" * (limits.MAX_LAYERS + 1), where="")


def test_errors_of_a_definition_are_network_errors() -> None:
    assert issubclass(NotANetworkError, NetworkError)


@given(st.text(alphabet="{}<>[]:;,\"'\\#\n abclayernmetopbim0123456789._-", max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    with suppress(NetworkError):
        parse_net(text, where="")


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
layers = st.builds(
    caffe_pb2.LayerParameter,
    name=names,
    type=names,
    bottom=st.lists(names, max_size=3),
    top=st.lists(names, max_size=3),
    loss_weight=st.lists(floats, max_size=2),
    power_param=st.builds(caffe_pb2.PowerParameter, scale=floats, shift=floats),
    pooling_param=st.builds(
        caffe_pb2.PoolingParameter, pool=st.sampled_from(["MAX", "AVE"]), kernel_size=st.integers(0, 2**32 - 1)
    ),
)


@given(st.lists(layers, max_size=2))
@settings(max_examples=30, deadline=None)
def test_what_is_written_is_read_back_the_same(some: list[caffe_pb2.LayerParameter]) -> None:
    net = caffe_pb2.NetParameter(name="n", layer=some)

    assert without_source(parse_net(to_text(net), where="").message) == net
