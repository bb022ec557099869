"""From a definition to a graph: blobs, in-place layers, sharing, losses, names, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from digits.caffeproto.text import parse_net
from digits.core.errors import NetworkError, UnknownLayerError, WeightsError
from digits.networks.caffe.build import build
from digits.networks.caffe.net import CaffeNet
from tests.networks.nets import make, one, ramp, run

IP = 'layer {{ name: "{0}" type: "InnerProduct" bottom: "{1}" top: "{0}" {2} inner_product_param {{ num_output: 3 {3} }} }}\n'
XAVIER = 'weight_filler { type: "xavier" }'


def ip(name: str, bottom: str = "x", more: str = "", filler: str = XAVIER) -> str:
    return IP.format(name, bottom, more, filler)


def refused(text: str, **inputs: tuple[int, ...]) -> NetworkError:
    with pytest.raises(NetworkError) as caught:
        make(text, "TEST", **(inputs or {"x": (2, 4)}))
    return caught.value


def test_the_graph_is_readable_python_with_the_layers_names() -> None:
    net = make(ip("a/1x1") + ip("for", "a/1x1"), x=(2, 4))

    code = net.module.code
    assert "a_1x1 = self.a_1x1(x)" in code
    assert "for_1 = self.for_1(a_1x1)" in code
    assert "return {'for': for_1}" in code


@pytest.mark.parametrize(
    "name", ["forward", "training", "code", "graph", "input", "None", "1x1", "weight", "ünï", "", "a b", "self", "x"]
)
def test_a_layer_may_have_any_name(name: str) -> None:
    net = make(ip(name, "x").replace(f'top: "{name}"', 'top: "y"'), x=(2, 4))

    assert net(x=torch.ones(2, 4))["y"].shape == (2, 3)
    assert list(net.state()) == [f"{name}:0", f"{name}:1"]


def test_outputs_are_the_blobs_that_nobody_takes_in_alphabetical_order() -> None:
    net = make(
        ip("b") + ip("a") + ip("c", "a") + 'layer { name: "s" type: "Silence" bottom: "b" }', x=(2, 4), label=(2,)
    )

    assert net.outputs == ("c", "label")
    assert list(net(x=torch.ones(2, 4), label=torch.ones(2))) == ["c", "label"]


def test_an_in_place_layer_changes_the_blob_for_those_after_it() -> None:
    text = (
        ip("a")
        + 'layer { name: "before" type: "Power" bottom: "a" top: "before" }\n'
        + 'layer { name: "relu" type: "ReLU" bottom: "a" top: "a" }\n'
        + 'layer { name: "after" type: "Power" bottom: "a" top: "after" }\n'
    )

    blobs = run(text, x=ramp(5, 4)).blobs

    assert blobs["before"].min() < 0
    assert np.array_equal(blobs["after"], np.maximum(blobs["before"], 0))
    assert np.array_equal(blobs["a"], blobs["after"])


def test_relu_changes_memory_only_where_nobody_else_needs_it() -> None:
    relu = 'layer { name: "r" type: "ReLU" bottom: "a" top: "a" }'

    assert "relu_(" in make(ip("a") + relu, x=(2, 4)).module.code
    assert "relu_(" not in make(relu.replace('"a"', '"x"'), x=(2, 4)).module.code
    other = 'layer { name: "p" type: "Power" bottom: "a" top: "p" power_param { power: 2 } }'
    assert "relu_(" not in make(ip("a") + other + relu, x=(2, 4)).module.code


def test_gradients_of_several_readers_add_up() -> None:
    text = one("Power", "power_param { scale: 2 }", tops="a") + one(
        "Power", "power_param { scale: 5 }", tops="b"
    ).replace('"l"', '"m"')

    gradient = run(text, x=ramp(2, 2)).gradients["x"]

    assert gradient is not None
    assert gradient.tolist() == [[7, 7], [7, 7]]


def test_layers_that_name_a_parameter_alike_share_it() -> None:
    net = make(
        ip("a", more='param { name: "w" } param { name: "b" }')
        + ip("b", more='param { name: "w" } param { name: "b" }'),
        x=(2, 4),
    )

    assert [parameter.name for parameter in net.parameters] == ["a:0", "a:1"]
    assert net.num_parameters == 15
    assert sorted(net.state()) == ["a:0", "a:1", "b:0", "b:1"]
    result = net(x=torch.ones(2, 4))
    (result["a"].sum() + result["b"].sum()).backward()  # type: ignore[no-untyped-call] # torch's own
    assert net.parameters[1].tensor.grad is not None
    assert net.parameters[1].tensor.grad.tolist() == [4, 4, 4]


def test_rates_are_1_unless_given_and_0_means_no_gradient() -> None:
    net = make(ip("a", more="param { lr_mult: 0 } param { lr_mult: 2 decay_mult: 0 }") + ip("b", "a"), x=(2, 4))

    rates = {p.name: (p.lr_mult, p.decay_mult) for p in net.parameters}
    assert rates == {"a:0": (0, 1), "a:1": (2, 0), "b:0": (1, 1), "b:1": (1, 1)}
    net(x=torch.ones(2, 4))["b"].sum().backward()  # type: ignore[no-untyped-call] # torch's own
    assert [p.tensor.grad is None for p in net.parameters] == [True, False, False, False]


def test_propagate_down_false_stops_the_gradient() -> None:
    result = run(ip("a", more="propagate_down: false"), x=ramp(2, 4))

    assert result.gradients["x"] is None


def test_the_first_top_of_a_loss_weighs_1_and_any_layer_may_be_given_a_weight() -> None:
    text = (
        ip("score")
        + 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }\n'
        + 'layer { name: "p" type: "Power" bottom: "score" top: "p" loss_weight: 0.5 power_param { power: 2 } }\n'
    )
    net = make(text, x=(2, 4), label=(2,))

    outputs = net(x=torch.ones(2, 4), label=torch.zeros(2))

    assert net.losses == {"loss": 1.0, "p": 0.5}
    assert torch.isclose(net.total_loss(outputs), outputs["loss"] + 0.5 * outputs["p"].sum())


def test_a_loss_that_another_layer_takes_still_counts() -> None:
    text = 'layer { name: "e" type: "EuclideanLoss" bottom: "x" bottom: "z" top: "e" }\nlayer { name: "s" type: "Silence" bottom: "e" }'
    net = make(text, x=(2, 3), z=(2, 3))

    outputs = net(x=torch.ones(2, 3), z=torch.zeros(2, 3))

    assert net.outputs == ()
    assert float(net.total_loss(outputs)) == pytest.approx(1.5)


def test_a_network_without_a_loss_cannot_be_trained_and_says_so() -> None:
    net = make(ip("a"), x=(2, 4))

    with pytest.raises(NetworkError, match="no loss"):
        net.total_loss(net(x=torch.ones(2, 4)))


def test_a_missing_input_is_named() -> None:
    with pytest.raises(NetworkError, match="needs the input 'x'"):
        make(ip("a"), x=(2, 4))()


def test_a_test_net_borrows_the_weights_of_its_train_net() -> None:
    train = make(ip("a"), "TRAIN", x=(2, 4))
    text = parse_net('layer { name: "x" type: "Input" top: "x" }' + ip("a"), where="").message

    test = build(text, {"x": (7, 4)}, phase="TEST", where="", share=train)

    with torch.no_grad():
        train.parameters[0].tensor.fill_(3)
    assert test(x=torch.ones(7, 4))["a"][0, 0].item() == 12


def test_any_batch_goes_through_a_built_network() -> None:
    net = make(ip("a"), x=(2, 4))

    assert net(x=torch.ones(9, 4))["a"].shape == (9, 3)


def test_a_moved_network_still_knows_its_parameters() -> None:
    net = make(ip("a"), x=(2, 4))

    net.module.to(torch.float64)

    assert net.parameters[0].tensor.dtype == torch.float64
    assert net.parameters[0].tensor is dict(net.module.named_parameters())["a.weight"]


def test_the_table_tells_windows_fields_and_work() -> None:
    text = (
        'layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 4 kernel_size: 5 stride: 2 pad: 1 } }'
        'layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { kernel_size: 3 stride: 2 } }'
        'layer { name: "d" type: "Convolution" bottom: "p" top: "d" convolution_param { num_output: 2 kernel_size: 3 dilation: 2 } }'
    )

    conv, pool, dilated = make(text, x=(1, 3, 41, 41)).layers[-3:]

    assert (conv.kernel, conv.stride, conv.pad, conv.num_parameters) == ((5, 5), (2, 2), (1, 1), 304)
    assert conv.multiply_adds == 20 * 20 * 4 * 3 * 5 * 5
    assert (conv.receptive_field, pool.receptive_field, dilated.receptive_field) == ((5, 5), (9, 9), (25, 25))
    assert (conv.cumulative_stride, pool.cumulative_stride) == ((2, 2), (4, 4))


# State.


def test_state_goes_out_and_comes_back() -> None:
    text = ip("a") + ip("b", "a")
    one_net, other = make(text, x=(2, 4)), make(text.replace("xavier", "msra"), x=(2, 4))

    other.load_state(one_net.state())

    x = torch.ones(2, 4)
    assert torch.equal(one_net(x=x)["b"], other(x=x)["b"])


def test_state_is_a_copy() -> None:
    net = make(ip("a"), x=(2, 4))

    net.state()["a:0"][:] = 9

    assert not (net.parameters[0].tensor == 9).any()


def shapes(net: CaffeNet) -> dict[str, np.ndarray]:
    return {name: np.zeros_like(array) for name, array in net.state().items()}


def test_weights_that_do_not_fit_are_refused_with_both_shapes() -> None:
    net = make(ip("a"), x=(2, 4))

    with pytest.raises(WeightsError, match=r"is 5 4 \(20\); target param shape is 3 4 \(12\)") as caught:
        net.load_state(shapes(net) | {"a:0": np.zeros((5, 4), np.float32)})
    assert "rename the layer" in caught.value.hint
    with pytest.raises(WeightsError, match="lack a:1"):
        net.load_state({"a:0": np.zeros((3, 4), np.float32)})
    with pytest.raises(WeightsError, match="no z:0"):
        net.load_state(shapes(net) | {"z:0": np.zeros(1, np.float32)})


def test_a_refused_load_leaves_the_weights_as_they_were() -> None:
    net = make(ip("a") + ip("b", "a"), x=(2, 4))
    before = net.state()

    with pytest.raises(WeightsError):
        net.load_state({"a:0": np.zeros((3, 4)), "a:1": np.zeros(3), "b:0": np.zeros((9, 9)), "b:1": np.zeros(3)})

    assert all(np.array_equal(before[name], after) for name, after in net.state().items())


def test_fine_tuning_takes_what_has_the_same_name() -> None:
    net = make(ip("a") + ip("new", "a"), x=(2, 4))

    taken = net.load_state({"a:0": np.ones((3, 4)), "a:1": np.ones(3), "old:0": np.ones(7)}, partial=True)

    assert taken == ("a:0", "a:1")
    with pytest.raises(WeightsError, match="has 2 parameter blobs, and 1"):
        net.load_state({"a:0": np.ones((3, 4))}, partial=True)


def test_old_four_number_shapes_fit_if_only_ones_stand_before() -> None:
    net = make(ip("a"), x=(2, 4))

    net.load_state({"a:0": np.ones((1, 1, 3, 4)), "a:1": np.full((1, 1, 1, 3), 2.0)})

    assert net(x=torch.ones(1, 4))["a"].tolist() == [[6, 6, 6]]
    with pytest.raises(WeightsError):
        net.load_state({"a:0": np.ones((1, 3, 1, 4)), "a:1": np.ones(3)})


# What is refused.


def test_an_unknown_type_is_answered_with_its_line_and_the_nearest() -> None:
    text = '\nlayer {\n  name: "pool1"\n  type: "Polling"\n  bottom: "x"\n  top: "pool1" }'
    with pytest.raises(UnknownLayerError) as caught:
        make(text, x=(2, 4))

    assert caught.value.where == "net.prototxt:4"
    assert "Unknown layer type: Polling" in caught.value.message
    assert "'pool1'" in caught.value.message
    assert caught.value.hint == "Did you mean 'Pooling'?"


def test_a_bottom_that_nobody_makes_is_answered_with_the_nearest() -> None:
    error = refused(ip("pool1") + ip("b", "pol1"))

    assert error.where == "net.prototxt:2"
    assert error.hint == "Did you mean 'pool1'?"


def test_a_blank_in_a_name_is_pointed_at() -> None:
    error = refused(ip("a").replace('top: "a"', 'top: " a"') + ip("b", "a"))

    assert error.hint == "Did you mean ' a', with its blank?"


def test_a_cycle_is_refused() -> None:
    error = refused(ip("a", "b") + ip("b", "a"))

    assert "'b' is made by no layer before it" in error.message
    assert error.hint == "Layer 'b' of line 2 makes it, and stands later: order counts."
    assert refused(ip("a", "a")).hint == "It would read what it makes itself."


def test_two_layers_may_not_make_one_blob() -> None:
    error = refused(ip("a") + ip("b").replace('top: "b"', 'top: "a"'))

    assert (error.where, error.message) == ("net.prototxt:2", "Layer 'b': its top 'a' is already made by layer 'a'.")


def test_two_layers_of_one_name_may_not_both_have_weights() -> None:
    assert "another layer of this name" in refused(ip("a") + ip("a").replace('top: "a"', 'top: "b"')).message
    relus = 'layer { name: "r" type: "ReLU" bottom: "x" top: "p" }layer { name: "r" type: "ReLU" bottom: "x" top: "q" }'
    assert make(relus, x=(2, 4)).outputs == ("p", "q")


def test_sharing_wants_one_shape_and_one_rate() -> None:
    shared = 'param {{ name: "w" {0} }}'
    wide = IP.format("b", "a", shared.format(""), "")
    assert "has weights of 3 x 4" in refused(ip("a", more=shared.format("")) + wide).message
    different = ip("a", more=shared.format("lr_mult: 1")) + ip("b", more=shared.format("lr_mult: 2"))
    assert "mismatched lr_mult" in refused(different).message


def test_a_data_layer_with_a_bottom_is_refused() -> None:
    error = refused('layer { name: "d" type: "Data" bottom: "x" top: "data" top: "label" }')

    assert "takes no bottoms" in error.message


def test_a_data_layer_needs_its_shapes_from_the_caller() -> None:
    text = 'layer { name: "d" type: "Data" top: "data" top: "label" }'

    assert "nothing says which shape" in refused(text).message
    net = build(parse_net(text, where="").message, {"data": (2, 3, 4, 4), "label": (2,)}, phase="TRAIN", where="")
    assert (net.inputs, net.outputs) == (("data", "label"), ("data", "label"))


def test_absurd_networks_are_refused_at_once() -> None:
    doubling = "".join(
        f'layer {{ name: "c{i}" type: "Concat" bottom: "{f"c{i - 1}" if i else "x"}" bottom: "{f"c{i - 1}" if i else "x"}" top: "c{i}" }}\n'
        for i in range(200)
    )
    wide = "".join(
        IP.format(f"a{i}", f"a{i - 1}" if i else "x", "", "").replace("num_output: 3", "num_output: 40000")
        for i in range(9)
    )

    assert "too large" in refused(doubling).message
    # as weights, these would take 52 GB; a network that is refused never takes any memory
    assert "more than 4,000,000,000 parameters" in refused(wide, x=(1, 40_000)).message
