"""The whole training loop, top to bottom: one function a reader can hold in the head, and the five things it does.

It names no framework and no kind of answer: a network is called with blobs and gives blobs, ``run.kind`` knows what they mean.
Iterations count from 0 as Caffe counts them: a point of iteration N is of the weights before their N-th move.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from digits.core.errors import TrainingError
from digits.core.events import Snapshot
from digits.core.work import StoppedError
from digits.training import devices, early, snapshots
from digits.training.learning import learn, make_room
from digits.training.run import Run, TestSet
from digits.training.sources import batches_once

_CHECK_INTERVAL = 3  # steps between looks at the loss where a look has to wait for the device


def train(run: Run) -> dict[str, Any]:
    """Train from ``run.first_step`` to the end, or until validations get no better, and return what the job's page shows about it.

    Raises:
        StoppedError: it was asked to stop; a snapshot of the last step is on disk.
        TrainingError: the loss is no number any more, or memory ran out.
    """
    step = saved = run.first_step
    early.warn_if_blind(run)
    with devices.memory_words(run.device, run.batch_size):
        while True:
            if run.is_test_due(step) and run.validated != step:
                validate(run, step)
                if step and run.validated == step:
                    saved = -1  # a snapshot of this step that a stop left without these figures is written again
            end = early.ended(run) if run.validated == step < run.max_iter else None
            if (run.is_snapshot_due(step) or end) and saved != step:
                save(run, step)
                saved = step
            if step == run.max_iter or end:
                break
            if run.stop():
                if saved != step:
                    save(run, step)
                run.report.progress(step, now=True)
                raise StoppedError(f"Stopped at epoch {run.report.epoch(step):.2f} of {run.spec.train_epochs}.")

            advance(run, step)
            step += 1
    run.report.progress(step, now=True)
    facts = run.facts | {"step": step, "metrics": run.last_validation, "images_per_second": run.report.rate}
    if end is None:
        return facts
    run.log.say(str(end))
    return facts | {"stopped_early": end.as_facts()}


def advance(run: Run, step: int) -> None:
    """Do one iteration: the weights move once."""
    rate = run.schedule(step)
    loss, outputs, targets = learn(run, step)
    check(run, step, loss, outputs, targets)
    if step % run.display == 0:
        show(run, step, rate, loss, outputs, targets)
    run.solver.step(rate)
    run.report.trained(run.batch_size * run.iter_size)
    run.report.progress(step + 1)


def check(run: Run, step: int, loss: Tensor, outputs: Mapping[str, Tensor], targets: Tensor) -> None:
    """Stop before weights that are no numbers are kept: within 3 steps of the first such loss.

    Raises:
        TrainingError: the loss is NaN or infinite.
    """
    is_due = run.device.type == "cpu" or step % _CHECK_INTERVAL == 0 or run.is_snapshot_due(step + 1)
    if not is_due or math.isfinite(loss.item()):
        return
    values = {name: value.item() for name, value in run.kind.measure(outputs, targets).items()}
    name, value = next(
        ((name, value) for name, value in values.items() if not math.isfinite(value)), ("loss", math.nan)
    )
    raise diverged(name, value, step)


def diverged(name: str, value: float, step: int) -> TrainingError:
    """Return the error of an output that is no number, in DIGITS' words."""
    kind = "NaN" if math.isnan(value) else "Inf"
    return TrainingError(
        f"Network outputted {kind} for {name!r} (iteration {step}).", hint="Try decreasing your learning rate."
    )


def show(run: Run, step: int, rate: float, loss: Tensor, outputs: Mapping[str, Tensor], targets: Tensor) -> None:
    """Keep a point of the training curves."""
    values = {name: value.item() for name, value in run.kind.measure(outputs, targets).items()}
    run.report.points(step, {f"{name}/train": value for name, value in values.items()} | {"lr": rate})
    run.log.iteration(step, loss.item(), rate)
    run.log.outputs("Train", values, run.net.losses)


@torch.inference_mode()
def validate(run: Run, step: int) -> None:
    """Measure the whole validation set: the mean over its pictures, each counted once.

    Asked to stop meanwhile, it leaves without a point; a resumed training measures again.

    Raises:
        TrainingError: an output is no number.
    """
    test = run.test
    assert test is not None
    values = measured(run, test)
    if values is None:
        return
    for name, mean in values.items():
        if not math.isfinite(mean):
            raise diverged(name, mean, step)
    run.last_validation, run.validated = {f"{name}/val": mean for name, mean in values.items()}, step
    if step == 0:
        early.check_measures(run)
    run.report.points(step, run.last_validation)
    run.log.say(f"Iteration {step}, Testing net (#0)")
    run.log.outputs("Test", values, test.net.losses)
    run.report.progress(step, now=True)
    run.report.paused()


def measured(run: Run, test: TestSet) -> dict[str, float] | None:
    """Return the mean of each measure over the pictures of ``test``, None where it was asked to stop; smaller batches where memory runs out."""
    while True:
        try:
            return _measured(run, test)
        except Exception as error:
            if test.batch_size == 1 or not devices.is_out_of_memory(error):
                raise
        make_room(run)
        test.batch_size = (test.batch_size + 1) // 2


def _measured(run: Run, test: TestSet) -> dict[str, float] | None:
    sums: dict[str, Tensor] = {}
    for data, targets in batches_once(test.frames, test.transform, run.kind.collate, test.batch_size):
        if run.stop():
            return None
        with run.arithmetic():
            outputs = test.net(**{test.data_blob: data, test.target_blob: targets})
        for name, value in run.kind.measure(outputs, targets).items():
            sums[name] = sums.get(name, torch.zeros((), device=run.device)) + value.reshape(()) * len(data)
    return {name: total.item() / len(test.frames) for name, total in sums.items()}


def save(run: Run, step: int) -> None:
    """Write a snapshot, say so, then remove those that it makes superfluous."""
    epoch = run.report.epoch(step)
    run.report.flush(step)
    run.metrics.sync()
    facts = snapshots.Facts(
        step=step, epoch=epoch, seed=run.seed, validated=run.validated, pieces=run.pieces,
        lengths=run.metrics.lengths(), metrics=run.last_validation, machine=devices.arithmetic(run.device),
    )  # fmt: skip
    state = {f"solver/{name}": value for name, value in run.solver.state().items()}
    state |= {f"network/{name}": value for name, value in run.net.memory().items()}
    state |= {f"random/{name}": value for name, value in devices.random_state(run.device).items()}
    file, num_bytes = snapshots.write_snapshot(run.folder, facts, run.net.state(), state)
    run.log.say(f"Snapshotting to {file}/{snapshots.WEIGHTS}")
    run.emit(Snapshot(epoch=round(epoch, 3), step=step, file=file, bytes=num_bytes, metrics=run.last_validation))
    run.prune()
    run.report.paused()
