"""Each standard network takes a training step: the loss is a number, and what is to learn moves."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from digits.caffeproto import caffe_pb2
from digits.networks.caffe.net import CaffeNet
from digits.networks.standard import standard_networks
from digits.training.solvers import make_solver
from tests.networks.standard_nets import built

SIZES = {
    "lenet": (28, 28), "alexnet": (67, 67), "caffenet": (67, 67), "googlenet": (224, 224), "inceptionv3": (75, 75),
    "fcn_alexnet": (64, 96), "fcn8s": (32, 48), "detectnet": (384, 1248),
}  # fmt: skip
"""Small pictures where the network takes them: what is tested is the step, not the size."""
FAST = ("lenet", "squeezenet_v1_1")


def inputs(name: str, net: CaffeNet) -> dict[str, Tensor]:
    chance = torch.Generator().manual_seed(0)
    blobs = {key: torch.rand(shape, generator=chance) for key, shape in net.input_shapes.items()}
    for key, shape in net.input_shapes.items():
        if key.endswith("label") and name == "detectnet":
            blobs[key] = torch.zeros(shape)
            blobs[key][:, 0, 0, 0] = 1  # one car of 200 x 120 pixels
            blobs[key][:, 0, 1, :6] = torch.tensor([300.0, 150, 200, 120, 0, 1])
        elif key.endswith("label"):
            blobs[key] = torch.randint(0, 5, shape, generator=chance).float()
        else:
            blobs[key] = blobs[key] * 255
    return blobs


@pytest.mark.parametrize(
    "name",
    [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in standard_networks()],
)
def test_a_training_step_has_a_loss_and_moves_what_is_to_learn(name: str) -> None:
    torch.manual_seed(0)
    kind = standard_networks()[name].kind
    net = built(name, size=SIZES.get(name, (64, 64)), batch=1 if kind == "segmentation" else 2, device="cpu")
    before = {each.name: each.tensor.detach().clone() for each in net.parameters if each.lr_mult}
    solver = make_solver(caffe_pb2.SolverParameter(type="SGD", momentum=0.9, weight_decay=1e-4), net.parameters)

    loss = net.total_loss(net(**inputs(name, net)))
    torch.autograd.backward(loss)
    solver.step(rate=1e-3)

    after = {each.name: each.tensor for each in net.parameters}
    assert torch.isfinite(loss)
    assert loss > 0
    still = {name for name, values in before.items() if torch.equal(values, after[name])}
    assert not {name for name in still if name.endswith(":0")}
    assert all(torch.isfinite(values).all() for values in after.values())
