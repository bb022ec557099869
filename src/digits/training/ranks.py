"""Several processes of one machine that train one network: they meet through a file and speak over the loopback alone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast

import psutil
import torch
import torch.distributed as dist
from torch import Tensor

from digits.core.work import WorkerSettings
from digits.training.world import ALONE, World

T = TypeVar("T")
_LOOPBACK = "127.0.0.1"
_PATIENCE = timedelta(days=1)
"""A process that dies is noticed by the one that started it; a leader that decodes pictures for an hour is waited for."""
_BUCKET_VALUES = 2**24
"""Of one exchange: 64 MB of float32, so that a large network needs little memory beside its gradients."""


class Ranks(World):
    """One of several, once ``torch.distributed`` is set up. Flags and facts go by the CPU, tensors by the device where they lie."""

    def told(self, find: Callable[[], T]) -> T:
        """Return what ``find`` gives in the leader."""
        text = json.dumps(find()).encode() if self.leads else b""
        length = torch.tensor([len(text)])
        dist.broadcast(length, 0)
        data = torch.frombuffer(bytearray(text), dtype=torch.uint8) if self.leads else torch.empty(int(length)).byte()
        dist.broadcast(data, 0)
        return cast(T, json.loads(bytes(data.numpy())))

    def any(self, flag: bool) -> bool:
        """Return whether ``flag`` holds in any process."""
        flags = torch.tensor([int(flag)])
        dist.all_reduce(flags, dist.ReduceOp.MAX)
        return bool(flags.item())

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes."""
        _exchange(tensors, lambda flat: dist.all_reduce(flat))

    def lend(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by the leader's."""
        _exchange(tensors, lambda flat: dist.broadcast(flat, 0))


@contextmanager
def joined(settings: WorkerSettings) -> Iterator[World]:
    """Meet the others that ``settings`` speak of; alone where they speak of none."""
    if settings.rank is None:
        yield ALONE
        return
    for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        os.environ.setdefault(name, _loopback())
    by_nccl = torch.cuda.is_available() and dist.is_nccl_available()
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if by_nccl else "gloo", init_method=Path(settings.meeting).as_uri(), timeout=_PATIENCE,
        rank=settings.rank, world_size=settings.processes,
    )  # fmt: skip
    yield Ranks(settings.rank, settings.processes)
    # Left out where an error ends the block: others may be gone, and then nobody answers a farewell.
    dist.destroy_process_group()


@torch.no_grad()
def _exchange(tensors: Sequence[Tensor], exchange: Callable[[Tensor], object]) -> None:
    """Let ``exchange`` change the values of ``tensors``, many in one call."""
    for bucket in _buckets(tensors):
        flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
        exchange(flat)
        for tensor, values in zip(bucket, torch.split(flat, [tensor.numel() for tensor in bucket]), strict=True):
            tensor.copy_(values.view(tensor.shape))


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Yield ``tensors`` in groups of one device and type, none larger than need be; the same groups in every process."""
    kinds: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
    for tensor in tensors:
        kinds.setdefault((tensor.device, tensor.dtype), []).append(tensor)
    for same in kinds.values():
        bucket: list[Tensor] = []
        for tensor in same:
            if bucket and sum(map(Tensor.numel, bucket)) + tensor.numel() > _BUCKET_VALUES:
                yield bucket
                bucket = []
            bucket.append(tensor)
        yield bucket


def _loopback() -> str:
    """Return the name of the network interface that leads to this machine alone: "lo"."""
    return next(
        name
        for name, addresses in psutil.net_if_addrs().items()
        if any(each.address == _LOOPBACK for each in addresses)
    )
