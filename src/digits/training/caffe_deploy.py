"""Caffe networks on a device, and the one that answers: ``deploy.prototxt`` of a job folder."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch

from digits.caffeproto.text import parse_net
from digits.caffeproto.upgrade import upgrade_net
from digits.core.jobfolder import JobFolder
from digits.networks.caffe.build import build
from digits.networks.caffe.net import CaffeNet
from digits.networks.caffe.python_layer import python_layers_from

DEPLOY_FILE = "deploy.prototxt"


def python_layers_of(folder: JobFolder, *, allowed: bool) -> AbstractContextManager[None]:
    """Let networks that are built inside have layers written in Python, of the job's own file first, if a setting allows it."""
    return python_layers_from(folder.path) if allowed else nullcontext()


def open_deploy(folder: JobFolder, device: torch.device) -> CaffeNet:
    """Build the network of ``deploy.prototxt``, without weights yet.

    Raises:
        NetworkError: the file is not what it was.
    """
    text = (folder.path / DEPLOY_FILE).read_text(encoding="utf-8")
    message = upgrade_net(parse_net(text, where=DEPLOY_FILE).message, where=DEPLOY_FILE)
    return placed(build(message, {}, phase="TEST", where=DEPLOY_FILE), device)


def placed(net: CaffeNet, device: torch.device, *, compiled: bool = False) -> CaffeNet:
    """Move a network to its device, in the layout of memory that is fastest there, and compile it if asked to.

    Convolution and pooling with the channels innermost were measured 1.4 times faster on the CPU (LeNet), and GPUs prefer it too. Networks with LRN
    (AlexNet, GoogLeNet) keep Caffe's layout: their pools overlap and have many near ties, other roundings break those another way,
    and a single one moves a gradient by 1e-4. So their losses stay those of the same network written in plain PyTorch.
    """
    net.module.to(device=device)
    is_flat = all(parameter.dim() <= 4 for parameter in net.module.parameters())  # torch has no such layout of volumes
    if device.type != "mps" and is_flat and not any(layer.type == "LRN" for layer in net.layers):
        cast(Any, net.module).to(memory_format=torch.channels_last)  # torch's types lack it
    if compiled:
        net.module.compile()
    return net
