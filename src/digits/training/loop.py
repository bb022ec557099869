"""The steps of a training by torch: what it does once an iteration, and how it measures. ``course.follow`` is the loop around them.

It names no framework and no kind of answer: a network is called with blobs and gives blobs, ``kind`` knows what they mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from digits.training import devices
from digits.training.course import diverged
from digits.training.learning import learn, make_room
from digits.training.run import Run, TestSet
from digits.training.sources import batches_once
from digits.training.targets import Tally
from digits.training.traces import traced

_CHECK_INTERVAL = 3  # steps between looks at the loss where a look has to wait for the device


@dataclass(kw_only=True)
class TorchRun(Run):
    """A training that torch computes."""

    def advance(self, step: int) -> None:
        """Do one iteration: the weights move once.

        Raises:
            TrainingError: the loss is no number any more, or memory ran out.
        """
        interval = self.spec.traces_interval if self.world.leads else 0
        with traced(self.folder.path, step, interval, self.device), devices.memory_words(self.device, self.batch_size):
            rate = self.schedule(step)
            if not self.world.is_alone:
                devices.seed_step(self.seed, self.world, step)
            loss, outputs, targets = learn(self, step)
            _check(self, step, loss, outputs, targets)
            if step % self.display == 0:
                _show(self, step, rate, loss, outputs, targets)
            self.solver.step(rate)
        self.report.trained(self.batch_size * self.iter_size)
        self.report.progress(step + 1)

    @torch.inference_mode()
    def measured(self) -> dict[str, float] | None:
        """Return the mean of each measure over the validation set; smaller batches where memory runs out."""
        test = self.test
        assert test is not None
        with devices.memory_words(self.device, test.batch_size):
            while True:
                try:
                    return _measured(self, test)
                except Exception as error:
                    if test.batch_size == 1 or not devices.is_out_of_memory(error):
                        raise
                make_room(self)
                test.batch_size = (test.batch_size + 1) // 2


def _check(run: Run, step: int, loss: Tensor, outputs: Mapping[str, Tensor], targets: Tensor) -> None:
    """Stop before weights that are no numbers are kept: within 3 steps of the first such loss.

    Raises:
        TrainingError: the loss is NaN or infinite.
    """
    is_due = run.device.type == "cpu" or step % _CHECK_INTERVAL == 0 or run.is_snapshot_due(step + 1)
    if not is_due or math.isfinite(loss.item()):
        return
    values = _values(run, outputs, targets)
    name, value = next(
        ((name, value) for name, value in values.items() if not math.isfinite(value)), ("loss", math.nan)
    )
    raise diverged(name, value, step)


def _show(run: Run, step: int, rate: float, loss: Tensor, outputs: Mapping[str, Tensor], targets: Tensor) -> None:
    """Keep a point of the training curves."""
    values = _values(run, outputs, targets)
    run.report.points(step, {f"{name}/train": value for name, value in values.items()} | {"lr": rate})
    run.log.iteration(step, loss.item(), rate)
    run.log.outputs("Train", values, run.net.losses)


def _values(run: Run, outputs: Mapping[str, Tensor], targets: Tensor) -> dict[str, float]:
    """Return what is measured of the last batch, of all processes' parts of it."""
    values = run.kind.measure(outputs, targets)
    if not run.world.is_alone:
        values = {name: value.float() * (len(targets) / run.batch_size) for name, value in values.items()}
        run.world.add(list(values.values()))
    return {name: value.item() for name, value in values.items()}


def _measured(run: Run, test: TestSet) -> dict[str, float] | None:
    """Return the mean of each measure, every process measuring its part; they go batch by batch, the shortest idle in the last one."""
    sums: dict[str, Tensor] = {}
    count, world = len(test.frames), run.world
    kind, tally = run.kind, run.kind.tally(run.device)
    batches = batches_once(
        test.frames, test.transform, kind.collate, test.batch_size, world.own(count), kind.move, kind.unit
    )
    for _ in range(math.ceil(world.largest(count) / test.batch_size)):
        if run.stop():
            return None
        with devices.memory_of_all(world):
            _measure_next(run, test, batches, sums, tally)
    if not world.is_alone:
        # The leader has the largest part: what there is to measure, it has measured.
        names = world.told(lambda: list(sums))
        sums = {name: sums.get(name, torch.zeros((), device=run.device)).float() for name in names}
        world.add([*sums.values(), *(tally.counts if tally else ())])
    means = {name: total.item() / count for name, total in sums.items()}
    return means | tally.result() if tally else means


def _measure_next(
    run: Run, test: TestSet, batches: Iterator[tuple[Tensor, Tensor]], sums: dict[str, Tensor], tally: Tally | None
) -> None:
    """Measure the next batch, if there is one, and add it to ``sums`` and ``tally``."""
    for data, targets in islice(batches, 1):
        with run.arithmetic():
            outputs = test.net(**{test.data_blob: data, test.target_blob: targets})
        for name, value in run.kind.measure(outputs, targets).items():
            sums[name] = sums.get(name, torch.zeros((), device=run.device)) + value.reshape(()) * len(data)
        if tally is not None:
            tally.add(outputs, targets)
