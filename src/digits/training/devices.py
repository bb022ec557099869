"""Where a network runs: one code path for CPU, CUDA and Apple's MPS."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from digits.core.errors import TrainingError
from digits.core.settings import Device
from digits.training.world import World


def choose_device(*wishes: Device) -> torch.device:
    """Return the device of the first wish that is not "auto", else the best there is.

    Raises:
        TrainingError: the machine has no such device.
    """
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    wish = next((wish for wish in wishes if wish != "auto"), None)
    if wish is None:
        return torch.device(next(name for name, there in found.items() if there))
    if not found[wish]:
        here = ", ".join(name for name, there in found.items() if there)
        raise TrainingError(
            f"This machine has no {wish.upper()} device.", hint=f"It has: {here}. Or leave it to 'auto'."
        )
    return torch.device(wish)


def can_compile(device: torch.device) -> bool:
    """Whether torch.compile can make code for the device: for a CPU it needs a C++ compiler."""
    names = (os.environ.get("CXX", ""), "g++", "clang++", "cl")
    return device.type != "cpu" or any(name and shutil.which(name) for name in names)


def seed_everything(seed: int) -> None:
    """Start every generator that layers draw from at ``seed``: torch's (dropout), and those that layers written in Python draw from."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # the generator that other people's code draws from


_RANK = 5  # what a generator is for: 0 to 4 are of records and pictures (``order``, ``sources``, ``augment``)


def seed_step(seed: int, world: World, step: int) -> None:
    """Start every generator anew for a step of one of several processes: dropout differs in each, and none has a state to keep."""
    seed_everything(int(np.random.SeedSequence((seed, _RANK, world.rank, step)).generate_state(1)[0]))


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Take the tiniest numbers for 0 inside: the momentum of a dead unit shrinks forever, and such numbers are slow.

    It is a state of the whole thread, so it is put back: whoever called may need exact numbers.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return the generators' states, to be kept in a snapshot."""
    state = {"cpu": torch.get_rng_state(), "python": _as_tensor(random.getstate()), "numpy": _as_tensor(_numpy_state())}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def load_random_state(state: Mapping[str, Tensor], device: torch.device) -> None:
    """Put the generators back; those of a device that this machine lacks are left alone."""
    torch.set_rng_state(state["cpu"])
    version, words, gauss = _from_tensor(state["python"])
    random.setstate((version, tuple(words), gauss))
    name, keys, *rest = _from_tensor(state["numpy"])
    np.random.set_state((name, np.array(keys, np.uint32), *rest))
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
    elif device.type == "mps" and "mps" in state:
        torch.mps.set_rng_state(state["mps"])


def _numpy_state() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state()
    return name, np.asarray(keys).tolist(), *rest


def _as_tensor(state: object) -> Tensor:
    """Return a generator's state as bytes of JSON, which keeps every float as it is."""
    return torch.frombuffer(bytearray(json.dumps(state).encode()), dtype=torch.uint8)


def _from_tensor(state: Tensor) -> list[Any]:
    found: list[Any] = json.loads(bytes(state.numpy()))
    return found


def arithmetic(device: torch.device) -> dict[str, str]:
    """Return what the bits of a sum depend on, by its name for people; the seed and the data are the same anywhere."""
    facts = {"version of PyTorch": torch.__version__, "device": device.type}
    if device.type == "cpu":
        facts |= {
            "number of threads": str(torch.get_num_threads()),
            "processor": torch.backends.cpu.get_cpu_capability(),
        }
    elif device.type == "cuda":
        facts["GPU"] = torch.cuda.get_device_name(device)
    return facts


_OUT_OF_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory|alloc_cpu", re.IGNORECASE)


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether memory ran out, in any of the ways in which torch says so; also where a network's own error was made of that one."""
    while error is not None:
        if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
            return True
        if isinstance(error, RuntimeError) and _OUT_OF_MEMORY.search(str(error)):
            return True
        error = error.__cause__
    return False


@contextmanager
def memory_of_all(world: World) -> Iterator[None]:
    """Let memory run out in every process where it ran out in one: all of them must do the same again.

    Raises:
        Exception: what said that memory ran out here; a MemoryError where it was in another process.
    """
    own: Exception | None = None
    try:
        yield
    except Exception as error:
        if world.is_alone or not is_out_of_memory(error):
            raise
        own = error
    if not world.is_alone and world.any(own is not None):
        raise own or MemoryError("Memory ran out in another process.")


@contextmanager
def memory_words(device: torch.device, batch_size: int) -> Iterator[None]:
    """Turn the many ways in which memory runs out into one error that says what to do.

    Raises:
        TrainingError: memory ran out in the block.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingError(
            f"Out of memory on the {device.type.upper()} with a batch size of {batch_size}.",
            hint=f"Use a batch size of {max(1, batch_size // 2)} or less; batch accumulation makes up for it.",
        ) from error


def arithmetic_of(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Return the block in which networks compute: layers that may are in bfloat16 for "bf16", while weights and gradients stay float32."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()
