"""Every network of the fixtures that real Caffe ran: same values forward, same gradients backward."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from digits.caffeproto.caffemodel import read_caffemodel
from digits.caffeproto.filter import filter_net
from digits.caffeproto.text import parse_net
from digits.caffeproto.upgrade import upgrade_net
from digits.networks.caffe.build import build
from digits.networks.caffe.net import CaffeNet
from digits.networks.layers.registry import converters
from tests.shared import SHARED, needs_shared

FOLDERS = sorted(path.parent for path in (SHARED / "oracle").glob("*/meta.json")) if SHARED else []
NETS = [
    folder
    for folder in FOLDERS
    if (folder / "net.prototxt").is_file() and "phase" in (folder / "meta.json").read_text()
]
RANDOM = {"Dropout"}  # in TRAIN: real Caffe drew another mask


def unknown_types(folder: Path) -> list[str]:
    layers = json.loads((folder / "meta.json").read_text()).get("layers", ())
    return sorted({type_ for _, type_ in layers} - converters().keys())


@needs_shared
@pytest.mark.parametrize("folder", NETS, ids=lambda folder: folder.name)
def test_a_network_computes_what_real_caffe_computed(folder: Path) -> None:
    missing = unknown_types(folder)
    if missing:
        pytest.skip(f"no converter yet for {', '.join(missing)}")
    meta = json.loads((folder / "meta.json").read_text())
    expected: dict[str, NDArray[Any]] = dict(np.load(folder / "outputs.npz"))
    inputs = {name: torch.from_numpy(blob).requires_grad_() for name, blob in np.load(folder / "inputs.npz").items()}
    net = build_net(folder, meta["phase"], inputs)

    torch.manual_seed(1)  # the share that a dropout lets through is looked at
    blobs = dict[str, torch.Tensor]()
    for _ in range(meta["forward_passes"]):
        blobs = net.activations(**inputs)
    result = {name: blobs[name] for name in (*net.outputs, *net.losses)}
    backward(net, result, expected)

    assert list(net.outputs) == meta["outputs"]
    assert {name: net.losses[name] for name in net.losses} == pytest.approx(meta["loss_weights"])
    if meta["phase"] == "TRAIN" and RANDOM & {layer.type for layer in net.layers}:
        check_dropout(inputs, blobs)
        return
    largest = max((float(np.abs(v).max()) for k, v in expected.items() if k[0] == "d" and v.size), default=0.0)
    for key, value in expected.items():
        kind, _, name = key.partition(":")
        floor = 1e-6 if kind in ("blob", "param_after") else max(1e-6, 1e-7 * largest)
        if kind != "param" and kind != "topdiff":
            check_near(key, found(net, blobs, inputs, kind, name, value), value, floor)


def build_net(folder: Path, phase: Any, inputs: dict[str, torch.Tensor]) -> CaffeNet:
    text = (folder / "net.prototxt").read_text()
    message = filter_net(upgrade_net(parse_net(text, where=folder.name).message), phase=phase)
    net = build(message, {name: tuple(blob.shape) for name, blob in inputs.items()}, phase=phase, where=folder.name)
    net.load_state(read_caffemodel((folder / "weights.caffemodel").read_bytes()))
    return net


def backward(net: CaffeNet, result: dict[str, torch.Tensor], expected: dict[str, NDArray[Any]]) -> None:
    """Send back the losses, or where there is none what was sent back in real Caffe."""
    given = {key.partition(":")[2]: diff for key, diff in expected.items() if key.startswith("topdiff:")}
    if net.losses:
        total = net.total_loss(result)
    else:
        terms = [(result[name] * torch.from_numpy(diff)).sum() for name, diff in given.items()]
        total = torch.stack(terms).sum() if terms else torch.zeros(())
    if total.requires_grad:
        total.backward()  # type: ignore[no-untyped-call] # torch's own


def found(
    net: CaffeNet,
    blobs: dict[str, torch.Tensor],
    inputs: dict[str, torch.Tensor],
    kind: str,
    name: str,
    like: NDArray[Any],
) -> NDArray[Any]:
    """Return our value of what the fixture calls ``kind:name``; a gradient that did not flow is 0."""
    if kind == "blob":
        return blobs[name].detach().numpy()
    if kind == "param_after":
        return net.state()[name]
    holder = inputs[name] if kind == "dinput" else getattr(*net.blobs[name])
    return np.zeros_like(like) if holder.grad is None else holder.grad.numpy()


def check_near(key: str, ours: NDArray[Any], theirs: NDArray[Any], floor: float) -> None:
    """Within 1e-4 of the whole array's size, or ``floor`` in the root mean square, where real Caffe's value is defined."""
    assert ours.shape == theirs.shape, key
    defined = np.isfinite(theirs) & (np.abs(theirs) < 3e38)
    wanted = theirs[defined].astype(np.float64)
    error = float(np.linalg.norm(ours[defined] - wanted))
    assert error <= max(1e-4 * float(np.linalg.norm(wanted)), floor * wanted.size**0.5), (key, error)


def check_dropout(inputs: dict[str, torch.Tensor], blobs: dict[str, torch.Tensor]) -> None:
    """Each value is dropped, or scaled by 1 / (1 - 0.7); the gradient took the same way."""
    data, dropped = inputs["data"], blobs["d"].detach()
    scale = torch.where(dropped == 0, 0.0, 1 / 0.3)

    assert torch.allclose(dropped, data.detach() * scale, rtol=1e-5)
    assert 0.6 < float((dropped == 0).float().mean()) < 0.8
    assert data.grad is not None
    assert torch.equal(data.grad == 0, dropped == 0)


@needs_shared
def test_the_fixtures_that_wait_for_a_layer_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = {folder.name: types for folder in NETS if (types := unknown_types(folder))}
    with capsys.disabled():
        for name, types in waiting.items():
            print(f"\nnot covered yet: {name} (no converter for {', '.join(types)})", end="")

    assert len(NETS) - len(waiting) >= 30
