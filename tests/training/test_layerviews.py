"""Every layer's statistics against what real Caffe computed, maps of a network small enough to work out by hand, and the worker that tells them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from digits.caffeproto.text import parse_net
from digits.caffeproto.upgrade import upgrade_net
from digits.data.tiles import MAX_WIDTH_PX, draw_tiles
from digits.networks.caffe.build import build
from digits.networks.caffe.net import CaffeNet
from digits.networks.steps import last_spatial
from digits.networks.torch.definition import define
from digits.networks.torch.net import TorchNet
from digits.networks.torch.params import Params
from digits.networks.torch.text import standard_text
from digits.training.activationmap import activation_maps
from digits.training.layerviews import LayerView, layer_views
from tests.shared import shared

HAND_WORKED = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.maps = nn.Conv2d(1, 2, 1, bias=False)
        self.scores = nn.Linear(2, 2, bias=False)
        self.maps.weight.data = torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1)
        self.scores.weight.data = torch.tensor([[3.0, 1.0], [0.0, 2.0]])

    def forward(self, data):
        return self.scores(self.maps(data).relu().mean((2, 3)))

def build_model(params):
    return Net()
"""


def views(net: CaffeNet | TorchNet, data: torch.Tensor, *, rgb: bool = False) -> list[LayerView]:
    steps, _ = net.steps(data=data)
    return list(layer_views(steps, rgb=rgb, known={}))


def test_activations_and_weights_have_the_statistics_of_what_real_caffe_computed() -> None:
    folder = shared("oracle", "mini_googlenet")
    expected = np.load(folder / "outputs.npz")
    given = {name: torch.from_numpy(value) for name, value in np.load(folder / "inputs.npz").items()}
    message = upgrade_net(parse_net((folder / "net.prototxt").read_text(), where="").message, where="")
    net = build(message, {name: tuple(value.shape) for name, value in given.items()}, phase="TEST", where="")
    net.load_state({
        key.removeprefix("param:"): value for key, value in expected.items() if key.startswith("param:")
    })  # fmt: skip
    steps, _ = net.steps(**given)

    rows = list(layer_views(steps, rgb=False, known={}))

    compared = 0
    for row in rows:
        key = f"param:{row.name}:0" if row.kind == "Weights" else f"blob:{row.name}"
        if key not in expected or expected[key].ndim == 0:
            continue
        values = expected[key] if row.kind == "Weights" else expected[key][0]
        assert row.shape == values.shape, row.name
        assert row.mean == pytest.approx(values.mean(), rel=1e-3, abs=1e-5), row.name
        assert row.std == pytest.approx(values.std(), rel=1e-3, abs=1e-5), row.name
        check_histogram(row, values)
        compared += 1
    assert compared > 20
    weights = [row for row in rows if row.kind == "Weights"]
    assert sum(row.num_parameters for row in weights) == net.num_parameters
    assert net.num_parameters == sum(value.size for key, value in expected.items() if key.startswith("param:"))


def check_histogram(row: LayerView, values: NDArray[np.float32]) -> None:
    counts, edges = np.histogram(values, 20)
    found, centres, ticks = row.histogram
    # A value at the edge of two bins may fall on either side.
    assert np.abs(np.array(found) - counts).sum() <= 2 + 0.02 * values.size
    np.testing.assert_allclose(centres, (edges[1:] + edges[:-1]) / 2, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        ticks, [values.min(), (values.min() + values.max()) / 2, values.max()], rtol=1e-3, atol=1e-4
    )


def test_lenet_in_python_shows_its_layers_in_order_with_431_080_parameters_and_no_picture_of_connected_weights() -> (
    None
):
    net = TorchNet(define(standard_text("lenet"), Params(10, (1, 28, 28), 0, None), allowed=False), "class", "TEST")

    rows = views(net, torch.rand(1, 1, 28, 28), rgb=True)

    assert sum(row.num_parameters for row in rows) == net.num_parameters == 431_080
    weights = {
        row.name: (row.shape, row.num_parameters, row.tiles is not None) for row in rows if row.kind == "Weights"
    }
    assert weights == {
        "conv1": ((20, 1, 5, 5), 520, True), "conv2": ((50, 20, 5, 5), 25_050, True),
        "ip1": ((500, 800), 400_500, False), "ip2": ((10, 500), 5_010, False),
    }  # fmt: skip
    assert rows[0].name == "data"
    assert (rows[-1].layer_type, rows[-1].shape) == ("Softmax", (10,))


def test_the_map_of_a_class_is_what_can_be_worked_out_by_hand() -> None:
    net = TorchNet(define(HAND_WORKED, Params(2, (1, 2, 2), 0, None), allowed=True), "class", "TEST")
    data = torch.tensor([[[[4.0, 1.0], [-2.0, 0.0]]]], requires_grad=True)

    steps, outputs = net.steps(data=data * 1)
    found = activation_maps(steps, outputs["softmax"], [0, 1])

    # The two channels are [[4, 1], [0, 0]] and [[0, 0], [2, 0]]; a score's gradient at each of four places is its weight / 4.
    assert found is not None
    first = (3 * np.array([[4, 1], [0, 0]]) + 1 * np.array([[0, 0], [2, 0]])) / 4
    second = 2 * np.array([[0, 0], [2, 0]]) / 4
    np.testing.assert_allclose(found.maps[0], first / first.max(), rtol=1e-6)
    np.testing.assert_allclose(found.maps[1], second / second.max(), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "size", "blob"),
    [("lenet", (1, 28, 28), "conv2"), ("alexnet", (3, 227, 227), (13, 13)), ("googlenet", (3, 224, 224), (7, 7))],
)
def test_maps_lie_on_the_last_places_before_the_classifier(
    network: str, size: tuple[int, int, int], blob: str | tuple[int, int]
) -> None:
    net = TorchNet(define(standard_text(network), Params(10, size, 0, None), allowed=False), "class", "TEST")

    with torch.inference_mode():
        found = last_spatial(net.steps(data=torch.rand(1, *size))[0])

    assert found is not None
    assert (found[0] if isinstance(blob, str) else tuple(found[1].shape[2:])) == blob


def test_tiles_stand_in_a_square_are_enlarged_by_whole_pixels_and_are_never_wider_than_1200() -> None:
    small = np.arange(16, dtype=np.float32).reshape(4, 2, 2)

    few = draw_tiles(small, low=0, high=15)
    many = draw_tiles(np.zeros((96, 224, 224), np.float32), low=0, high=1)

    pixels = cv2.imdecode(np.frombuffer(few.png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    assert (few.num_shown, few.width_px) == (4, 101)
    assert (pixels[:50, :50].reshape(2, 25, 2, 25, 4).std((1, 3)) == 0).all()
    assert tuple(pixels[0, 0]) == (84, 1, 68, 255)  # viridis begins with #440154; BGR with its opacity
    assert pixels[50, 50, 3] == 0
    assert (many.num_tiles, many.num_shown) == (96, 25)
    assert many.width_px <= MAX_WIDTH_PX
