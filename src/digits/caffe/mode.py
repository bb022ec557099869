"""``caffe.set_mode_gpu()`` and its kin: what scripts say about the machine. The pycaffe face computes on the processor whatever they say."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass
class _Mode:
    seed: int | None = None


_mode = _Mode()


def set_mode_cpu() -> None:
    """Compute on the processor, as it does."""


def set_mode_gpu() -> None:
    """Do nothing: arrays of this face lie in the processor's memory. ``digits caffe train`` uses the GPU."""


def set_device(device_id: int) -> None:
    """Do nothing, as ``set_mode_gpu``."""
    del device_id


def set_random_seed(value: int) -> None:
    """Let fillers, dropout, crops and mirrors of networks made from now on begin at ``value``."""
    _mode.seed = value
    torch.manual_seed(value)


def seed() -> int | None:
    """Return what ``set_random_seed`` was told, None if nothing."""
    return _mode.seed


def solver_count() -> int:
    """Return 1: a training runs in one process here."""
    return 1


def solver_rank() -> int:
    """Return 0, as ``solver_count`` is 1."""
    return 0


def set_solver_count(count: int) -> None:
    """Do nothing."""
    del count


def set_solver_rank(rank: int) -> None:
    """Do nothing."""
    del rank


def set_multiprocess(many: bool) -> None:
    """Do nothing."""
    del many


def init_log(*_: object) -> None:
    """Do nothing: there is no log of Google's kind to prepare."""


def log(text: str) -> None:
    """Do nothing with ``text``."""
    del text


def has_nccl() -> bool:
    """Return False."""
    return False
