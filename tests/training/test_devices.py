"""Where a network runs, and what is said when there is no room."""

from __future__ import annotations

import pytest
import torch

from digits.core.errors import TrainingError
from digits.training.devices import choose_device, memory_words

HAS_GPU = torch.cuda.is_available() or torch.backends.mps.is_available()


def test_the_first_wish_that_is_not_auto_wins() -> None:
    assert choose_device("auto", "cpu").type == "cpu"
    assert choose_device("cpu", "cuda").type == "cpu"
    assert choose_device("auto", "auto").type == ("cpu" if not HAS_GPU else choose_device("auto").type)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_device_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(TrainingError, match=r"has no CUDA device\. It has: .*cpu"):
        choose_device("cuda", "auto")


def test_memory_that_runs_out_is_said_with_the_batch_size_and_what_to_do() -> None:
    with (
        pytest.raises(
            TrainingError, match=r"Out of memory on the CPU with a batch size of 48\. Use a batch size of 24"
        ),
        memory_words(torch.device("cpu"), 48),
    ):
        torch.empty(1 << 55)


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(RuntimeError, match="shape"), memory_words(torch.device("cpu"), 48):
        torch.ones(2).reshape(3)
