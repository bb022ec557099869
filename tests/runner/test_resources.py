from __future__ import annotations

import pytest

from digits.core.settings import Settings
from digits.runner.resources import find_gpus, measure
from digits.store import Gpu, Store
from digits.store.ledger import Ledger


def test_the_setting_for_the_cpu_leaves_gpus_alone(settings: Settings) -> None:
    assert find_gpus(settings.model_copy(update={"device": "cpu"})) == []


def test_slots_and_disk_are_what_the_settings_and_the_machine_say(settings: Settings) -> None:
    found = measure(settings, (0,))

    assert (found.gpus, found.cpu_slots, found.build_slots) == ((0,), 2, 2)
    assert found.free_disk_bytes > 0


def test_which_job_holds_which_gpu_is_known_to_all(store: Store) -> None:
    gpus = [Gpu(0, "A", 80 * 10**9, "20261124-041512-7f3a"), Gpu(1, "B", 80 * 10**9, "")]

    Ledger(store).set_gpus(gpus)

    assert store.gpus() == gpus


@pytest.mark.gpu
def test_a_gpu_is_found_and_may_be_hidden_from_jobs(settings: Settings) -> None:
    gpus = find_gpus(settings, {})
    if not gpus:
        pytest.skip("no NVIDIA GPU here")

    assert gpus[0].memory_bytes > 0
    assert find_gpus(settings, {"CUDA_VISIBLE_DEVICES": ""}) == []
    assert find_gpus(settings, {"CUDA_VISIBLE_DEVICES": "0"}) == gpus[:1]
