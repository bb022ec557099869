"""Every case of every layer type once more: without memory, in single precision, on an accelerator, with another batch."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from digits.caffeproto.text import parse_net
from digits.networks.caffe.build import build
from digits.networks.caffe.net import CaffeNet
from digits.networks.layers.registry import converters
from tests.networks.layers.test_formulas import CASES, Case

DYNAMIC = {"filter", "filter nothing"}  # their shapes are known only when they run
SETTLED = {
    "concat dim",
    "flatten all",
    "inner product axis 0",
    "scale axis 0",
    "scale two",
    "scale two number",
    "slice dim",
}
BATCHED = [
    name
    for name, case in CASES.items()
    if set(re.findall(r"input_param { shape { (dim: \d+)", case.text)) == {"dim: 2"}
    and not case.given
    and name not in SETTLED
]


def made(case: Case, device: str = "cpu") -> CaffeNet:
    message = parse_net(case.text, where="test.prototxt").message
    return build(message, {}, phase=case.phase, where="test.prototxt", device=device)


def values(net: CaffeNet, case: Case, device: str = "cpu") -> dict[str, torch.Tensor]:
    draw = np.random.default_rng(0)
    drawn = {name: draw.normal(size=net.input_shapes[name]) for name in net.inputs}
    return {
        name: torch.tensor(np.asarray(array, np.float32), device=device) for name, array in (drawn | case.given).items()
    }


@pytest.mark.parametrize("name", CASES)
def test_shapes_are_known_without_memory_and_hold_in_single_precision(name: str) -> None:
    case = CASES[name]
    planned = {
        top: shape for row in made(case, "meta").layers for top, shape in zip(row.tops, row.output_shapes, strict=True)
    }
    net = made(case)

    blobs = net.activations(**values(net, case))

    assert {name: blob.dtype for name, blob in blobs.items()} == dict.fromkeys(blobs, torch.float32)
    if name not in DYNAMIC:
        assert {top: tuple(blobs[top].shape) for top in planned} == planned


@pytest.mark.parametrize("name", BATCHED)
def test_another_batch_goes_through(name: str) -> None:
    case = CASES[name]
    net = made(case)
    few = values(net, case)
    more = {blob: torch.cat([array, array, array]) for blob, array in few.items()}

    once, thrice = net.activations(**few), net.activations(**more)

    for blob, array in thrice.items():
        assert array.numel() in (3 * once[blob].numel(), once[blob].numel()), blob


def accelerator() -> str | None:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None


@pytest.mark.gpu
@pytest.mark.skipif(accelerator() is None, reason="no CUDA or MPS device")
@pytest.mark.parametrize("name", CASES)
def test_an_accelerator_computes_what_the_processor_computes(name: str) -> None:
    case, device = CASES[name], accelerator()
    assert device is not None
    here, there = made(case), made(case)
    there.load_state(here.state())
    there.module.to(device)

    expected, found = here.activations(**values(here, case)), there.activations(**values(there, case, device))

    for blob, array in expected.items():
        assert found[blob].device.type == device
        torch.testing.assert_close(found[blob].cpu(), array, rtol=1e-3, atol=1e-4)


def test_every_type_has_a_row_in_the_documentation() -> None:
    for kind, converter in converters().items():
        assert re.match(rf"(Caffe|NVCaffe|SegNet's) ``{kind}``", converter.summary), kind
        assert len(converter.summary) <= 130, kind
