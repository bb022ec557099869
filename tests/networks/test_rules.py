"""Rules of a whole definition: in place, forced and stopped gradients, parameters in two shapes, losses without tops, phases, DummyData."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from digits.caffeproto.text import parse_net
from digits.core.errors import NetworkError, UnknownLayerError
from digits.networks.caffe.build import build
from digits.networks.layers.registry import NOT_BUILT_YET, converters
from tests.networks.layers.compare import assert_like_formulas
from tests.networks.layers.write import inputs, layer
from tests.networks.nets import make, ramp

IP = "inner_product_param { num_output: 3 }"


@pytest.mark.parametrize(
    "chain",
    [
        [("Sigmoid", ""), ("ReLU", "")],
        [("Exp", ""), ("Power", "power_param { power: 2 }")],
        [("ReLU", ""), ("Scale", "scale_param { bias_term: true }"), ("ReLU", "")],
        [("TanH", ""), ("Scale", ""), ("BatchNorm", ""), ("ELU", "")],
        [("Softmax", ""), ("ReLU", ""), ("Bias", ""), ("ReLU", ""), ("Dropout", "")],
        [("PReLU", ""), ("Swish", ""), ("BNLL", ""), ("MVN", ""), ("Clip", "clip_param { min: -1 max: 1 }")],
    ],
    ids=lambda chain: " ".join(kind for kind, _ in chain),
)
def test_any_chain_in_place_has_the_values_and_gradients_of_the_same_chain_apart(
    chain: list[tuple[str, str]],
) -> None:
    start = inputs(x=(3, 4, 2, 2)) + layer(
        "Convolution", "x", "a", "convolution_param { num_output: 4 kernel_size: 1 }"
    )
    steps = [layer(kind, "a", "a", settings, name=f"l{i}") for i, (kind, settings) in enumerate(chain)]

    assert_like_formulas(start + "".join(steps) + layer("EuclideanLoss", "a x", "loss"))


@pytest.mark.parametrize("maker", ["Scale", "Bias", "BatchNorm", "Eltwise", "Deconvolution", "Axpy"])
def test_relu_spares_memory_after_layers_that_do_not_need_their_output(maker: str) -> None:
    settings = {"Deconvolution": "convolution_param { num_output: 2 kernel_size: 1 }"}.get(maker, "")
    bottoms = {"Eltwise": "x x", "Axpy": "s x x"}.get(maker, "x")

    net = make(layer(maker, bottoms, "a", settings) + layer("ReLU", "a", "a", name="r"), x=(2, 2, 1, 1), s=(2, 2))

    assert "relu_(" in net.module.code


def test_force_backward_gives_frozen_parameters_a_gradient_and_overrules_propagate_down() -> None:
    text = layer("InnerProduct", "x", "a", "param { lr_mult: 0 } " + IP) + layer(
        "InnerProduct", "a", "b", f"propagate_down: false {IP.replace('}', 'weight_filler { value: 1 } }')}"
    )
    quiet, forced = make(text, x=(2, 4)), make("force_backward: true " + text, x=(2, 4))

    for net in (quiet, forced):
        torch.autograd.backward(net(x=torch.ones(2, 4))["b"].sum())

    assert not quiet.gradients()["a:0"].any()
    assert not quiet.gradients()["a:1"].any()
    assert forced.gradients()["a:0"].tolist() == [[6.0] * 4] * 3
    assert {parameter.lr_mult for parameter in forced.parameters if parameter.name == "a:0"} == {0}


def test_two_layers_may_share_values_in_two_shapes() -> None:
    shared = 'param { name: "w" share_mode: PERMISSIVE }'
    text = layer(
        "InnerProduct", "x", "a", f"{shared} inner_product_param {{ num_output: 2 bias_term: false }}"
    ) + layer("InnerProduct", "z", "b", f"{shared} inner_product_param {{ num_output: 4 bias_term: false }}")
    net = make(text, x=(1, 6), z=(1, 3))
    values = ramp(12)

    net.load_state({"a:0": values.reshape(2, 6)}, partial=True)
    outputs = net(x=torch.ones(1, 6), z=torch.ones(1, 3))
    torch.autograd.backward(outputs["a"].sum() + outputs["b"].sum())

    state = net.state()
    assert state["b:0"].shape == (4, 3)
    assert np.array_equal(state["b:0"].ravel(), values)
    np.testing.assert_allclose(outputs["b"].detach().numpy(), [values.reshape(4, 3).sum(1)], rtol=1e-5)
    assert net.num_parameters == 12
    assert net.gradients()["a:0"].tolist() == np.full((2, 6), 2).tolist()
    assert net.gradients()["b:0"].shape == (4, 3)
    net.load_state({name: blob * 0 + 1 for name, blob in state.items()})
    assert np.all(net.state()["a:0"] == 1)


def test_a_test_net_borrows_values_in_two_shapes_too() -> None:
    shared = 'param { name: "w" share_mode: PERMISSIVE }'
    text = layer(
        "InnerProduct", "x", "a", f"{shared} inner_product_param {{ num_output: 2 bias_term: false }}"
    ) + layer("InnerProduct", "z", "b", f"{shared} inner_product_param {{ num_output: 4 bias_term: false }}")
    train = make(text, "TRAIN", x=(1, 6), z=(1, 3))
    message = parse_net(inputs(x=(1, 6), z=(1, 3)) + text, where="net.prototxt").message
    test = build(message, {}, phase="TEST", where="net.prototxt", share=train)
    train.load_state({"a:0": ramp(2, 6)}, partial=True)

    assert np.array_equal(test.state()["b:0"], train.state()["b:0"])


def test_shared_values_must_be_as_many() -> None:
    strict = layer("InnerProduct", "x", "a", 'param { name: "w" } ' + IP) + layer(
        "InnerProduct", "z", "b", 'param { name: "w" } ' + IP
    )
    permissive = strict.replace('name: "w"', 'name: "w" share_mode: PERMISSIVE')

    for text in (strict, permissive):
        with pytest.raises(NetworkError, match="has weights of 3 x 6, and this layer needs 3 x 2"):
            make(text, x=(1, 6), z=(1, 2))


def test_a_loss_without_a_top_counts_under_its_own_name() -> None:
    text = layer("EuclideanLoss", "x z", "", name="loss")

    net = make(text, x=(2, 3), z=(2, 3))
    outputs = net(x=torch.ones(2, 3), z=torch.zeros(2, 3))

    assert net.losses == {"loss": 1}
    assert net.total_loss(outputs).item() == 1.5


def test_a_loss_that_is_changed_in_place_afterwards_counts_as_it_was() -> None:
    text = layer("Power", "x", "a", "loss_weight: 2 power_param { scale: -1 }") + layer("ReLU", "a", "a", name="r")
    net = make(text, x=(1, 2))

    outputs = net(x=torch.tensor([[3.0, -1.0]]))

    assert outputs["a"].tolist() == [[0, 1]]
    assert net.total_loss(outputs).item() == -4


def test_a_layer_may_have_a_phase_of_its_own() -> None:
    text = layer("Dropout", "x", "always", "phase: TRAIN") + layer("Dropout", "x", "never", "phase: TEST")

    for phase in ("TRAIN", "TEST"):
        made = make(text, "TRAIN" if phase == "TRAIN" else "TEST", x=(9, 9))(x=torch.ones(9, 9))

        assert set(made["always"].flatten().tolist()) == {0, 2}
        assert set(made["never"].flatten().tolist()) == {1}


def test_dummy_data_fills_itself_anew_before_each_pass_unless_it_is_given() -> None:
    settings = 'shape { dim: 2 dim: 3 } data_filler { type: "gaussian" } data_filler { value: 5 }'
    net = make(layer("DummyData", "", "a b", f"dummy_data_param {{ {settings} }}"))

    first, second = net(), net()
    given = net(a=torch.ones(2, 3))

    assert first["b"].tolist() == [[5, 5, 5]] * 2
    assert not torch.equal(first["a"], second["a"])
    assert given["a"].tolist() == [[1, 1, 1]] * 2


@pytest.mark.parametrize("kind", sorted(NOT_BUILT_YET.keys() - converters().keys()))
def test_a_type_that_is_not_built_yet_says_so_and_names_its_line(kind: str) -> None:
    with pytest.raises(UnknownLayerError, match="known but not built yet") as caught:
        make("\n" + layer(kind, "x", "y"), x=(1, 2))

    assert caught.value.where == "net.prototxt:2"
