"""``caffe.set_mode_gpu()`` and its kin: where the networks of the pycaffe face compute, and where chance begins.

Arrays lie in the processor's memory, where scripts read and write them; on a GPU each layer takes its bottoms and weights there and brings its
tops back.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import torch

from digits.core.errors import SetupError
from digits.training.caffelog import CaffeLog


@dataclass
class _Mode:
    seed: int | None = None
    is_gpu: bool = False
    device_id: int = 0
    has_said: bool = False


_mode = _Mode()


def set_mode_cpu() -> None:
    """Compute on the processor from now on."""
    _mode.is_gpu = False


def set_mode_gpu() -> None:
    """Compute on the GPU from now on; on a machine without one it is said, once, and the processor computes."""
    _mode.is_gpu = torch.cuda.is_available()
    if not _mode.is_gpu and not _mode.has_said:
        _mode.has_said = True
        CaffeLog(sys.stderr).say("This machine has no CUDA device: the processor computes.")


def set_device(device_id: int) -> None:
    """Choose the GPU for ``set_mode_gpu``; it matters on a machine that has one.

    Raises:
        SetupError: there are GPUs, and none of this number.
    """
    count = torch.cuda.device_count()
    if count and not 0 <= device_id < count:
        raise SetupError(f"This machine has no GPU {device_id}.", hint=f"It has {count}, counted from 0.")
    _mode.device_id = device_id


def device() -> torch.device:
    """Return where layers compute."""
    return torch.device("cuda", _mode.device_id) if _mode.is_gpu else torch.device("cpu")


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
